"""The ladder (会员等级): which level a score gives, and when a member moves (F25, F26).

Up at once; down only when a grace period (宽限期) has passed. Days are the dealer's business days.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise


class Step(StrEnum):
    """How far a member falls when his grace ends: one level, or to the one he has earned."""

    ONE = "one"
    FULL = "full"


class PeriodEnd(StrEnum):
    """With which calendar period a fall waits to end; NONE waits for the grace alone."""

    NONE = "none"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Cause(StrEnum):
    """Why a level was given: the first one, a rise, a fall, or a ladder without the old level."""

    FIRST = "first"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Level:
    """A level from a score on, in hundredths; `by_model` are thresholds for owners of a model."""

    code: str
    name_zh: str
    name_en: str
    at_least: int
    by_model: Mapping[str, int] = field(default_factory=dict)

    def threshold(self, models: Collection[str]) -> int:
        """For these cars; of several, the lowest counts."""
        return min((self.by_model.get(model, self.at_least) for model in models),
                   default=self.at_least)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ladder:
    """Levels from the lowest, which everybody reaches, to the highest; and how one falls."""

    levels: tuple[Level, ...]
    grace_days: int
    step: Step
    period_end: PeriodEnd = PeriodEnd.NONE

    def rank(self, code: str | None) -> int | None:
        """The place of a level, 0 the lowest; None for one this ladder does not have."""
        return next((at for at, level in enumerate(self.levels) if level.code == code), None)

    def level(self, code: str | None) -> Level | None:
        """The level of a code; None for one this ladder does not have."""
        return next((level for level in self.levels if level.code == code), None)

    def earned(self, score: int, models: Collection[str]) -> int:
        """The rank a score gives to an owner of these models."""
        return max(
            (at for at, level in enumerate(self.levels) if level.threshold(models) <= score),
            default=0,
        )

    def falls_on(self, below_since: date) -> date:
        """The day on which a member falls who has been below his level since a day."""
        grace_ends = below_since + timedelta(days=self.grace_days)
        return max(grace_ends, _period_end(self.period_end, below_since))


@dataclass(frozen=True, slots=True)
class Standing:
    """The rank a member has, and since when his score is below it."""

    rank: int
    below_since: date | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a member stands after a day, and why he moved, if he did."""

    standing: Standing
    cause: Cause | None = None


def decide(ladder: Ladder, current: Standing | None, earned: int, on: date) -> Decision:
    """What a day brings to a member whose score gives the rank `earned` at its end.

    `current` is None for who has no level yet. Deciding a day again changes nothing.
    """
    if current is None:
        return Decision(Standing(earned), Cause.FIRST)
    if earned > current.rank:
        return Decision(Standing(earned), Cause.PROMOTED)
    if earned == current.rank:
        return Decision(Standing(earned))
    since = current.below_since or on
    if on < ladder.falls_on(since):
        return Decision(Standing(current.rank, since))
    rank = earned if ladder.step is Step.FULL else current.rank - 1
    return Decision(Standing(rank, on if rank > earned else None), Cause.DEMOTED)


def _period_end(period: PeriodEnd, day: date) -> date:
    """The first day after the period that holds a day."""
    match period:
        case PeriodEnd.NONE:
            return day
        case PeriodEnd.MONTH:
            return _month(day.year, day.month + 1)
        case PeriodEnd.QUARTER:
            return _month(day.year, (day.month - 1) // 3 * 3 + 4)
        case PeriodEnd.YEAR:
            return _month(day.year + 1, 1)


def _month(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def checked(levels: Sequence[Level]) -> str | None:
    """What is wrong with the levels of a ladder, None when they stand: everybody reaches the
    lowest, and no owner needs less for a higher level than for a lower one."""
    if len({level.code for level in levels}) != len(levels):
        return "repeated"
    if levels[0].at_least or levels[0].by_model:
        return "lowest_not_zero"
    models = {model for level in levels for model in level.by_model}
    for owner in [(), *((model,) for model in models)]:
        thresholds = [level.threshold(owner) for level in levels]
        if any(low >= high for low, high in pairwise(thresholds)):
            return "not_rising"
    return None
