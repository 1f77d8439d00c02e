"""The value score (客户价值评分): weighted components over facts in half-open windows (F24).

Integers only: 0 to 100 points a component, weights in whole percent that add to 100, so that a
score is exact in hundredths of a point (0 to 10,000). A rounding here would move a threshold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

MOST_POINTS: Final = 100
WHOLE: Final = 100
"""What the weights add to, in percent."""


class Group(StrEnum):
    """What a component tells of a customer: 生命周期价值, 潜在价值, 忠诚度."""

    LIFE_CYCLE = "life_cycle"
    POTENTIAL = "potential"
    LOYALTY = "loyalty"


class FactKind(StrEnum):
    """What is known of a member: documents, by their kinds (see earning), and 进店, 问卷满意度,
    投诉, 回访, 区域, 行业, 职位."""

    SERVICE_ORDER = "service_order"
    ACCESSORY_SALE = "accessory_sale"
    INSURANCE_RENEWAL = "insurance_renewal"
    CAR_PURCHASE = "car_purchase"
    ACTIVITY = "activity"
    SURVEY = "survey"
    BIRTHDAY = "birthday"
    SECOND_CAR = "second_car"
    VISIT = "visit"
    SATISFACTION = "satisfaction"
    COMPLAINT = "complaint"
    CALLBACK = "callback"
    REGION = "region"
    TRADE = "trade"
    POSITION = "position"


GRADED: Final = frozenset({FactKind.REGION, FactKind.TRADE, FactKind.POSITION})
"""Kinds whose facts are a word, not an amount."""


class Measure(StrEnum):
    """What is measured over the facts of a window.

    COUNT of them, SUM and AVERAGE of their amounts, DAYS_SINCE the last, CYCLE_DAYS from one to the
    next on average (购车周期), GRADE of the latest. Quotients are rounded down. An average and a
    grade need one fact, a cycle two.
    """

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    DAYS_SINCE = "days_since"
    CYCLE_DAYS = "cycle_days"
    GRADE = "grade"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """Something known of a member, in the order in which a later one replaces an earlier grade.

    `amount` is in the kind's own unit: fen the customer paid, marks from 0 to 100. What only
    `corrects` an amount, as a return does, is summed but is no fact of its own.
    """

    happened_on: date
    key: str
    kind: FactKind
    amount: int = 0
    grade: str | None = None
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """Points from a measured value on, up to the next band."""

    at_least: int
    points: int


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score, over a window of days that ends with the day of the score.

    `bands` rise; `grades` take their place for a GRADE; `otherwise` are the points of what cannot
    be measured or lies below the first band.
    """

    code: str
    group: Group
    measure: Measure
    kinds: tuple[FactKind, ...]
    window_days: int
    weight: int
    bands: tuple[Band, ...] = ()
    grades: tuple[tuple[str, int], ...] = ()
    otherwise: int = 0


@dataclass(frozen=True, slots=True)
class Scored:
    """A component with what was measured and the points that gives."""

    component: Component
    facts: int
    value: int | None
    grade: str | None
    points: int

    @property
    def hundredths(self) -> int:
        """What it adds to the score."""
        return self.points * self.component.weight


def score(components: Sequence[Component], facts: Iterable[Fact], on: date) -> list[Scored]:
    """Every component as it stands at the end of a business day."""
    known = sorted(facts)
    return [_scored(component, known, on) for component in components]


def total(parts: Iterable[Scored]) -> int:
    """The score in hundredths of a point."""
    return sum(part.hundredths for part in parts)


def first_day(component: Component, on: date) -> date:
    """The first day of the window `[first day, the day after on)`."""
    return on - timedelta(days=component.window_days - 1)


def _scored(component: Component, known: Sequence[Fact], on: date) -> Scored:
    begin = first_day(component, on)
    seen = [
        fact for fact in known if fact.kind in component.kinds and begin <= fact.happened_on <= on
    ]
    own = [fact for fact in seen if not fact.corrects]
    value, grade = _measured(component.measure, seen, own, on)
    return Scored(component, len(own), value, grade, _points(component, value, grade))


def _measured(
    measure: Measure, seen: Sequence[Fact], own: Sequence[Fact], on: date
) -> tuple[int | None, str | None]:
    count = len(own)
    match measure:
        case Measure.COUNT:
            return count, None
        case Measure.SUM:
            return sum(fact.amount for fact in seen), None
        case Measure.AVERAGE if count:
            return sum(fact.amount for fact in seen) // count, None
        case Measure.DAYS_SINCE if count:
            return (on - own[-1].happened_on).days, None
        case Measure.CYCLE_DAYS if count > 1:
            return (own[-1].happened_on - own[0].happened_on).days // (count - 1), None
        case Measure.GRADE if count:
            return None, own[-1].grade
    return None, None


def _points(component: Component, value: int | None, grade: str | None) -> int:
    if component.measure is Measure.GRADE:
        return dict(component.grades).get(grade or "", component.otherwise)
    if value is None:
        return component.otherwise
    reached = [band.points for band in component.bands if band.at_least <= value]
    return reached[-1] if reached else component.otherwise
