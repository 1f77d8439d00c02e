"""Pairs of invented people and the questions each party would be asked, with words to answer.

A reader would break this by choosing questions or marking answers by anything but the real rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random
from typing import Final

from referral.draw_rules import Party, party
from referral.questions.bank import Kind
from referral.questions.bank_body import BUILT_IN
from referral.questions.marking import Answer, Mark, mark
from referral.questions.probability import Item, Outcome
from referral.questions.selector import Asked, NoAdmissibleSet, select
from referral.simulation.store import Person, invent
from referral.simulation.words import Words, words

SEED_BYTES: Final = 32
Verdict = Callable[[Sequence[Item], Sequence[bool]], Outcome]
_OTHER: Final[Mapping[Party, Party]] = {"buyer": "owner", "owner": "buyer"}
_QUESTIONS: Final = {question.key: question for question in BUILT_IN.questions}


class Tier(StrEnum):
    """Who answers, by what he knows (referral.md, section 3)."""

    HONEST = "honest"
    T0 = "T0 stranger"
    T1 = "T1 knows the slip"
    T2 = "T2 knows the screen"

    def chance(self, item: Item) -> float:
        """How likely such a person is right."""
        fakes = dict(zip((Tier.T0, Tier.T1, Tier.T2), item.g, strict=True))
        return fakes.get(self, 1 - item.e)


@dataclass(frozen=True, slots=True)
class Call:
    """One party's call: what is asked, and what may be said to it."""

    asked: tuple[Asked, ...]
    said: tuple[Words, ...]

    @property
    def items(self) -> list[Item]:
        return [one.item for one in self.asked if one.item is not None]

    def chances(self, tier: Tier) -> list[float]:
        """For each question how likely such a person is right."""
        return [tier.chance(item) for item in self.items]

    def answered(self, tier: Tier, rng: Random, verdict: Verdict) -> Outcome:
        """The verdict of one call: everything is said in words, and the words are marked."""
        right = []
        for one, said, chance in zip(self.asked, self.said, self.chances(tier), strict=True):
            answer = rng.choice(said.right if rng.random() < chance else said.wrong)
            right.append(_heard(one.kind, tuple(sorted(one.expected.items())), answer))
        return verdict(self.items, right)


@dataclass(frozen=True, slots=True)
class Case:
    """The calls of one referral in their order: the drawn party, then the other."""

    first: Call
    second: Call


def cases(seed: int, wanted: int) -> Iterator[Case | None]:
    """So many pairs of an owner and a buyer; None where no admissible set of questions exists."""
    rng = Random(f"people {seed}")  # noqa: S311 (invented people, nothing secret)
    for _ in range(wanted):
        people = {about: invent(about, rng) for about in _OTHER}
        drawn = rng.randbytes(SEED_BYTES)
        callee = party(drawn)
        try:
            first = _call(_OTHER[callee], people, drawn, rng)
            second = _call(callee, people, rng.randbytes(SEED_BYTES), rng)
        except NoAdmissibleSet:
            yield None
        else:
            yield Case(first, second)


def _call(about: Party, people: Mapping[Party, Person], seed: bytes, rng: Random) -> Call:
    person = people[about]
    chosen = select(
        about=about,
        facts=person.facts,
        cars=person.cars,
        bank=BUILT_IN,
        seed=seed,
        recent=frozenset(),
    )
    said = tuple(words(_QUESTIONS[one.key], person.facts, rng) for one in chosen.asked)
    return Call(chosen.asked, said)


@cache
def _heard(kind: Kind, expected: tuple[tuple[str, str], ...], answer: Answer) -> bool:
    return mark(kind, dict(expected), answer) == Mark.RIGHT
