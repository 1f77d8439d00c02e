"""Marks the verbatim answers of a call (回访) on the server; two wrong and the call has failed.

A reader would break this by letting a mark, or what was expected, leave the server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from rapidfuzz import fuzz

from referral.questions import vocabulary
from referral.questions.bank import VALUES, Kind

WRONG_TO_FAIL: Final = 2
LEAST_QUESTIONS: Final = 3

_DENIED: Final = re.compile(
    r"(?:不是|并非)(?![的啊呀哦])[^,。;!?、\s是]*"
    r"|(?:\bnot\b|n't\b)(?:(?!\b(?:but|it|he|she|his|her)\b)[^,。.;!?])*"
)
_ALTERNATIVE: Final = re.compile(r"或|还是|要么|不是.+就是|\bor\b|\beither\b")
_STRAYS_ALLOWED: Final = {"trade": 1, "relation": 1}


class Said(StrEnum):
    """What the agent recorded: confirmed or denied a statement, did not know, or answered."""

    CONFIRMED = auto()
    DENIED = auto()
    DONT_KNOW = auto()
    ANSWERED = auto()


class Mark(StrEnum):
    RIGHT = auto()
    WRONG = auto()


class Verdict(StrEnum):
    OPEN = auto()
    PASSED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in the person's own words, as the agent (回访人员) wrote them down."""

    said: Said
    text: str | None


def mark(asked_kind: Kind, expected: Mapping[str, str], answer: Answer) -> Mark:
    """Right or wrong; "don't know" is wrong (referral.md, sections 1 and 5).

    A false premise is right only when denied and corrected to model and colour group; a question
    only when answered with the expected value, of which no other is offered as an alternative.
    Raises RuleViolation `text_unusable`.
    """
    said = vocabulary.fold(answer.text or "")
    if asked_kind == Kind.FALSE_PREMISE:
        right = answer.said == Said.DENIED and _corrects(expected, said)
    else:
        right = answer.said == Said.ANSWERED and _names(expected["fact"], expected["value"], said)
    return Mark.RIGHT if right else Mark.WRONG


def verdict(marks: Sequence[Mark], total: int) -> Verdict:
    """Two wrong fail at once, whatever is left to ask (referral.md, section 1, the house rule).

    Passed once all `total` questions are marked. Raises ValueError when `total` is below 3 or
    more marks than questions are given: such a call must never pass.
    """
    if total < LEAST_QUESTIONS or len(marks) > total:
        raise ValueError("a call has at least 3 questions and one mark each")
    if sum(given != Mark.RIGHT for given in marks) >= WRONG_TO_FAIL:
        return Verdict.FAILED
    return Verdict.PASSED if len(marks) == total else Verdict.OPEN


def _corrects(expected: Mapping[str, str], said: str) -> bool:
    rest = vocabulary.without("model", said).replace(expected["model"], " ")
    return _names("model", expected["model"], said, expected["decoy_model"]) and _names(
        "colour", expected["colour"], rest, expected["decoy_colour"]
    )


def _names(fact: str, value: str, said: str, decoy: str | None = None) -> bool:
    """Whether the value is said and nothing else that counts; a repeated decoy does not count."""
    wavers = bool(_ALTERNATIVE.search(said))
    heard = said if wavers else _DENIED.sub(" ", said)
    meant = vocabulary.mentions(fact, heard)
    strays = {one for one in meant if value not in one and (wavers or decoy not in one)}
    hit = any(value in one for one in meant) or _free_text(fact, value, heard)
    return hit and len(strays) <= (0 if wavers else _STRAYS_ALLOWED.get(fact, 0))


def _free_text(fact: str, value: str, heard: str) -> bool:
    """A value the bank does not know must be said nearly in full."""
    if value in VALUES[fact] or len(heard) < len(value):
        return False
    return fuzz.partial_ratio(value, heard) >= vocabulary.SIMILAR_PERCENT
