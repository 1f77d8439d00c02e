"""Reads of tiers: the tier of a business day, and the whole history."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.models import MemberTier


@dataclass(frozen=True, slots=True)
class TierView:
    """One word about a member's tier, with why and, for those who may know it, who said it."""

    id: UUID
    member_id: UUID
    tier: str
    since_on: date
    reason: str
    set_by: str | None
    set_at: datetime


def tier_on(uow: UnitOfWork, member_id: UUID, day: date) -> str | None:
    """The tier a member had on a business day; None before the first one."""
    return uow.session.scalar(
        select(MemberTier.tier)
        .where(MemberTier.member_id == member_id, MemberTier.since_on <= day)
        .order_by(MemberTier.since_on.desc(), MemberTier.id.desc())
        .limit(1)
    )


def get_tier(uow: UnitOfWork, member_id: UUID, tier_id: UUID) -> TierView:
    """One word. Raises NotFound `member_not_found` when there is none."""
    row = uow.session.get(MemberTier, (member_id, tier_id))
    if row is None:
        raise NotFound("member_not_found")
    return _view(row)


def list_tiers(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[TierView]:
    """What was said about a member's tier, the latest word first."""
    rows = select(MemberTier).where(MemberTier.member_id == member_id)
    if before:
        rows = rows.where(MemberTier.id < before)
    found = uow.session.scalars(rows.order_by(MemberTier.id.desc()).limit(limit))
    return [_view(row) for row in found]


def _view(row: MemberTier) -> TierView:
    return TierView(
        id=row.id,
        member_id=row.member_id,
        tier=row.tier,
        since_on=row.since_on,
        reason=row.reason,
        set_by=row.set_by,
        set_at=row.set_at,
    )
