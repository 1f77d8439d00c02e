"""Number plates (号牌号码): ordinary and both new energy shapes (新能源号牌).

All ten new energy letters count, not only D and F; issuer letters are never checked by a list.
"""

import re
from typing import Final, Literal

from kernel.errors import RuleViolation
from loyalty.formats import text

Kind = Literal["ordinary", "new_energy_small", "new_energy_large"]
Fuel = Literal["battery", "plug_in_hybrid", "fuel_cell", "combustion"]

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
BATTERY_LETTERS: Final = "DABCE"
OTHER_ENERGY_LETTERS: Final = "FGHJK"

_PLACE: Final = f"[{PROVINCES}][A-HJ-NP-Z]"
_SERIAL: Final = "[A-HJ-NP-Z0-9]"
_ENERGY: Final = f"[{BATTERY_LETTERS}{OTHER_ENERGY_LETTERS}]"
_SHAPES: Final[dict[Kind, re.Pattern[str]]] = {
    "ordinary": re.compile(
        f"{_PLACE}{_SERIAL}{{4}}(?:{_SERIAL}|[学警挂试超])|粤Z{_SERIAL}{{4}}[港澳]"
    ),
    "new_energy_small": re.compile(f"{_PLACE}{_ENERGY}{_SERIAL}[0-9]{{4}}"),
    "new_energy_large": re.compile(f"{_PLACE}[0-9]{{5}}{_ENERGY}"),
}
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
    return _read(value)[0]


def kind(plate: str) -> Kind:
    """Which of the three shapes a plate has, in any accepted spelling (formats.md).

    Raises what `canonical` raises.
    """
    return _read(plate)[1]


def warnings(plate: str, fuel: Fuel) -> tuple[str, ...]:
    """`plate_fuel_letter` if the letter of a new energy plate disagrees with the car's fuel.

    A risk signal, not a refusal (formats.md); an ordinary plate says nothing about the fuel.
    """
    canon, shape = _read(plate)
    if shape == "ordinary":
        return ()
    battery_letter = canon[2 if shape == "new_energy_small" else -1] in BATTERY_LETTERS
    if fuel == "combustion" or battery_letter != (fuel == "battery"):
        return ("plate_fuel_letter",)
    return ()


def _read(value: str) -> tuple[str, Kind]:
    plate = text.simplified(text.compact(value))
    for shape, pattern in _SHAPES.items():
        if pattern.fullmatch(plate):
            return plate, shape
    for unsupported, pattern in _NOT_FOR_OWNERS.items():
        if pattern.fullmatch(plate):
            raise RuleViolation("unsupported_plate_type", type=unsupported)
    raise RuleViolation("plate_invalid")
