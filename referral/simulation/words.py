"""What people say on the phone when they know an answer, and when they do not.

A reader would break this by asking the marking what it would accept: words come from the values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Final

from referral.questions import vocabulary
from referral.questions.bank import Kind, Question
from referral.questions.facts import YEARS_OFF, Facts
from referral.questions.marking import Answer, Said
from referral.questions.values import VALUES
from referral.simulation.store import COUNTS, GIVEN, SURNAMES

WORDINGS: Final = 8
"""So many ways of saying it are tried for each question."""


@dataclass(frozen=True, slots=True)
class Words:
    """Right and wrong answers to one question; nobody says that he does not know."""

    right: tuple[Answer, ...]
    wrong: tuple[Answer, ...]


def words(question: Question, facts: Facts, rng: Random) -> Words:
    """Some right and some wrong answers to a question about the person with these facts.

    A wrong value is never one that some word also means (silver for grey).
    """
    values = [facts[fact].value for fact in question.facts]
    if question.kind is Kind.FALSE_PREMISE:
        right, wrong = _car(values, rng)
    elif question.kind is Kind.TRUE_PREMISE:
        right, wrong = [Answer(Said.CONFIRMED, "对")], [Answer(Said.DENIED, "不对")]
    else:
        said, mistaken = _fact(question.facts[0], values[0])
        right, wrong = list(map(_told, said)), list(map(_told, mistaken))
    return Words(_some(right, rng), _some(wrong, rng))


def _car(values: Sequence[str], rng: Random) -> tuple[list[Answer], list[Answer]]:
    """Denied and corrected, or not: agreed with, or one of the two or both parts wrong."""
    model, colour = (
        _fact(fact, one) for fact, one in zip(("model", "colour"), values, strict=True)
    )
    mistakes = [(model[0], colour[1]), (model[1], colour[0]), (model[1], colour[1])]
    wrong = [_corrected(rng.choice(m), rng.choice(c)) for m, c in mistakes for _ in range(2)]
    right = [_corrected(m, c) for m, c in product(model[0], colour[0])]
    return right, [Answer(Said.CONFIRMED, "对，没错"), *wrong]


def _fact(fact: str, value: str) -> tuple[list[str], list[str]]:
    """Words that name the value, and words that name another."""
    if fact == "name":
        return [value], [one for one in _names() if not set(one) & set(value)]
    if fact == "purchase_year":
        near = range(-YEARS_OFF, YEARS_OFF + 1)
        far = (-4, -3, YEARS_OFF + 1, YEARS_OFF + 2)
        return [f"{int(value) + off}年" for off in near], [f"{int(value) + off}年" for off in far]
    others = (one for one in COUNTS[fact] if not vocabulary.alike(fact, one, value))
    return list(VALUES[fact][value].words), [
        word for one in others for word in VALUES[fact][one].words
    ]


def _names() -> Iterator[str]:
    return (family + given for family, given in product(SURNAMES, GIVEN))


def _told(said: str) -> Answer:
    return Answer(Said.ANSWERED, said)


def _corrected(model: str, colour: str) -> Answer:
    return Answer(Said.DENIED, f"不是，是{colour}的{model}")


def _some(answers: Sequence[Answer], rng: Random) -> tuple[Answer, ...]:
    return tuple(rng.sample(answers, min(WORDINGS, len(answers))))
