"""What every field does to text before its own rule: fold widths, drop what cannot be seen.

Adding a step here changes stored blind indexes: it needs a migration, not only a test.
"""

import re
import unicodedata
from typing import Final

import opencc

from kernel.errors import RuleViolation

# Default-ignorable characters that are not category Cf: joiners, fillers, variation selectors.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_REFUSED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SEPARATORS: Final = frozenset("·•‧∙⋅・.-‐‒–—―−")
_ASCII_UPPER: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TO_SIMPLIFIED: Final = opencc.OpenCC("t2s")


def visible(value: str) -> str:
    """The text as typed, without format characters (zero-width, bidi) and outer blanks.

    Raises RuleViolation `text_unusable` for control characters, NUL, line breaks and lone
    surrogates, which the database driver cannot store (api.md, hostile input).
    """
    kept = []
    for position, character in enumerate(value, start=1):
        category = unicodedata.category(character)
        if category in _REFUSED:
            raise RuleViolation("text_unusable", position=position)
        if category != "Cf":
            kept.append(character)
    return "".join(kept).strip()


def normalise(value: str) -> str:
    """The text with widths folded (NFKC), nothing invisible and no outer blanks (formats.md).

    Raises RuleViolation `text_unusable` as `visible` does.
    """
    seen = _UNSEEN.sub("", visible(value))
    return unicodedata.normalize("NFKC", seen).strip()


def compact(value: str) -> str:
    """The normalised text in ASCII capitals without blanks, dots and dashes (formats.md).

    Only ASCII letters are raised, so that a foreign letter never turns into one of ours.
    Raises RuleViolation `text_unusable`.
    """
    kept = [c for c in normalise(value) if not c.isspace() and c not in _SEPARATORS]
    return "".join(kept).translate(_ASCII_UPPER)


def simplified(value: str) -> str:
    """Traditional characters (繁体) turned into simplified ones (简体), each by itself.

    Without context one character has one result wherever it stands; two passes, because a
    few results are themselves traditional (薴 → 苧 → 苎).
    """
    lines = "\n".join(value)
    for _ in range(2):
        lines = str(_TO_SIMPLIFIED.convert(lines))
    return lines.replace("\n", "")
