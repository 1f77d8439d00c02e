"""The audit trail: who did what to which object, append-only, chained per dealer (P27).

Details hold identifiers, codes and numbers; a name, phone, plate or VIN here would outlive erasure.
Only the functions of the database write links and tips; nobody else has the right to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, func, select, text, union
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.model import Base, Instant, Key

SEAL_ROWS: Final = 2_000
"""How many rows one transaction seals at most; a dealer's desks wait for it meanwhile."""
_PROOF: Final = text("""
    SELECT found.fault, found.seq, found.event_id, tip.seq AS tip_seq, tip.hash AS tip_hash,
           (SELECT count(*) FROM audit_link WHERE dealer_id = :dealer) AS chained,
           (SELECT count(*) FROM audit_pending WHERE dealer_id = :dealer) AS waiting,
           (SELECT min(event.at) FROM audit_pending AS pending
            JOIN audit_event AS event ON event.id = pending.event_id
            WHERE pending.dealer_id = :dealer) AS waiting_since
    FROM audit_fault(:dealer) AS found LEFT JOIN audit_tip AS tip ON tip.dealer_id = :dealer
""")


class AuditEvent(Base):
    __tablename__ = "audit_event"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    at: Mapped[Instant]
    actor_id: Mapped[str]
    actor_role: Mapped[str]
    client: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[UUID]
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AuditLink(Base):
    """The place of a row in its dealer's chain; `hash` is of the link before and the whole row."""

    __tablename__ = "audit_link"

    dealer_id: Mapped[Key]
    seq: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class AuditTip(Base):
    __tablename__ = "audit_tip"

    dealer_id: Mapped[Key]
    seq: Mapped[int]
    hash: Mapped[bytes]


class AuditPending(Base):
    """A row without a link yet."""

    __tablename__ = "audit_pending"

    dealer_id: Mapped[Key]
    event_id: Mapped[Key]
    at_commit: Mapped[bool]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a chain ended once, kept elsewhere: what comes before it cannot be rewritten unseen."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad row: `what` as told by the function audit_fault, or `anchor`."""

    what: str
    seq: int | None
    event_id: UUID | None


@dataclass(frozen=True, slots=True)
class Chain:
    """A dealer's chain: rows that have a link, rows that wait since when, its end, its fault."""

    chained: int
    waiting: int
    waiting_since: datetime | None
    tip: Anchor | None
    fault: Fault | None


def seal_waiting(session: Session, dealer_id: UUID, most: int = SEAL_ROWS) -> int:
    """Chain the dealer's oldest waiting rows; how many they were. Holds his tip until the commit.

    Raises psycopg's integrity error when his chain has lost its tip.
    """
    return session.scalars(select(func.audit_seal(dealer_id, most, type_=BigInteger))).one()


def tip_of(session: Session, dealer_id: UUID) -> Anchor | None:
    """Where the dealer's chain ends; none when its tip is gone."""
    tip = session.get(AuditTip, dealer_id, populate_existing=True)
    return Anchor(tip.seq, tip.hash) if tip else None


def verify_chain(session: Session, dealer_id: UUID, anchor: Anchor | None = None) -> Chain:
    """Recompute every link of a dealer's chain as of one moment (P27).

    A fault of the chain itself comes before one against the anchor. Rows cut off the end together
    with their links and the tip are seen against an anchor alone.
    """
    row = session.execute(_PROOF, {"dealer": dealer_id}).one()
    tip = None if row.tip_seq is None else Anchor(row.tip_seq, row.tip_hash)
    fault = Fault(row.fault, row.seq, row.event_id) if row.fault else None
    fault = fault or _against(session, dealer_id, anchor)
    return Chain(row.chained, row.waiting, row.waiting_since, tip, fault)


def _against(session: Session, dealer_id: UUID, anchor: Anchor | None) -> Fault | None:
    if anchor is None:
        return None
    link = session.get(AuditLink, (dealer_id, anchor.seq))
    if link and link.hash == anchor.hash:
        return None
    return Fault("anchor", anchor.seq, link.event_id if link else None)


def audited_dealers(session: Session) -> Sequence[UUID]:
    """Every dealer with an audit row, a link or a tip, whether or not he is still known."""
    found = union(*(select(table.dealer_id) for table in (AuditEvent, AuditLink, AuditTip)))
    return session.scalars(select(found.subquery().c.dealer_id).order_by("dealer_id")).all()
