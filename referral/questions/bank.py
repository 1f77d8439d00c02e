"""What a question of the callback (回访) is: plain data, the texts without any answer.

A reader would break this by letting a question about facts of privacy class C exist.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final

from referral.draw_rules import Party


class Kind(StrEnum):
    """How an answer is asked for and marked (referral.md, sections 3 to 5).

    `name`: who recommended whom, unprompted, the knock-out. `false_premise` (错误前提): to be
    denied and corrected. `true_premise`: its control, worth nothing. `open`: recalled without
    help. `choice`: one of a closed set, never read out. `year`: right within one year.
    `narrative`: told freely and read by people, never in a bank.
    """

    NAME = auto()
    FALSE_PREMISE = auto()
    TRUE_PREMISE = auto()
    OPEN = auto()
    CHOICE = auto()
    YEAR = auto()
    NARRATIVE = auto()


class Privacy(StrEnum):
    """A: nothing private; B: what friends know. C (address, employer, ID) is never asked."""

    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a party. It needs all `facts`; one group is asked once at most.

    `g`: chance that a stranger is right, `e`: that an honest person is wrong; assumptions until
    the store's own shares replace `g`. The texts keep `{surname_title}` (张先生), false premises
    `{decoy_colour}` and `{decoy_model}`, controls `{true_<fact>}`.
    """

    key: str
    about: Party
    facts: tuple[str, ...]
    kind: Kind
    text_zh: str
    text_en: str
    groups: frozenset[str]
    g: float
    e: float
    privacy: Privacy


@dataclass(frozen=True, slots=True)
class Bank:
    """A question bank (题库). `version` is the hash of its questions and of the vocabulary."""

    questions: tuple[Question, ...]
    version: str


_SHOWN: Final = MappingProxyType(
    {
        Kind.FALSE_PREMISE: "confirm_or_correct",
        Kind.TRUE_PREMISE: "confirm_or_correct",
        Kind.NAME: "open",
    }
)


def shown_kind(kind: Kind) -> str:
    """The input type the agent's (回访人员) screen shows: false and true premises look the same."""
    return _SHOWN.get(kind, str(kind))
