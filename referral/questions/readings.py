"""What a second person read in an answer the machine could not decide, compared on the server.

A reader would break this by showing him what is expected: he says what the words name.
"""

from collections.abc import Mapping
from typing import Final

from kernel.errors import RuleViolation
from referral.questions import vocabulary
from referral.questions.bank import Kind
from referral.questions.facts import FACTS, YEARS_OFF, canonical
from referral.questions.marking import Mark
from referral.questions.values import VALUES

NONE: Final = "none"
"""What he picks when the words name no value at all."""
_TYPED: Final = frozenset({"name", "purchase_year", "model"})

_GROUPED: Final = frozenset({"model", "colour"})


def choices(fact: str) -> list[tuple[str, str, str]]:
    """The values to pick from (code, Chinese, English), in one order; none where he types.

    Raises KeyError for a name that is no fact.
    """
    if fact not in FACTS:
        raise KeyError(fact)
    return [(one.code, one.zh, one.en) for one in VALUES.get(fact, {}).values()]


def facts_to_read(expected: Mapping[str, str]) -> tuple[str, ...]:
    """The facts an answer is read for, by name: one, or those of a false premise."""
    if "fact" in expected:
        return (expected["fact"],)
    return tuple(name for name in FACTS if name in expected)


def reading(kind: Kind, expected: Mapping[str, str], read: Mapping[str, str]) -> Mark:
    """Right or wrong, by what the words were read to name (referral.md, section 5).

    `read`: for each fact of `facts_to_read` a code of `choices`, `none`, or for a name, a year or
    a model the typed word. A value of the same ambiguity group (色系) is right.
    Raises RuleViolation `reading_incomplete` and `reading_unknown`.
    """
    wanted = facts_to_read(expected)
    if set(read) != set(wanted):
        raise RuleViolation("reading_incomplete", pointer="/readings")
    values = {fact: _canonical(fact, read[fact]) for fact in wanted}
    true = expected if kind is Kind.FALSE_PREMISE else {wanted[0]: expected["value"]}
    right = all(_same(fact, true[fact], value) for fact, value in values.items())
    return Mark.RIGHT if right else Mark.WRONG


def _canonical(fact: str, word: str) -> str | None:
    if word == NONE:
        return None
    if fact not in _TYPED and word not in VALUES[fact]:
        raise RuleViolation("reading_unknown", pointer=f"/readings/{fact}")
    return canonical(fact, word)


def _same(fact: str, true: str, read: str | None) -> bool:
    if read is None:
        return False
    if fact == "purchase_year":
        return abs(int(read) - int(true)) <= YEARS_OFF
    if fact in _GROUPED:
        return vocabulary.alike(fact, true, read)
    return read == true
