"""How much a member may give away (积分转赠): at once, and in a calendar month (F11)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The most points of one transfer, and the most transfers and points of one month."""

    points: int
    times_a_month: int
    points_a_month: int


@dataclass(frozen=True, slots=True)
class Left:
    """What a member may still give in this month; `points` is the most of one transfer."""

    times: int
    points: int


STANDARD: Final = Limits(points=5_000, times_a_month=3, points_a_month=10_000)


def left(times: int, points: int, limits: Limits = STANDARD) -> Left:
    """What is left after so many transfers of so many points in all (product.md, F11)."""
    again = max(0, limits.times_a_month - times)
    more = max(0, limits.points_a_month - points)
    return Left(again, min(limits.points, more) if again else 0)
