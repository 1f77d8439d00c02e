"""Two or more things measured in turn, so that what disturbs the machine disturbs all of them."""

from collections.abc import Callable, Mapping
from statistics import median


def alternated(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The values of each measure, taken A B C A B C ..."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios within a round: neighbours in time are compared."""
    return median(a / b for a, b in zip(above, below, strict=True))


def spread(values: list[float], digits: int = 0) -> str:
    """The median with the lowest and the highest, for people."""
    low, mid, high = min(values), median(values), max(values)
    return f"{mid:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
