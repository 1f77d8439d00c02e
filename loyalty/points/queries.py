"""Reads of the ledger: balance, statement, expiry schedule."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select

from kernel.clock import business_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointAccount, PointEntry, PointLot, PostingSet


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that cannot be spent from `expires_on` on; None is never."""

    expires_on: date | None
    points: int


@dataclass(frozen=True, slots=True)
class Balance:
    member_id: UUID
    available: int
    pending: int
    held: int
    arrears: int
    next_expiry: Expiring | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LotShare:
    lot_id: UUID
    points: int
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting set as the member sees it, with the lots it opened (+) or took from (-)."""

    id: UUID
    kind: str
    points: int
    business_on: date
    posted_at: datetime
    source: str
    source_key: str
    rule_id: str | None
    rule_version: int | None
    lots: list[LotShare]


def balance(uow: UnitOfWork, member_id: UUID) -> Balance:
    """What the member may spend now, straight from the lots: no job need have run (F6).

    Raises NotFound `member_not_found`.
    """
    row = uow.session.execute(
        select(PointAccount, func.point_spendable(member_id, uow.now)).where(
            PointAccount.member_id == member_id
        )
    ).first()
    if row is None:
        raise NotFound("member_not_found")
    account, spendable = row
    schedule = expiry_schedule(uow, member_id)
    dated = [part for part in schedule if part.expires_on is not None]
    return Balance(
        member_id=member_id,
        available=spendable,
        pending=account.pending,
        held=account.held,
        arrears=account.arrears,
        next_expiry=dated[0] if dated else None,
        as_of=uow.now,
    )


def expiry_schedule(uow: UnitOfWork, member_id: UUID) -> list[Expiring]:
    """Every date on which spendable points end, soonest first, never last (F15)."""
    rows = uow.session.execute(
        select(PointLot.expires_at, func.sum(PointLot.remaining))
        .where(
            PointLot.member_id == member_id,
            PointLot.open,
            func.point_lot_alive(PointLot.available_at, PointLot.expires_at, uow.now),
        )
        .group_by(PointLot.expires_at)
        .order_by(PointLot.expires_at.asc().nulls_last())
    )
    return [Expiring(_day(uow, instant), int(points)) for instant, points in rows]


def statement(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[StatementLine]:
    """The member's posting sets, newest first, those older than `before` when given.

    Raises NotFound `member_not_found`.
    """
    if uow.session.get(PointAccount, member_id) is None:
        raise NotFound("member_not_found")
    sets = select(PostingSet).where(PostingSet.member_id == member_id)
    if before:
        sets = sets.where(PostingSet.account_version < _version_at(member_id, before))
    newest_first = sets.order_by(PostingSet.account_version.desc())
    found = list(uow.session.scalars(newest_first.limit(limit)))
    lots = _lots(uow, member_id, [row.id for row in found])
    return [_line(row, lots.get(row.id, [])) for row in found]


def _version_at(member_id: UUID, posting_set_id: UUID) -> ScalarSelect[int]:
    return (
        select(PostingSet.account_version)
        .where(PostingSet.member_id == member_id, PostingSet.id == posting_set_id)
        .scalar_subquery()
    )


def _line(row: PostingSet, lots: list[LotShare]) -> StatementLine:
    return StatementLine(
        id=row.id,
        kind=row.kind,
        points=row.points,
        business_on=row.business_on,
        posted_at=row.posted_at,
        source=row.source,
        source_key=row.source_key,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        lots=lots,
    )


def _lots(uow: UnitOfWork, member_id: UUID, sets: list[UUID]) -> dict[UUID, list[LotShare]]:
    rows = uow.session.execute(
        select(PointEntry.posting_set_id, PointLot.id, PointEntry.points, PointLot.expires_at)
        .join(
            PointLot,
            (PointLot.member_id == PointEntry.member_id) & (PointLot.id == PointEntry.lot_id),
        )
        .where(PointEntry.member_id == member_id, PointEntry.posting_set_id.in_(sets))
        .order_by(PointEntry.posting_set_id, PointEntry.line)
    )
    shares: dict[UUID, list[LotShare]] = {}
    for posting_set, lot, points, instant in rows:
        shares.setdefault(posting_set, []).append(LotShare(lot, points, _day(uow, instant)))
    return shares


def _day(uow: UnitOfWork, instant: datetime | None) -> date | None:
    return business_day(instant, uow.zone) if instant else None
