"""An invariant as a query for what breaks it: a check proves nothing of rows it does not read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant, its number in the design, and the query for what breaks it."""

    number: str
    says: str
    breaks: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows break a check; `example` is the key of one of them."""

    number: str
    says: str
    count: int
    example: str | None
