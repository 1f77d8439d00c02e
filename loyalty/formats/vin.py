"""Vehicle identification numbers (车辆识别代号, VIN): 17 characters with a check digit.

The check digit binds Chinese makers only (L, H); elsewhere a wrong one is no refusal.
"""

import re
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

_LENGTH: Final = 17
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_FOREIGN: Final = re.compile(f"[^{_ALPHABET}]")
_VALUES: Final = dict(zip(_ALPHABET, map(int, "012345678912345678123457923456789"), strict=True))
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECKED_MAKERS: Final = ("L", "H")


def canonical(value: str) -> str:
    """The VIN in 17 capitals and digits (formats.md).

    Raises RuleViolation `vin_length`, `vin_alphabet` (I, O, Q and anything foreign),
    `vin_check_digit` (Chinese makers only) or `text_unusable`.
    """
    vin = text.compact(value)
    if len(vin) != _LENGTH:
        raise RuleViolation("vin_length", length=len(vin))
    if foreign := _FOREIGN.search(vin):
        raise RuleViolation("vin_alphabet", position=foreign.start() + 1)
    if vin.startswith(_CHECKED_MAKERS) and vin[8] != check_digit(vin):
        raise RuleViolation("vin_check_digit")
    return vin


def check_digit(vin: str) -> str:
    """The character (0-9 or X) that belongs at position 9 of these 17 characters (formats.md)."""
    remainder = sum(_VALUES[c] * w for c, w in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)
