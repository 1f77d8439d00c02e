"""Photos of the vehicle licence (行驶证): sent in, read field by field, looked at with a trace."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from api.routes import Answer, Routes
from api.schemas import licence_photos as shapes
from api.service import Service
from api.v1.access import referrals_seen_by
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral import queries as referrals
from referral.evidence import queries, store
from referral.evidence.fields import FIELDS
from referral.evidence.ocr import read_picture
from referral.evidence.photo import Picture, take_in
from referral.evidence.queries import PhotoView
from referral.evidence.reading import Reading
from referral.queries import Filter

routes = Routes("licence photos")
DECIDES = (Role.SHOWROOM_MANAGER,)
READERS = (Role.SHOWROOM_MANAGER, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture taken in; not read when it would not be kept as a new one."""

    picture: Picture
    reading: Reading | None


def prepare_licence_photo(
    service: Service, uow: UnitOfWork, upload: bytes, referral_id: UUID
) -> Callable[[], Sent]:
    """Decoding and reading take seconds: they happen after this transaction, before the next."""
    digest = sha256(upload).digest()
    new = store.worth_reading(uow, referral_id, digest, seen_by=referrals_seen_by(uow))

    def work() -> Sent:
        picture = take_in(upload)
        return Sent(picture, read_picture(service.ocr, picture) if new else None)

    return work


@routes.receive(
    "/v1/referrals/<uuid:referral_id>/licence-photos",
    summary="Send a photo of the owner's vehicle licence",
    roles=(Role.CONSULTANT, Role.SHOWROOM_MANAGER, Role.CRM, Role.OWNER),
    answer=shapes.LicencePhotoOut,
    prepare=prepare_licence_photo,
    problems=(
        "content_type_not_image",
        "image_broken",
        "image_format_unknown",
        "image_moving",
        "image_required",
        "image_too_many_pixels",
        "licence_photos_enough",
        "referral_not_found",
        "referral_over",
    ),
)
def create_licence_photo(uow: UnitOfWork, referral_id: UUID, body: Sent) -> Any:
    """The body is the picture: JPEG, PNG or WebP by its content, at most 5 MB and 40 million
    pixels. The outcome is `read`, `unreadable`, `not_a_licence`, `reused` or `not_read`; a photo
    decides nothing. Told again it is answered with 200 and the first result."""
    photo, known = store.take_photo(
        uow, referral_id, body.picture, body.reading, seen_by=referrals_seen_by(uow)
    )
    shown = _shown(uow, queries.get_photo(uow, photo.id))
    return Answer(shown, 200) if known else shown


@routes.get(
    "/v1/referrals/<uuid:referral_id>/licence-photos",
    summary="The licence photos of a referral",
    roles=READERS,
    answer=shapes.LicencePhotosOut,
    problems=("referral_not_found",),
)
def list_licence_photos(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """In the order they came."""
    referrals.get_referral(uow, referral_id, Filter())
    photos = queries.photos_of(uow, referral_id)
    return {"referral_id": referral_id, "items": [_shown(uow, photo) for photo in photos]}


@routes.get(
    "/v1/licence-photos/<uuid:photo_id>",
    summary="What was read on a licence photo",
    roles=READERS,
    answer=shapes.LicencePhotoOut,
    problems=("licence_photo_not_found",),
)
def get_licence_photo(uow: UnitOfWork, photo_id: UUID) -> dict[str, Any]:
    """The showroom manager, who decides, sees the values; an auditor sees how they were read."""
    return _shown(uow, queries.get_photo(uow, photo_id))


@routes.post(
    "/v1/licence-photos/<uuid:photo_id>/views",
    summary="Look at a licence photo",
    roles=DECIDES,
    body=shapes.PhotoViewIn,
    answer=shapes.PhotoViewOut,
    keeps_answer=False,
    problems=("licence_photo_erased", "licence_photo_not_found"),
    example={},
)
def create_licence_photo_view(
    uow: UnitOfWork, photo_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """The picture itself, once per call; every look is kept with who and when."""
    shown = store.show(uow, photo_id, **body)
    return {
        "id": shown.view.id,
        "photo_id": photo_id,
        "viewed_at": shown.view.viewed_at,
        "content_type": "image/jpeg",
        "image": b64encode(shown.jpeg).decode(),
    }


def _shown(uow: UnitOfWork, photo: PhotoView) -> dict[str, Any]:
    whole, inside = uow.actor.role in DECIDES, uow.actor.role in READERS
    read = {name: _field(photo, name, whole=whole) for name in FIELDS}
    return {
        **asdict(photo),
        "needs_person": any(each["needs_person"] for each in read.values()),
        "fields_read": read,
        "reuse_of": photo.reuse_of if inside else None,
        "near_duplicate_of": photo.near_duplicate_of if inside else None,
    }


def _field(photo: PhotoView, name: str, *, whole: bool) -> dict[str, Any]:
    found = photo.fields.get(name)
    if found is None:
        return {
            "readable": False,
            "confidence": 0.0,
            "source": None,
            "needs_person": True,
            "value": None,
        }
    return {**found, "readable": True, "value": photo.values[name] if whole else None}
