"""A row of an import before and after: what was read, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from kernel.errors import DomainError
from loyalty.earning.document import Document

NEW: Final = "new"
KNOWN: Final = "known"
FAILED: Final = "failed"


class Reference(NamedTuple):
    """A member by another system's name; `pointer` is where the row says so."""

    source: str
    id: str
    pointer: str


class Draft(NamedTuple):
    """A row as it was read; `finish` makes its document once the member is found, or raises."""

    number: int
    member: UUID | Reference
    finish: Callable[[UUID], Document]


class Refused(NamedTuple):
    """A row that could not even be read."""

    number: int
    error: DomainError


class Ready(NamedTuple):
    """A row whose document may be taken, unless it was taken before."""

    number: int
    document: Document
    fingerprint: bytes
    vin_index: bytes | None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: its document and points, or why it was refused."""

    number: int
    outcome: str
    document_id: UUID | None = None
    points: int | None = None
    error: DomainError | None = None
