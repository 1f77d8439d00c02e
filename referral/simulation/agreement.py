"""Whether what was seen agrees with what was computed, so that a whole run is rarely wrong.

A reader would break this by widening a bound until a finding disappears.
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf, log
from typing import Final

FALSE_ALARM: Final = 1e-4
"""The most a whole run of agreeing rules may be called disagreeing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One end of one policy for one kind of people: `seen` of `cases`, and the bounds for it."""

    tier: str
    policy: str
    end: str
    cases: int
    seen: int
    exact: float
    low: int
    high: int

    @property
    def agrees(self) -> bool:
        return self.low <= self.seen <= self.high


def bounds(cases: int, exact: float, lines: int) -> tuple[int, int]:
    """The fewest and most of `cases` that agree with the chance `exact`, averaged over them.

    Chernoff's bound in Hoeffding's form, exp(-n KL(seen || exact)) on either side: it holds for
    cases of unequal chances too and needs no normal approximation. Over `lines` lines with two
    sides each a run of agreeing rules is outside somewhere with at most `FALSE_ALARM`.
    Raises ValueError when there are no cases or no lines.
    """
    if cases < 1 or lines < 1:
        raise ValueError("no cases, no bounds")
    limit = log(2 * lines / FALSE_ALARM)
    middle = round(cases * exact)

    def surprise(seen: int) -> float:
        return cases * _divergence(seen / cases, exact)

    above = bisect_right(range(middle, cases + 1), limit, key=surprise)
    below = bisect_right(range(middle, -1, -1), limit, key=surprise)
    return middle - below + 1, middle + above - 1


def _divergence(seen: float, exact: float) -> float:
    """Kullback and Leibler's, in nats, of one coin from another."""
    return _term(seen, exact) + _term(1 - seen, 1 - exact)


def _term(seen: float, exact: float) -> float:
    if seen <= 0:
        return 0.0
    return seen * log(seen / exact) if exact > 0 else inf
