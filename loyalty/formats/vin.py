"""Vehicle identification numbers (车辆识别代号, VIN): 17 characters with a check digit.

The check digit binds Chinese makers only (L, H); elsewhere it is a warning, never a refusal.
"""

import re
from datetime import date
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

_LENGTH: Final = 17
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_FOREIGN: Final = re.compile(f"[^{_ALPHABET}]")
_VALUES: Final = dict(zip(_ALPHABET, map(int, "012345678912345678123457923456789"), strict=True))
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECKED_MAKERS: Final = ("L", "H")
_YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_CODED_YEAR: Final = 1980
_YEARS_BEFORE: Final = 2
_YEARS_AFTER: Final = 1


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


def year_code(year: int) -> str:
    """The character at position 10 for a model year (车型年份); codes repeat every 30 years."""
    return _YEAR_CODES[(year - _FIRST_CODED_YEAR) % len(_YEAR_CODES)]


def warnings(vin: str, registered_on: date) -> tuple[str, ...]:
    """Risk signals of a canonical VIN against its registration date (注册日期); never refusals.

    `vin_check_digit_unusual`: another maker's check digit does not fit. `vin_year_unusual`:
    position 10 is no year, or one more than 2 years before or 1 after registration (formats.md).
    """
    found = []
    if vin[8] != check_digit(vin):
        found.append("vin_check_digit_unusual")
    years = range(registered_on.year - _YEARS_BEFORE, registered_on.year + _YEARS_AFTER + 1)
    if vin[9] not in map(year_code, years):
        found.append("vin_year_unusual")
    return tuple(found)
