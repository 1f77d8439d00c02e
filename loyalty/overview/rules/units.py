"""The units of a benefit that are left, all its lots together (F31)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Protocol


class Lot(Protocol):
    """A lot of units, usable on `period_from <= day < valid_until`; `left` None is unlimited."""

    @property
    def benefit_code(self) -> str: ...
    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def period_from(self) -> date: ...
    @property
    def valid_until(self) -> date | None: ...
    @property
    def left(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Units:
    """What is left of a benefit; None is unlimited. Of units left, the soonest end at the
    beginning of `valid_until`, None if they last as long as the car is owned."""

    code: str
    name_zh: str
    name_en: str
    left: int | None
    valid_until: date | None


def units_left(lots: Iterable[Lot], today: date) -> list[Units]:
    """The benefits a member can use today, by code; one that is used up is shown with none left."""
    usable = [
        lot
        for lot in lots
        if lot.period_from <= today and (lot.valid_until is None or today < lot.valid_until)
    ]
    usable.sort(key=lambda lot: lot.benefit_code)
    return [_together(list(each)) for _, each in groupby(usable, lambda lot: lot.benefit_code)]


def _together(lots: Sequence[Lot]) -> Units:
    lefts = [lot.left for lot in lots]
    counted = [left for left in lefts if left is not None]
    ends = [lot.valid_until for lot in lots if lot.left != 0 and lot.valid_until]
    return Units(
        code=lots[0].benefit_code,
        name_zh=lots[0].name_zh,
        name_en=lots[0].name_en,
        left=sum(counted) if len(counted) == len(lefts) else None,
        valid_until=min(ends, default=None),
    )
