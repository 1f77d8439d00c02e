"""Which questions one call asks: of all sets that prove enough the strongest, ties by the seed.

A reader would break this by padding a weak set: no admissible set is a refusal, not a weaker call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal

from referral.draw_rules import Party, pick, rank
from referral.questions import decoys
from referral.questions.bank import Bank, Kind, Question
from referral.questions.evidence import item, strength
from referral.questions.facts import FACTS, Facts
from referral.questions.probability import (
    FAKE_BOUND,
    HONEST_BOUND,
    Item,
    Odds,
    bits,
    honest_rejected,
    odds,
)
from referral.questions.wording import worded

SELECTOR_VERSION: Final = "2"
SIZES: Final = (4, 3)
MOST_MISSED: Final = 0.15
LEAST_BITS: Final = 1.0
MOST_PREMISES: Final = 2

Part = Literal["asked", "control", "reserve", "narrative"]


class NoAdmissibleSet(Exception):
    """Nothing that may be asked proves enough: both parties tell freely and two people decide.

    `missing`: names of facts nobody knows, `decoy` when no car is wrong enough; it may be empty.
    """

    def __init__(self, missing: list[str]) -> None:
        super().__init__("no admissible set of questions")
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a call. The texts keep `{surname_title}`; `expected` stays on the server.

    `item` is what it proves, None for a narrative, which proves nothing and is read by people.
    """

    key: str
    kind: Kind
    part: Part
    text_zh: str = field(repr=False)
    text_en: str = field(repr=False)
    expected: dict[str, str] = field(repr=False)
    item: Item | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The questions in the order to ask, what may replace one of them, and the odds of the set."""

    asked: tuple[Asked, ...]
    reserve: tuple[Asked, ...]
    odds: Odds


@dataclass(frozen=True, slots=True)
class _Candidate:
    question: Question
    item: Item = field(repr=False)

    def clashes(self, other: "_Candidate") -> bool:
        """Two of one correlation group, or about one fact, are never in one call."""
        one, two = self.question, other.question
        return bool(one.groups & two.groups or set(one.facts) & set(two.facts))


def select(
    *,
    about: Party,
    facts: Facts,
    cars: Sequence[decoys.Car],
    bank: Bank,
    seed: bytes,
    recent: frozenset[str],
) -> Chosen:
    """The questions of one call, the open name first (referral.md, section 4). Same in, same out.

    `about` is the party asked about, `facts` and `cars` are his: the buyer is asked about the
    owner and the reverse. `recent`: keys asked in this pair's last two sessions.
    Raises NoAdmissibleSet.
    """
    decoy = decoys.choose([*cars, _own_car(facts)], seed)
    known = [
        _Candidate(question, item(question, facts))
        for question in sorted(bank.questions, key=lambda row: row.key)
        if question.about == about
        and question.key not in recent
        and question.e <= MOST_MISSED
        and all(name in facts for name in question.facts)
        and (decoy or question.kind is not Kind.FALSE_PREMISE)
    ]
    scored = [one for one in known if _proves(one, facts)]
    best = min(_admissible(scored), key=lambda tried: _order(tried, seed), default=None)
    if best is None:
        raise NoAdmissibleSet(_missing(about, facts, bank, decoy))
    control = _control(known, best, seed)
    reserve = _reserve(scored, best, control, seed)
    later = sorted([*best[1:], *control], key=lambda one: rank(seed, f"order {one.question.key}"))
    return Chosen(
        asked=tuple(_asked(one, facts, decoy) for one in (best[0], *later)),
        reserve=tuple(_asked(one, facts, decoy, "reserve") for one in reserve),
        odds=odds([one.item for one in (*best, *control)]),
    )


def _own_car(facts: Facts) -> decoys.Car:
    model, colour = (facts[name].value if name in facts else "" for name in ("model", "colour"))
    return model, colour


def _proves(one: _Candidate, facts: Facts) -> bool:
    """Worth a place: no control, not what everybody guesses, at least one bit."""
    modal = all(facts[name].modal for name in one.question.facts)
    return not one.item.control and not modal and bits(one.item.g[0]) >= LEAST_BITS


def _admissible(scored: Sequence[_Candidate]) -> Iterator[tuple[_Candidate, ...]]:
    """Every set that may be asked, its name question first."""
    names = [one for one in scored if one.question.kind is Kind.NAME]
    others = [one for one in scored if one.question.kind is not Kind.NAME]
    for size in SIZES:
        for name in names:
            for rest in combinations(others, size - 1):
                tried = (name, *rest)
                if _fits(tried) and _holds(tried):
                    yield tried


def _fits(tried: Sequence[_Candidate]) -> bool:
    """One or two false premises, never a majority, and nothing twice."""
    premises = sum(one.question.kind is Kind.FALSE_PREMISE for one in tried)
    if not 1 <= premises <= min(MOST_PREMISES, len(tried) // 2):
        return False
    return not any(one.clashes(other) for one, other in combinations(tried, 2))


def _holds(tried: Sequence[_Candidate]) -> bool:
    """Whether both bounds hold: strangers pass at most at 1 %, honest people fail at 3 %."""
    chances = odds([one.item for one in tried])
    return chances.fake_t0 <= FAKE_BOUND and chances.honest_rejected <= HONEST_BOUND


def _order(tried: Sequence[_Candidate], seed: bytes) -> tuple[float, float, bytes]:
    """The strongest set first; equal ones by the seed."""
    untainted, total = strength([one.item for one in tried])
    keys = ",".join(sorted(one.question.key for one in tried))
    return -untainted, -total, rank(seed, f"set {keys}")


def _control(
    known: Sequence[_Candidate], best: Sequence[_Candidate], seed: bytes
) -> tuple[_Candidate, ...]:
    """A true premise (真前提) mixed in by one bit of the seed, where honest people can bear it."""
    if not pick(seed, 2, "control"):
        return ()
    fitting = [
        one
        for one in known
        if one.item.control
        and not any(one.clashes(other) for other in best)
        and honest_rejected([each.item.e for each in (*best, one)]) <= HONEST_BOUND
    ]
    fitting.sort(key=lambda one: rank(seed, f"control {one.question.key}"))
    return tuple(fitting[:1])


def _reserve(
    scored: Sequence[_Candidate],
    best: Sequence[_Candidate],
    control: Sequence[_Candidate],
    seed: bytes,
) -> tuple[_Candidate, ...]:
    """The strongest question that may stand in for any of those that may be replaced."""
    replaceable = [one for one in best if _may_be_replaced(one)]
    fitting = [
        one
        for one in scored
        if _may_be_replaced(one)
        and not any(one.clashes(other) for other in (*best, *control))
        and all(
            _holds([*(each for each in best if each is not out), one, *control])
            for out in replaceable
        )
    ]
    return tuple(sorted(fitting, key=lambda one: _order([one], seed))[:1])


def _may_be_replaced(one: _Candidate) -> bool:
    return one.question.kind not in (Kind.NAME, Kind.FALSE_PREMISE)


def _missing(about: Party, facts: Facts, bank: Bank, decoy: decoys.Car | None) -> list[str]:
    wanted = {name for row in bank.questions if row.about == about for name in row.facts}
    missing = [name for name in FACTS if name in wanted and name not in facts]
    return missing if decoy else [*missing, "decoy"]


def _asked(
    one: _Candidate, facts: Facts, decoy: decoys.Car | None, part: Part | None = None
) -> Asked:
    zh, en, expected = worded(one.question, facts, decoy)
    where = part or ("control" if one.item.control else "asked")
    return Asked(one.question.key, one.question.kind, where, zh, en, expected, one.item)
