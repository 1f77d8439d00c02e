"""Reasons (事由) typed by staff are stored in clear: they may say what happened, never to whom.

A net for what is typed by habit, such as a phone number, and no proof that nobody is named.
"""

import re
from typing import Final

from loyalty.formats import text
from loyalty.formats.plate import PROVINCES

_PHONE: Final = re.compile(r"\d{7}")
_VIN: Final = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{17}")
_PLATE: Final = re.compile(
    f"[{PROVINCES}][A-HJ-NP-Z][ ·•.-]?[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9学警挂试超港澳]"
)


def looks_personal(value: str) -> bool:
    """Whether the text holds what looks like a phone number (7 digits in a row), a VIN or a plate.

    Widths, case and traditional characters make no difference. Raises RuleViolation
    `text_unusable` as `text.normalise` does.
    """
    seen = text.simplified(text.normalise(value)).upper()
    return any(shape.search(seen) for shape in (_PHONE, _VIN, _PLATE))
