"""When a lot expires: a number of months after a day, rounded up to the end of a period (F5).

A lot is usable through its last day: it ends at the start of the day after, in the dealer's zone.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from kernel.clock import start_of_day
from kernel.errors import RuleViolation

MOST_MONTHS: Final = 1_200


class Mode(StrEnum):
    """What the months are counted from: 滚动, 自然周期, 不活跃, 永久."""

    ROLLING = "rolling"
    CALENDAR = "calendar"
    INACTIVITY = "inactivity"
    NEVER = "never"


class Round(StrEnum):
    """The calendar period whose end a lot lasts to: 日, 月, 季, 年."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS_OF: Final = MappingProxyType({Round.MONTH: 1, Round.QUARTER: 3, Round.YEAR: 12})


def _require(met: bool, field: str, reason: str) -> None:
    if not met:
        raise RuleViolation("rule_invalid", pointer=f"/{field}", reason=reason)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long points last; an impossible one cannot be built.

    Raises RuleViolation `rule_invalid` with the pointer of the field concerned.
    """

    mode: Mode
    months: int | None
    round: Round

    def __post_init__(self) -> None:
        if self.mode is Mode.NEVER:
            _require(self.months is None, "months", "exclusive")
            return
        _require(self.months is not None, "months", "missing")
        months = self.months or 0
        least = 0 if self.mode is Mode.CALENDAR else 1
        _require(least <= months <= MOST_MONTHS, "months", "out_of_range")
        if self.mode is Mode.CALENDAR:
            _require(self.round is not Round.DAY, "round", "exclusive")
            _require(months % _MONTHS_OF[self.round] == 0, "months", "not_whole_periods")


STANDARD: Final = Policy(Mode.ROLLING, 24, Round.MONTH)


@lru_cache(maxsize=8_192)
def expires_at(business_on: date, policy: Policy, *, zone: ZoneInfo) -> datetime | None:
    """The first instant (UTC) at which the lot cannot be spent; None is never (product.md, F5).

    ROLLING counts from the business day and INACTIVITY from the last activity, which the caller
    passes as `business_on`; a day its month does not have is the month's last one. CALENDAR
    counts from the period that holds the day: its own end is 0 months away.
    """
    if policy.mode is Mode.NEVER or policy.months is None:
        return None
    counted_from = business_on
    if policy.mode is Mode.CALENDAR:
        counted_from, _ = period_of(business_on, policy.round)
    _, day_after = period_of(_months_later(counted_from, policy.months), policy.round)
    return start_of_day(day_after, zone)


def period_of(day: date, period: Round) -> tuple[date, date]:
    """First day of the period that holds `day`, and the first day of the next one (half open)."""
    if period is Round.DAY:
        return day, day + timedelta(days=1)
    length = _MONTHS_OF[period]
    first = date(day.year, (day.month - 1) // length * length + 1, 1)
    return first, _months_later(first, length)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
