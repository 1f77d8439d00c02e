"""Breakage (预计失效): how much of what is outstanding will expire, from what became of the past.

Only finished vintages count: in an unfinished one the lots that ended early are those that were
spent, so its rate would come out too low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

LEAST_LOTS: Final = 100
"""Below so many ended lots a rate would be chance, and none is given."""
BASIS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Vintage:
    """What became of the lots of one quarter of business dates that have an end at all.

    Points that went on into another lot, by transfer or reinstatement, count there and not here.
    `open_lots` are those that still hold points.
    """

    begins_on: date
    lots: int
    open_lots: int
    points: int
    expired: int

    @property
    def finished(self) -> bool:
        """Whether every lot has wholly ended: all points gone, or the date past."""
        return self.open_lots == 0 and self.points > 0


@dataclass(frozen=True, slots=True)
class Rate:
    """The share that expired, in basis points (万分点), and the data behind it.

    `basis_points` is None without enough data; `reason` then is `no_finished_vintage` or
    `too_few_lots`.
    """

    basis_points: int | None
    reason: str | None
    vintages: int
    lots: int
    points: int
    expired: int


def rate_of(history: Sequence[Vintage], *, least_lots: int = LEAST_LOTS) -> Rate:
    """The rate of the finished vintages together, weighted by points, rounded half up once."""
    finished = [vintage for vintage in history if vintage.finished]
    lots = sum(vintage.lots for vintage in finished)
    points = sum(vintage.points for vintage in finished)
    expired = sum(vintage.expired for vintage in finished)
    reason = None
    if not finished:
        reason = "no_finished_vintage"
    elif lots < least_lots:
        reason = "too_few_lots"
    basis_points = None if reason else (expired * BASIS * 2 + points) // (points * 2)
    return Rate(basis_points, reason, len(finished), lots, points, expired)
