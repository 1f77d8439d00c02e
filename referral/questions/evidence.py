"""What one question proves against a stranger, a reader of the slip and a consultant.

A reader would break this by counting as evidence what everybody guesses or a forger has seen.
"""

from collections.abc import Callable, Sequence
from math import fsum, prod
from typing import Final

from referral.questions.bank import Kind, Question
from referral.questions.facts import Fact, Facts, Origin
from referral.questions.probability import Item, bits

_DIGITS: Final = 9
"""Sums of bits are rounded to so many, so that equal sets tie on every machine."""


def item(question: Question, facts: Facts) -> Item:
    """A question as the mathematics sees it (referral.md, section 3); needs all its facts.

    A guess is right with the store's own shares of the facts where all are counted, a modal one
    being given away; otherwise with the bank's prior. Facts a forger has seen count 1.
    """
    if question.kind is Kind.TRUE_PREMISE:
        return Item((1.0, 1.0, 1.0), question.e, control=True)
    own = [facts[name] for name in question.facts]
    return Item(
        (
            _guess(question, own, _to_nobody),
            _guess(question, own, _on_slip),
            _guess(question, own, _on_screen),
        ),
        question.e,
        knock_out=question.kind is Kind.NAME,
    )


def strength(items: Sequence[Item]) -> tuple[float, float]:
    """Bits of the questions a consultant could not answer, then of all (referral.md, section 4)."""
    untainted = fsum(bits(one.g[0]) for one in items if one.g[2] < 1)
    return round(untainted, _DIGITS), round(fsum(bits(one.g[0]) for one in items), _DIGITS)


def _to_nobody(_: Fact) -> bool:
    return False


def _on_slip(fact: Fact) -> bool:
    return fact.origin is Origin.SLIP


def _on_screen(fact: Fact) -> bool:
    return fact.seen or fact.origin in (Origin.SLIP, Origin.CONSULTANT, Origin.SALE)


def _guess(question: Question, own: Sequence[Fact], knows: Callable[[Fact], bool]) -> float:
    unknown = [fact for fact in own if not knows(fact)]
    if not unknown:
        return 1.0
    shares = [1.0 if fact.modal else fact.share for fact in unknown if fact.share is not None]
    if len(shares) < len(unknown) or any(fact.share is None for fact in own):
        return question.g
    return prod(shares)
