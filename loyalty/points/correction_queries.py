"""Reads of adjustments, transfers and freezes. They name people by id only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import AccountFreeze, PointAdjustment, PointTransfer


@dataclass(frozen=True, slots=True)
class TransferView:
    """Points one member gave another; `transferred_by` only for those who may know it."""

    id: UUID
    from_member_id: UUID
    to_member_id: UUID
    points: int
    transferred_at: datetime
    transferred_on: date
    transferred_by: str | None
    out_set_id: UUID
    in_set_id: UUID


def get_adjustment(
    uow: UnitOfWork, adjustment_id: UUID, *, requested_by: UUID | None = None
) -> PointAdjustment:
    """One adjustment, of this person if one is given. Raises NotFound `adjustment_not_found`."""
    row = uow.session.get(PointAdjustment, adjustment_id)
    if row is None or (requested_by and row.requested_by != requested_by):
        raise NotFound("adjustment_not_found")
    return row


def list_adjustments(
    uow: UnitOfWork, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[PointAdjustment]:
    """The dealer's adjustments, newest first, in this state if one is given."""
    rows = select(PointAdjustment)
    if state:
        rows = rows.where(PointAdjustment.state == state)
    if before:
        rows = rows.where(PointAdjustment.id < before)
    return uow.session.scalars(rows.order_by(PointAdjustment.id.desc()).limit(limit)).all()


def get_transfer(uow: UnitOfWork, transfer_id: UUID) -> TransferView:
    """A transfer that is there."""
    return _view(uow.session.get_one(PointTransfer, transfer_id))


def list_transfers(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[TransferView]:
    """What a member gave and got, newest first."""
    rows = select(PointTransfer).where(
        or_(PointTransfer.from_member_id == member_id, PointTransfer.to_member_id == member_id)
    )
    if before:
        rows = rows.where(PointTransfer.id < before)
    found = uow.session.scalars(rows.order_by(PointTransfer.id.desc()).limit(limit))
    return [_view(row) for row in found]


def get_freeze(uow: UnitOfWork, freeze_id: UUID) -> AccountFreeze:
    """A freeze that is there."""
    return uow.session.get_one(AccountFreeze, freeze_id)


def list_freezes(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[AccountFreeze]:
    """The freezes of a member's account, newest first."""
    rows = select(AccountFreeze).where(AccountFreeze.member_id == member_id)
    if before:
        rows = rows.where(AccountFreeze.id < before)
    return uow.session.scalars(rows.order_by(AccountFreeze.id.desc()).limit(limit)).all()


def _view(row: PointTransfer) -> TransferView:
    return TransferView(
        id=row.id,
        from_member_id=row.from_member_id,
        to_member_id=row.to_member_id,
        points=row.points,
        transferred_at=row.transferred_at,
        transferred_on=row.transferred_on,
        transferred_by=row.transferred_by,
        out_set_id=row.out_set_id,
        in_set_id=row.in_set_id,
    )
