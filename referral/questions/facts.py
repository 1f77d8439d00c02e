"""What is known of the party asked about, who else knows it, and how common it is in this store.

A reader would break this by adding a fact of privacy class C: address, employer, ID, income.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import colour, names
from referral.questions import vocabulary
from referral.questions.values import VALUES

FACTS: Final[tuple[str, ...]] = (
    "name",
    "trade",
    "model",
    "colour",
    "transmission",
    "plate_province",
    "purchase_year",
    "relation",
    "known_for",
    "companion",
)
MODAL_SHARE: Final = 0.25
YEARS_OFF: Final = 1
"""A purchase year is right within one year."""
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}(?![0-9])")


class Origin(StrEnum):
    """Who had the fact first (referral.md, section 3): what he knows is no evidence against him.

    `slip` (报备单): one of the four facts of the report. `consultant`: typed by the consultant.
    `sale`: sold by him. `record`: the member's or vehicle's master data. `nomination` (车主提名):
    told by the owner himself on his own phone.
    """

    SLIP = auto()
    CONSULTANT = auto()
    SALE = auto()
    RECORD = auto()
    NOMINATION = auto()


@dataclass(frozen=True, slots=True)
class Record:
    """A fact in the records' own words. `seen`: the access log says the consultant opened it."""

    text: str | None = field(repr=False)
    origin: Origin
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as canonical `value`, with the store's own `share` of it, None when not counted.

    `modal`: the most frequent value, with a share of 25 % or more: everybody guesses it.
    """

    name: str
    value: str = field(repr=False)
    origin: Origin
    share: float | None = field(default=None, repr=False)
    modal: bool = field(default=False, repr=False)
    seen: bool = False


Facts = Mapping[str, Fact]
Counts = Mapping[str, Mapping[str, int]]
"""For each fact how often each canonical value occurs in the store."""


def gather(records: Mapping[str, Record], counts: Counts = MappingProxyType({})) -> Facts:
    """Facts from the records, by the names in `FACTS`; what is not known is absent.

    `trade` (行业) is kept as a coarse category only, `plate_province` may be a whole plate.
    Raises KeyError for a name that is no fact (referral.md, section 4, privacy class C).
    """
    if strange := sorted(set(records) - set(FACTS)):
        raise KeyError(strange[0])
    known = {name: canonical(name, record.text or "") for name, record in records.items()}
    return MappingProxyType(
        {name: _fact(name, value, records[name], counts) for name, value in known.items() if value}
    )


def canonical(fact: str, record: str) -> str | None:
    """The value a record names, None when there is none or the vocabulary has no such value.

    A model the vocabulary does not know keeps its own folded name: it can still be asked for.
    Raises KeyError for a name that is no fact.
    """
    if fact == "name":
        return _or_none(names.canonical, record)
    if fact == "purchase_year":
        year = _YEAR.match(record)
        return year[0] if year else None
    if record in VALUES[fact]:
        return record
    if fact == "colour":
        code = _or_none(colour.canonical, record)
        return code if code in VALUES["colour"] else None
    if fact == "plate_province":
        return record[0] if record[:1] in VALUES[fact] else None
    folded = vocabulary.fold(record)
    return vocabulary.named(fact, folded) or (folded or None if fact == "model" else None)


def shares(
    counts: Mapping[str, int], value: str, vocabulary_size: int, *, years_off: int = 0
) -> tuple[float, bool]:
    """The share of a value, add-one smoothed, and whether it is modal (referral.md, section 3).

    `counts`: how often each value occurs. `vocabulary_size`: how many values there are; `gather`
    takes those that occur, lest few cases make a rare value seem rarer. With `years_off` values
    are years, and one stands for all that near. Modal: none is more frequent, and it has >= 25 %.
    """

    def had(one: str) -> int:
        return sum(counts.get(other, 0) for other in _about(one, years_off))

    smoothed = had(value) + len(_about(value, years_off))
    share = smoothed / (sum(counts.values()) + vocabulary_size)
    most = max(map(had, counts), default=0)
    return share, share >= MODAL_SHARE and 0 < had(value) >= most


def _about(value: str, years_off: int) -> tuple[str, ...]:
    if not years_off:
        return (value,)
    return tuple(str(int(value) + off) for off in range(-years_off, years_off + 1))


def _fact(name: str, value: str, record: Record, counts: Counts) -> Fact:
    counted = counts.get(name)
    if not counted:
        return Fact(name, value, record.origin, seen=record.seen)
    off = YEARS_OFF if name == "purchase_year" else 0
    size = len({*counted, *_about(value, off)})
    share, modal = shares(counted, value, size, years_off=off)
    return Fact(name, value, record.origin, share, modal, record.seen)


def _or_none(read: Callable[[str], str], record: str) -> str | None:
    try:
        return read(record)
    except RuleViolation:
        return None
