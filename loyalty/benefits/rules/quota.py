"""How many units a period brings, from the tiers a member had in it (F31, F32).

Whole numbers: what is prorated is added up first and rounded up once, for the member.
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from loyalty.benefits.rules.benefit import Benefit, OnChange, Units
from loyalty.benefits.rules.period import ONE_DAY
from loyalty.tiers.rules.history import History


class Timeline:
    """The tiers of a member, day by day; they change on `days` alone."""

    def __init__(self, history: History, days: Iterable[date]) -> None:
        self._history = history
        self._days = sorted(set(days))

    def on(self, day: date) -> str | None:
        """The tier of a day."""
        return self._history.on(day)

    def stretches(self, since: date, until: date) -> list[tuple[date, date, str | None]]:
        """`since <= day < until` in stretches of one tier each: first day, day after, tier."""
        cuts = [since, *(day for day in self._days if since < day < until), until]
        return [(start, end, self.on(start)) for start, end in pairwise(cuts) if start < end]


def best(units: Iterable[Units]) -> Units:
    """The largest quota; unlimited is more than any number."""
    found = list(units)
    return None if None in found else max((each or 0 for each in found), default=0)


def entitled(
    benefit: Benefit, since: date, until: date | None, day: date, tiers: Timeline
) -> Units:
    """The units of the period `since <= d < until` as they stand on a day of it, the tier of that
    day continuing to its end."""
    last = day if until is None else min(day, until - ONE_DAY)
    now = benefit.units(tiers.on(last))
    if benefit.on_change is OnChange.CURRENT:
        return now
    known = tiers.stretches(since, last + ONE_DAY)
    if benefit.on_change is OnChange.HIGHEST or until is None:
        return best(benefit.units(tier) for _, _, tier in known)
    if benefit.on_change is OnChange.BY_DAY:
        days = sum((end - start).days * (benefit.units(tier) or 0) for start, end, tier in known)
        days += (until - last - ONE_DAY).days * (now or 0)
        return -(-days // (until - since).days)
    months = list(_months(since, until))
    return -(-sum(_best_in(benefit, tiers, *month, last) or 0 for month in months) // len(months))


def _best_in(benefit: Benefit, tiers: Timeline, since: date, until: date, last: date) -> Units:
    if since > last:
        return benefit.units(tiers.on(last))
    known = tiers.stretches(since, min(until, last + ONE_DAY))
    return best(benefit.units(tier) for _, _, tier in known)


def _months(since: date, until: date) -> Iterable[tuple[date, date]]:
    """The calendar months of a period, the first and the last as far as they lie in it."""
    start = since
    while start < until:
        end = (start.replace(day=1) + 31 * ONE_DAY).replace(day=1)
        yield start, min(end, until)
        start = end
