"""Number plates (号牌号码): ordinary and both new energy shapes (新能源号牌).

All ten new energy letters count, not only D and F; issuer letters are never checked by a list.
"""

import re
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
ENERGY_LETTERS: Final = "DABCEFGHJK"

_PLACE: Final = f"[{PROVINCES}][A-HJ-NP-Z]"
_SERIAL: Final = "[A-HJ-NP-Z0-9]"
_ENERGY: Final = f"[{ENERGY_LETTERS}]"
_SHAPES: Final = (
    re.compile(f"{_PLACE}{_SERIAL}{{4}}(?:{_SERIAL}|[学警挂试超])|粤Z{_SERIAL}{{4}}[港澳]"),
    re.compile(f"{_PLACE}{_ENERGY}{_SERIAL}[0-9]{{4}}"),
    re.compile(f"{_PLACE}[0-9]{{5}}{_ENERGY}"),
)
_NOT_FOR_OWNERS: Final = {
    "embassy": re.compile(f"使[0-9]{{6}}|[0-9]{{6}}[使领]|{_PLACE}[0-9]{{4}}[使领]"),
    "armed_police": re.compile(f"WJ[{PROVINCES}A-Z0-9]{{5,7}}"),
    "military": re.compile("[军空海北沈兰济南广成VKHBSLJNGCEZ][A-Z][0-9]{5}"),
    "temporary": re.compile(f"临{_PLACE}[A-Z0-9]{{4,6}}|{_PLACE}[A-Z0-9]{{4,6}}临"),
}


def canonical(value: str) -> str:
    """The plate in 7 or 8 characters without dots and blanks, province character simplified.

    Raises RuleViolation `unsupported_plate_type` with `type` (embassy, armed police, military
    and temporary plates), `plate_invalid` or `text_unusable` (formats.md).
    """
    plate = text.simplified(text.compact(value))
    if any(shape.fullmatch(plate) for shape in _SHAPES):
        return plate
    for unsupported, pattern in _NOT_FOR_OWNERS.items():
        if pattern.fullmatch(plate):
            raise RuleViolation("unsupported_plate_type", type=unsupported)
    raise RuleViolation("plate_invalid")
