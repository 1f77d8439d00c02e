"""The claim on an Idempotency-Key: a row written first, in the transaction it protects.

A second request with the key waits on that row; when it is there, the stored answer is the answer.
If the first dies, its row dies with it and nothing is stuck (ledger.md, measured facts).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.errors import RuleViolation
from kernel.model import Base, Instant

KEPT_FOR = timedelta(days=7)


class KeyReused(RuleViolation):
    """The key came with another request before; the first one's answer stays the key's answer."""


class IdempotencyClaim(Base):
    __tablename__ = "idempotency_claim"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    client: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    claimed_at: Mapped[Instant]
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None]
    sealed: Mapped[bool]


@dataclass(frozen=True, slots=True)
class Claim:
    """One key of one client of one dealer, and what was asked with it.

    A claim is kept with its `fingerprint`. Those taken by 0.2 have the `former` one, which is
    compared but never written: of use until seven days after the upgrade.
    """

    dealer_id: UUID
    client: str
    key: str
    fingerprint: bytes
    former: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """`sealed` tells whether the body is encrypted: it is, unless it can hold nothing personal."""

    status: int
    headers: dict[str, str]
    body: bytes
    sealed: bool = True


def take(session: Session, claim: Claim, *, now: datetime) -> StoredAnswer | None:
    """Take the key, or return the answer it was already given.

    Waits for a request in flight up to the lock time-out, whose error the caller maps.
    Raises KeyReused `idempotency_key_reused` when the key came with another request.
    """
    table = IdempotencyClaim.__table__
    taken = session.execute(
        insert(IdempotencyClaim)
        .values(
            dealer_id=claim.dealer_id,
            client=claim.client,
            key=claim.key,
            fingerprint=claim.fingerprint,
            claimed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(table.c.key)
    ).first()
    if taken:
        return None
    stored = session.execute(select(IdempotencyClaim).where(*_is(claim))).scalar_one()
    if stored.fingerprint not in (claim.fingerprint, claim.former):
        raise KeyReused("idempotency_key_reused")
    assert stored.status is not None
    return StoredAnswer(stored.status, stored.headers or {}, stored.body or b"", stored.sealed)


def keep(session: Session, claim: Claim, answer: StoredAnswer) -> None:
    """Store the answer beside the claim, to be committed with its effects."""
    session.execute(
        update(IdempotencyClaim)
        .where(*_is(claim))
        .values(
            status=answer.status, headers=answer.headers, body=answer.body, sealed=answer.sealed
        )
    )


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete the claims of this dealer that are older than seven days."""
    gone = session.execute(
        delete(IdempotencyClaim).where(IdempotencyClaim.claimed_at < now - KEPT_FOR)
    )
    return gone.rowcount  # type: ignore[attr-defined,no-any-return]


def _is(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        IdempotencyClaim.dealer_id == claim.dealer_id,
        IdempotencyClaim.client == claim.client,
        IdempotencyClaim.key == claim.key,
    )
