"""Which period of a benefit holds a day, half open; and how published versions follow each other.

A period keeps the version it began with to its end: what was granted in January is not taken back
by what is published in July.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from loyalty.benefits.rules.benefit import Benefit, BoundTo, Every

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Owned:
    """A car the member owns or owned (owner of a day: `since <= day < until`); `first` when nobody
    owned it before him."""

    vehicle_id: UUID
    since: date
    until: date | None
    first: bool

    def holds(self, day: date) -> bool:
        """Whether the car is his on this day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Version:
    """A published version; in force on `effective_from <= day < effective_until`."""

    number: int
    benefit: Benefit
    effective_from: date
    effective_until: date | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A period with the version it began with; without `until` it lasts as long as the car is
    owned."""

    version: Version
    since: date
    until: date | None


def period_of(
    every: Every, day: date, *, joined_on: date, owned: Owned | None = None
) -> tuple[date, date | None]:
    """The first day of the period that holds `day`, and the first day after it (F31)."""
    if every is Every.CALENDAR_YEAR:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    if every is Every.CALENDAR_QUARTER:
        return _months(day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1), 3)
    if every is Every.CALENDAR_MONTH:
        return _months(day.replace(day=1), 1)
    if every is Every.MEMBERSHIP_YEAR:
        year = day.year - (day < anniversary(joined_on, day.year))
        return anniversary(joined_on, year), anniversary(joined_on, year + 1)
    if every is Every.OWNERSHIP and owned:
        return owned.since, owned.until
    raise ValueError(every)


def anniversary(day: date, year: int) -> date:
    """The same day of another year; for 29 February the day after the 28th."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def version_on(versions: Sequence[Version], day: date) -> Version | None:
    """The version in force on a day."""
    for version, until in counted(versions):
        if version.effective_from <= day and (until is None or day < until):
            return version
    return None


def counted(versions: Sequence[Version]) -> Iterator[tuple[Version, date | None]]:
    """Versions in their order, each with the first day on which it counts no more.

    Of two that begin on one day the higher counts; one that has ended is not replaced by the one
    before it.
    """
    latest = {each.effective_from: each for each in sorted(versions, key=lambda v: v.number)}
    order = [latest[day] for day in sorted(latest)]
    for version, following in zip(order, [*order[1:], None], strict=False):
        ends = (version.effective_until, following and following.effective_from)
        yield version, min((day for day in ends if day), default=None)


def span_on(
    versions: Sequence[Version], day: date, *, joined_on: date, owned: Owned | None = None
) -> Span | None:
    """The period that holds a day: of the version in force when it began."""
    over = owned.since if owned else date.min
    for version, until in counted(versions):
        begins = max(version.effective_from, over)
        if day < begins:
            return None
        if not _has_periods(version.benefit, owned) or (until is not None and begins >= until):
            continue
        ends = until is not None and day >= until
        asked = until - ONE_DAY if ends and until else day
        since, end = period_of(version.benefit.period, asked, joined_on=joined_on, owned=owned)
        if end is None or day < end:
            return Span(version, max(since, begins), end)
        over = end
    return None


def spans(
    versions: Sequence[Version],
    first: date,
    last: date,
    *,
    joined_on: date,
    owned: Owned | None = None,
) -> Iterator[Span]:
    """The periods that hold a day of `first` to `last`, both included, in their order."""
    day = max(first, owned.since) if owned else first
    while day <= last:
        span = span_on(versions, day, joined_on=joined_on, owned=owned)
        if span:
            yield span
            if span.until is None:
                return
            day = span.until
        else:
            later = (each.effective_from for each in versions if each.effective_from > day)
            day = min(later, default=last + ONE_DAY)


def _has_periods(benefit: Benefit, owned: Owned | None) -> bool:
    if benefit.period is Every.EVENT or (benefit.bound_to is BoundTo.VEHICLE) != (
        owned is not None
    ):
        return False
    return owned is None or owned.first or not benefit.first_owner_only


def _months(first: date, count: int) -> tuple[date, date]:
    months = first.year * 12 + first.month - 1 + count
    return first, date(months // 12, months % 12 + 1, 1)
