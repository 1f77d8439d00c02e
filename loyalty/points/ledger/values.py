"""What the verbs of the ledger take and give. Points are whole and positive, in fen per point."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST_POINTS: Final = 10_000_000
"""The most points of one operation (api.md, numbers)."""


class DebtPolicy(StrEnum):
    """What becomes of a clawback the member cannot cover (F9): written off, or owed."""

    CLAMP = "clamp"
    ARREARS = "arrears"


class Against(StrEnum):
    """The programme account a credit comes from."""

    ISSUED = "issued"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class Source:
    """The document that makes a posting unique for ever: `name` of the system, `key` in it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How a lot came about and how long it lasts; `unit_cost_fen` is for one point.

    `available_at` None waits for the event `awaits` until `cancel_at` (F4); a lot with
    `inactivity_months` is kept alive by visits that earn (F5).
    """

    rule_id: str
    rule_version: int
    business_on: date
    available_at: datetime | None
    expires_at: datetime | None
    unit_cost_fen: Decimal
    awaits: str | None = None
    cancel_at: datetime | None = None
    inactivity_months: int | None = None
    inactivity_round: str | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """Points of one rule in a document: one lot, of this id if one is given."""

    points: int
    issuer_id: UUID
    terms: Terms
    lot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting did: its id and the points spendable right after it."""

    posting_set_id: UUID
    spendable: int


@dataclass(frozen=True, slots=True)
class ClawedBack:
    """What became of points taken back: taken from lots, owed, or written off."""

    posting_set_id: UUID
    taken: int
    owed: int
    written_off: int
