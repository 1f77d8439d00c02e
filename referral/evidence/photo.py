"""A picture somebody sent, taken in: one still image, its kind told by its content alone.

What is kept is the picture decoded and encoded anew: no metadata and no stray byte survive.
"""

import struct
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import RuleViolation
from referral.evidence.near import frequency_hash, gradient_hash

MOST_BYTES: Final = 5_000_000
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 2_400
QUALITY: Final = 85

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# What Pillow raises for bytes that are no whole picture.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    struct.error,
    Warning,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """The re-encoded JPEG; SHA-256 of what was sent and of its pixels; two near hashes."""

    jpeg: bytes = field(repr=False)
    upload_hash: bytes
    pixel_hash: bytes
    gradient_hash: int
    frequency_hash: int
    short_side: int


def take_in(upload: bytes) -> Picture:
    """The picture turned as the camera was held, at most 2,400 pixels long (api.md, files).

    Raises RuleViolation `image_format_unknown`, `image_broken`, `image_moving` or
    `image_too_many_pixels`; the size in pixels is judged before anything is decoded.
    """
    _sized(upload)
    page = _decoded(upload)
    out = BytesIO()
    page.save(out, "JPEG", quality=QUALITY)
    size = struct.pack(">II", *page.size)
    return Picture(
        jpeg=out.getvalue(),
        upload_hash=sha256(upload).digest(),
        pixel_hash=sha256(size + page.tobytes()).digest(),
        gradient_hash=gradient_hash(page),
        frequency_hash=frequency_hash(page),
        short_side=min(page.size),
    )


def turned(jpeg: bytes, quarters: int) -> bytes:
    """The picture turned clockwise by so many quarters of a circle."""
    with Image.open(BytesIO(jpeg), formats=("JPEG",)) as page:
        out = BytesIO()
        page.rotate(-90 * quarters, expand=True).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _sized(upload: bytes) -> None:
    try:
        with Image.open(BytesIO(upload), formats=_FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise RuleViolation("image_too_many_pixels", limit=MOST_PIXELS)
            if found.format != "MPO" and getattr(found, "is_animated", False):
                raise RuleViolation("image_moving")
            found.verify()
    except _BOMBS as error:
        raise RuleViolation("image_too_many_pixels", limit=MOST_PIXELS) from error
    except UnidentifiedImageError as error:
        raise RuleViolation("image_format_unknown") from error
    except _BROKEN as error:
        raise RuleViolation("image_broken") from error


def _decoded(upload: bytes) -> Image.Image:
    try:
        with Image.open(BytesIO(upload), formats=_FORMATS) as found:
            found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            found.load()
            return _plain(ImageOps.exif_transpose(found))
    except _BROKEN as error:
        raise RuleViolation("image_broken") from error


def _plain(found: Image.Image) -> Image.Image:
    """In RGB on white, nothing attached, no side longer than the longest allowed."""
    page = found.convert("RGBA") if found.has_transparency_data else found.convert("RGB")
    if page.mode == "RGBA":
        white = Image.new("RGB", page.size, "white")
        white.paste(page, mask=page.getchannel("A"))
        page = white
    page.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    page.info.clear()
    return page
