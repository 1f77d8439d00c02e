"""The question bank (题库): questions, decoys and the words people use, read once from bank.json.

A reader would break this by keeping anything that changes an outcome outside the hashed file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from referral.draw_rules import Party


class Kind(StrEnum):
    """`open`: recalled without help; `choice`: one of a closed set, not read out to anybody."""

    FALSE_PREMISE = auto()
    OPEN = auto()
    CHOICE = auto()


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a party. It needs all `facts`; one group is asked once at most.

    The texts keep `{surname_title}` (张先生), and false premises `{decoy_colour}{decoy_model}`.
    """

    key: str
    about: Party
    facts: tuple[str, ...]
    kind: Kind
    text_zh: str
    text_en: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a fact. `words` name it; `also` counts as it in an answer (silver for grey)."""

    code: str
    zh: str
    en: str
    words: tuple[str, ...]
    also: tuple[str, ...]


def _question(row: Mapping[str, Any]) -> Question:
    return Question(
        key=row["key"],
        about=row["about"],
        facts=tuple(row["facts"]),
        kind=Kind(row["kind"]),
        text_zh=row["zh"],
        text_en=row["en"],
        groups=frozenset(row["groups"]),
    )


def _value(row: Mapping[str, Any]) -> Value:
    names = (row["zh"], row["en"], *row["words"])
    return Value(row["code"], row["zh"], row["en"], names, tuple(row.get("also", ())))


_RAW: Final = Path(__file__).with_name("bank.json").read_bytes()
_BANK: Final = json.loads(_RAW)

BANK_VERSION: Final = hashlib.sha256(_RAW).hexdigest()
QUESTIONS: Final = tuple(_question(row) for row in _BANK["questions"])
VALUES: Final[Mapping[str, Mapping[str, Value]]] = MappingProxyType(
    {
        fact: MappingProxyType({row["code"]: _value(row) for row in rows})
        for fact, rows in _BANK["values"].items()
    }
)
DECOY_MODELS: Final[tuple[str, ...]] = tuple(_BANK["decoys"]["models"])
DECOY_COLOURS: Final[tuple[str, ...]] = tuple(_BANK["decoys"]["colours"])

_SHOWN: Final = MappingProxyType({Kind.FALSE_PREMISE: "confirm_or_correct"})


def shown_kind(kind: Kind) -> str:
    """The input type the agent's (回访人员) screen shows; the screen never calls a premise false.

    Until controls with a true premise are asked too, who knows the bank can tell from the type.
    """
    return _SHOWN.get(kind, str(kind))
