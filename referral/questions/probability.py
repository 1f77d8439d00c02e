"""What a set of callback (回访) questions is worth: exact enumeration, no simulation, no rounding.

A reader would break this by giving evidence to an answer everybody knows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from itertools import product
from math import log2, prod
from types import MappingProxyType
from typing import Final

WRONG_TO_FAIL: Final = 2
FAKE_BOUND: Final = 0.01
HONEST_BOUND: Final = 0.03
ACCEPT_BITS: Final = log2((1 - HONEST_BOUND) / FAKE_BOUND)
"""Wald's upper bound, +6.60 bits: from this score on an answer set is an honest person's."""
REJECT_BITS: Final = log2(HONEST_BOUND / (1 - FAKE_BOUND))
"""Wald's lower bound, -5.04 bits: shown to who decides; the verdict itself counts wrong answers."""

PRIORS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "colour": (0.50, 0.03),
        "model": (0.30, 0.05),
        "model_and_colour": (0.15, 0.07),
        "transmission": (0.90, 0.05),
        "plate_city": (0.80, 0.03),
        "purchase_year": (0.55, 0.08),
        "delivery_month": (0.10, 0.45),
        "plate_last": (0.13, 0.55),
        "phone_tail": (0.001, 0.60),
        "trade": (0.15, 0.10),
        "name": (0.002, 0.04),
        "relation": (0.40, 0.06),
        "companion": (0.40, 0.08),
        "known_for": (0.35, 0.15),
        "yes_no": (0.50, 0.06),
        "control": (1.0, 0.02),
    }
)
"""Assumed (g, e) of each kind of question, until a store's own shares replace g."""


class Outcome(StrEnum):
    """The verdict of one call."""

    PASSED = auto()
    FAILED = auto()
    INCONCLUSIVE = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """One question: who gets it right, who misses it, and what it may decide.

    `g`: chance of a fake at T0 (stranger), T1 (knows the slip), T2 (knows the consultant's screen)
    to be right; `e`: chance of an honest person to be wrong. `knock_out`: the open-name question.
    `control`: a true premise, wrong answers count and right ones prove nothing.
    Raises ValueError for a chance outside 0..1, or an `e` of exactly 0 or 1.
    """

    g: tuple[float, float, float]
    e: float
    knock_out: bool = False
    control: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.e < 1 or not all(0 < one <= 1 for one in self.g):
            raise ValueError("g is a chance above 0, e one between 0 and 1")


@dataclass(frozen=True, slots=True)
class Odds:
    """The chances of a set under the house rule "two wrong fail", as shares of 1."""

    fake_t0: float
    fake_t1: float
    fake_t2: float
    honest_rejected: float


def at_most_one_wrong(right: Sequence[float]) -> float:
    """The chance of at most one wrong answer, each being right with its own chance, 0 to 1."""
    none, single = 1.0, 0.0
    for one in right:
        none, single = none * one, single * one + none * (1 - one)
    return none + single


def fake_passes(g: Sequence[float]) -> float:
    """P(fake passes | two wrong fail), exactly (referral.md, section 3)."""
    return at_most_one_wrong(g)


def honest_rejected(e: Sequence[float]) -> float:
    """P(honest fails | two wrong fail), exactly (referral.md, section 3)."""
    return 1 - at_most_one_wrong([1 - one for one in e])


def largest_g(n: int, bound: float) -> float:
    """The largest g that `n` equal questions may have for fakes to pass at most at `bound`.

    Raises ValueError when `n` is below 2 or `bound` not between 0 and 1.
    """
    return _largest(lambda g: fake_passes([g] * n), n, bound)


def largest_e(n: int, bound: float) -> float:
    """The largest e that `n` equal questions may have for honest people to fail at `bound`.

    Raises ValueError when `n` is below 2 or `bound` not between 0 and 1.
    """
    return _largest(lambda e: honest_rejected([e] * n), n, bound)


def odds(items: Sequence[Item]) -> Odds:
    """The chances of a set under the house rule; a control is one more answer to get wrong."""
    t0, t1, t2 = (fake_passes([item.g[tier] for item in items]) for tier in range(3))
    return Odds(t0, t1, t2, honest_rejected([item.e for item in items]))


def bits(share: float) -> float:
    """The evidence of a value that `share` of the store's cases have, in bits: -log2(share).

    Raises ValueError when `share` is not above 0.
    """
    return -log2(share)


def weight(item: Item, *, right: bool) -> float:
    """What an answer says for an honest person, in bits (referral.md, section 3).

    Right +log2((1-e)/g), wrong +log2(e/(1-g)), with the g of a stranger (T0). A control, or
    what even a stranger surely knows, is worth 0.
    """
    g = item.g[0]
    if item.control or g >= 1:
        return 0.0
    return log2((1 - item.e) / g) if right else log2(item.e / (1 - g))


def outcome(items: Sequence[Item], right: Sequence[bool]) -> Outcome:
    """The verdict of one call, answers in the order of the items (referral.md, section 3).

    Failed at two wrong (the house rule); passed when the name question was asked and right and
    the score reaches `ACCEPT_BITS`. Raises ValueError when the lengths differ.
    """
    answers = list(zip(items, right, strict=True))
    if sum(not hit for _, hit in answers) >= WRONG_TO_FAIL:
        return Outcome.FAILED
    named = [hit for item, hit in answers if item.knock_out]
    score = sum(weight(item, right=hit) for item, hit in answers)
    if named and all(named) and score >= ACCEPT_BITS:
        return Outcome.PASSED
    return Outcome.INCONCLUSIVE


def outcome_chances(items: Sequence[Item], chance_right: Sequence[float]) -> dict[Outcome, float]:
    """How likely each verdict is, over all 2^n patterns of answers.

    `chance_right`: 1-e of each item for an honest person, g[k] for a fake at tier k.
    """
    chances = dict.fromkeys(Outcome, 0.0)
    for right, chance in _patterns(chance_right):
        chances[outcome(items, right)] += chance
    return chances


def _patterns(chance_right: Sequence[float]) -> Iterator[tuple[tuple[bool, ...], float]]:
    """Every pattern of right and wrong with its chance."""
    for right in product((True, False), repeat=len(chance_right)):
        pairs = zip(right, chance_right, strict=True)
        yield right, prod(one if hit else 1 - one for hit, one in pairs)


def _largest(chance: Callable[[float], float], n: int, bound: float) -> float:
    """Bisection on a rising function of 0..1, down to neighbouring floats."""
    if n < WRONG_TO_FAIL or not 0 < bound < 1:
        raise ValueError("at least two questions, and a bound between 0 and 1")
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if chance(middle) <= bound else (low, middle)
    return low
