"""What one field of a vehicle licence (行驶证) may look like, and the one repair it allows.

A reader would break this by repairing where two repairs are possible: then a person must look.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import dates, names, plate, text, vin

SURE: Final = 0.8
REPAIRED: Final = 0.9
GUESSED: Final = 0.75
DOUBTFUL: Final = 0.5
"""A value below SURE goes to a person. REPAIRED: a character was none of the alphabet. GUESSED: the
one exchange of look-alikes that makes a VIN valid; another misreading may be behind it, so a person
looks. DOUBTFUL: the wrong shape."""

USE_NATURES: Final = frozenset(
    (
        *("非营运", "营运", "营转非", "出租转非", "租赁", "货运", "教练", "警用", "消防", "救护"),
        *("出租客运", "预约出租客运", "公路客运", "公交客运", "旅游客运", "工程救险"),
        *("幼儿校车", "小学生校车", "其他校车", "危化品运输"),
    )
)
_VIN_FORCED: Final = str.maketrans("OQI", "001")
_DIGITS: Final = str.maketrans("OQDIlLBSZ", "000111852")
_LETTERS: Final = str.maketrans("852", "BSZ")
_TWINS: Final = dict(zip("B8S5Z2", "8B5S2Z", strict=True))
_ENGINE: Final = re.compile(r"[A-Z0-9*/-]{1,30}")
_MODEL: Final = re.compile(r"(?:.{1,20}牌)?[A-Z]{2,4}[0-9]{3,5}[A-Z0-9/()-]{0,14}")


class Source(StrEnum):
    OCR = "ocr"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Read:
    """A value as read, how sure (0 to 1), and by whom."""

    value: str = field(repr=False)
    confidence: float
    source: Source = Source.OCR

    @property
    def needs_person(self) -> bool:
        return self.confidence < SURE


Shaped = tuple[str, float]


def shaped(name: str, seen: str, *, score: float, source: Source) -> Read | None:
    """The field's value in its one spelling, None when nothing of it is left (formats.md).

    One repair that leads to a valid value is made; else the value stays, as doubtful.
    """
    try:
        value, weight = _SHAPES[name](text.normalise(seen))
    except RuleViolation:
        return None
    return Read(value, round(score * weight, 3), source) if value else None


def _plate(seen: str) -> Shaped:
    found = text.simplified(text.compact(seen))
    serial = found[2:].translate(str.maketrans("OI", "01"))
    return _first(plate.canonical, found, found[:1] + found[1:2].translate(_LETTERS) + serial)


def _vin(seen: str) -> Shaped:
    found = text.compact(seen)
    forced = found.translate(_VIN_FORCED)
    value, weight = _first(vin.canonical, found, forced)
    if weight > DOUBTFUL or len(forced) != 17:
        return value, weight
    others = {
        changed
        for place, letter in enumerate(forced)
        if letter in _TWINS
        and _valid(vin.canonical, changed := forced[:place] + _TWINS[letter] + forced[place + 1 :])
    }
    return (others.pop(), GUESSED) if len(others) == 1 else (value, weight)


def _day(seen: str) -> Shaped:
    found = "".join(seen.split())
    value, weight = _first(lambda each: str(dates.canonical(each)), found, found.translate(_DIGITS))
    return (value, weight) if weight > DOUBTFUL else ("", 0)


def _owner(seen: str) -> Shaped:
    names.canonical(seen)
    return seen, 1 if len(seen) > 1 else DOUBTFUL


def _use(seen: str) -> Shaped:
    found = text.simplified(text.compact(seen))
    return found, 1 if found in USE_NATURES else DOUBTFUL


def _vehicle_type(seen: str) -> Shaped:
    found = text.simplified(text.compact(seen))
    return found, 1 if found.endswith("车") else DOUBTFUL


def _pattern(pattern: re.Pattern[str]) -> Callable[[str], Shaped]:
    def shape(seen: str) -> Shaped:
        found = "".join(seen.split()).upper()
        return found[:60], 1 if pattern.fullmatch(found) else DOUBTFUL

    return shape


def _first(rule: Callable[[str], str], seen: str, repaired: str) -> Shaped:
    for candidate, weight in ((seen, 1.0), (repaired, REPAIRED)):
        if _valid(rule, candidate):
            return rule(candidate), weight
    return seen[:40], DOUBTFUL


def _valid(rule: Callable[[str], str], value: str) -> bool:
    try:
        rule(value)
    except RuleViolation:
        return False
    return True


_SHAPES: Final[Mapping[str, Callable[[str], Shaped]]] = MappingProxyType(
    {
        "plate_no": _plate,
        "vehicle_type": _vehicle_type,
        "owner_name": _owner,
        "use_nature": _use,
        "brand_model": _pattern(_MODEL),
        "vin": _vin,
        "engine_no": _pattern(_ENGINE),
        "register_date": _day,
        "issue_date": _day,
    }
)
FIELDS: Final = tuple(_SHAPES)
"""The fields by their canonical names (formats.md). The address (住址) is not among them."""
