"""One posting set in full: its entries, their lots, what it undid and what undid it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointEntry, PointLot, PostingSet
from loyalty.points.queries.statement_lines import StatementLine, lines_of, sets_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the double entry: points gained (+) or lost (-) by an account of the member or of
    the issuer's programme; on `payable` the issuer owes the counterparty."""

    line: int
    side: str
    account: str
    issuer_id: UUID
    lot_id: UUID | None
    points: int
    counterparty_id: UUID | None


@dataclass(frozen=True, slots=True)
class LotFacts:
    """Where a lot's points came from, and its dates as they stand; `points` it opened with."""

    id: UUID
    points: int
    issuer_id: UUID
    posting_set_id: UUID
    rule_id: str
    rule_version: int
    business_on: date
    available_at: datetime | None
    awaits: str | None
    cancel_at: datetime | None
    expires_at: datetime | None
    origin_lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Posting:
    """`reversed_by` are the sets that undid it or a part of it; `actor_role` is who acted."""

    line: StatementLine
    entries: list[Entry]
    lot_facts: list[LotFacts]
    reversed_by: list[UUID]
    actor_role: str
    actor_id: str


def posting(uow: UnitOfWork, member_id: UUID, posting_set_id: UUID) -> Posting:
    """One act on a member's points (F14). Raises NotFound `posting_not_found`."""
    row = uow.session.execute(sets_of(member_id).where(PostingSet.id == posting_set_id)).first()
    if row is None:
        raise NotFound("posting_not_found")
    entries = uow.session.scalars(
        select(PointEntry)
        .where(PointEntry.member_id == member_id, PointEntry.posting_set_id == posting_set_id)
        .order_by(PointEntry.line)
    ).all()
    lots = uow.session.scalars(
        select(PointLot)
        .where(
            PointLot.member_id == member_id,
            PointLot.id.in_({entry.lot_id for entry in entries if entry.lot_id}),
        )
        .order_by(PointLot.id)
    ).all()
    return Posting(
        line=lines_of(uow, member_id, [row])[0],
        entries=[_entry(entry) for entry in entries],
        lot_facts=[facts_of(lot) for lot in lots],
        reversed_by=_reversed_by(uow, member_id, posting_set_id),
        actor_role=row[0].actor_role,
        actor_id=row[0].actor_id,
    )


def facts_of(lot: PointLot) -> LotFacts:
    """A lot as it is shown."""
    return LotFacts(
        id=lot.id,
        points=lot.points,
        issuer_id=lot.issuer_id,
        posting_set_id=lot.posting_set_id,
        rule_id=lot.rule_id,
        rule_version=lot.rule_version,
        business_on=lot.business_on,
        available_at=lot.available_at,
        awaits=lot.awaits,
        cancel_at=lot.cancel_at,
        expires_at=lot.expires_at,
        origin_lot_id=lot.origin_lot_id,
    )


def _entry(entry: PointEntry) -> Entry:
    return Entry(
        line=entry.line,
        side=entry.side,
        account=entry.account,
        issuer_id=entry.issuer_id,
        lot_id=entry.lot_id,
        points=entry.points,
        counterparty_id=entry.counterparty_id,
    )


def _reversed_by(uow: UnitOfWork, member_id: UUID, posting_set_id: UUID) -> list[UUID]:
    return list(
        uow.session.scalars(
            select(PostingSet.id)
            .where(
                PostingSet.member_id == member_id,
                PostingSet.reverses == posting_set_id,
            )
            .order_by(PostingSet.account_version)
        )
    )
