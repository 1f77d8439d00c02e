"""What is known of the party asked about, as canonical values; what is not known is absent.

A reader would break this by adding a fact of privacy class C: address, employer, ID, income.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import colour
from referral.questions import vocabulary
from referral.questions.bank import VALUES

FACTS: Final = ("trade", "model", "colour", "transmission", "plate_province", "relation")

Facts = Mapping[str, str]


def gather(records: Mapping[str, str | None]) -> Facts:
    """Facts from the records' own words, by the names in `FACTS` (referral.md, section 5).

    `trade` (行业) is kept as a coarse category only; `plate_province` may be a whole plate.
    Raises KeyError for a name that is no fact.
    """
    values = {name: canonical(name, record) for name, record in records.items() if record}
    return MappingProxyType({name: value for name, value in values.items() if value})


def canonical(fact: str, record: str) -> str | None:
    """The value a record names, None when the bank knows no such value.

    A model the bank does not know keeps its own folded name: it can still be asked for.
    """
    if record in VALUES[fact]:
        return record
    if fact == "colour":
        return _colour(record)
    if fact == "plate_province":
        return record[0] if record[0] in VALUES[fact] else None
    folded = vocabulary.fold(record)
    return vocabulary.named(fact, folded) or (folded or None if fact == "model" else None)


def _colour(record: str) -> str | None:
    try:
        code = colour.canonical(record)
    except RuleViolation:
        return None
    return code if code in VALUES["colour"] else None
