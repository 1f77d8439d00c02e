"""Shares that are fair to small numbers: Wilson's bounds and the tail of a binomial.

Pure. A reader would break this by comparing bare shares: two of two is not everybody's "always".
"""

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import Final

Z: Final = 1.96
"""Of a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval its true share lies in."""

    count: int
    total: int

    @property
    def low(self) -> float:
        return wilson(self.count, self.total)[0]

    @property
    def high(self) -> float:
        return wilson(self.count, self.total)[1]

    def chance_by(self, chance: float) -> float:
        """How likely so many or more are when each happens by `chance`."""
        return at_least(self.count, self.total, chance)

    def without(self, part: "Share") -> "Share":
        """What is left when a part is taken away."""
        return Share(self.count - part.count, self.total - part.total)

    @property
    def smoothed(self) -> float:
        """The share with one of each added, so that nothing is impossible."""
        return (self.count + 1) / (self.total + 2)


def wilson(count: int, total: int) -> tuple[float, float]:
    """Lower and upper bound (95 %) of the share behind `count` of `total`; 0 and 1 of nothing."""
    if total == 0:
        return 0.0, 1.0
    share, square = count / total, Z * Z
    middle = share + square / (2 * total)
    wide = Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    below, above = middle - wide, middle + wide
    whole = 1 + square / total
    return max(0.0, below / whole), min(1.0, above / whole)


def at_least(count: int, total: int, chance: float) -> float:
    """How likely `count` or more of `total` are when each happens by `chance`, 0 < chance < 1."""
    whole = sum(_exactly(each, total, chance) for each in range(count, total + 1))
    return min(1.0, whole)


def _exactly(count: int, total: int, chance: float) -> float:
    ways = lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1)
    return exp(ways + count * log(chance) + (total - count) * log(1 - chance))
