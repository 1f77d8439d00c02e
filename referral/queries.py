"""Reads of referrals: the record as its readers see it, its history, cases and counts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from kernel.clock import start_of_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from referral.models import (
    ConsultantCase,
    Referral,
    ReferralReward,
    ReferralTransition,
    SaleEvent,
)


@dataclass(frozen=True, slots=True)
class ReferralView:
    """A referral. Names and phones are whole here; the API masks them by role."""

    id: UUID
    state: str
    reason: str | None
    version: int
    consultant_id: UUID
    owner_id: UUID | None
    buyer_name: str
    buyer_phone: str
    slip_hash: str
    submitted_at: datetime
    registered_at: datetime | None
    ordered_at: datetime | None
    delivered_at: datetime | None
    verified_at: datetime | None
    due_at: datetime | None
    reward_points: int | None
    reward_state: str | None
    reward_release_at: datetime | None
    reward_paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which referrals a caller may see; None is no limit."""

    consultant_id: UUID | None = None
    owner_id: UUID | None = None
    state: str | None = None


def get_referral(uow: UnitOfWork, referral_id: UUID, seen_by: Filter) -> ReferralView:
    """One referral. Raises NotFound `referral_not_found`."""
    row = uow.session.execute(
        _SELECT.where(Referral.id == referral_id, *_conditions(seen_by)).execution_options(
            populate_existing=True
        )
    ).first()
    if row is None:
        raise NotFound("referral_not_found")
    return _view(uow, row[0], row[1])


def list_referrals(
    uow: UnitOfWork, seen_by: Filter, *, before: UUID | None, limit: int
) -> list[ReferralView]:
    """Referrals, newest first."""
    rows = _SELECT.where(*_conditions(seen_by)).order_by(Referral.id.desc()).limit(limit)
    if before:
        rows = rows.where(Referral.id < before)
    return [_view(uow, referral, reward) for referral, reward in uow.session.execute(rows)]


def history(uow: UnitOfWork, referral_id: UUID) -> list[ReferralTransition]:
    """Every step of a referral, in order."""
    return list(
        uow.session.scalars(
            select(ReferralTransition)
            .where(ReferralTransition.referral_id == referral_id)
            .order_by(ReferralTransition.seq)
            .limit(200)
        )
    )


def list_cases(uow: UnitOfWork, *, before: UUID | None, limit: int) -> list[ConsultantCase]:
    """Cases opened against consultants, newest first."""
    rows = select(ConsultantCase).order_by(ConsultantCase.id.desc()).limit(limit)
    if before:
        rows = rows.where(ConsultantCase.id < before)
    return list(uow.session.scalars(rows))


def earliest_sale(
    uow: UnitOfWork, buyer_phone_index: bytes
) -> tuple[datetime | None, datetime | None]:
    """When this buyer first ordered, and when one of his orders was first delivered.

    A cancelled order counts: cancelling must not make room for a later report. What we knew at
    an instant happened by then, whatever the CRM's clock says.
    """
    orders = select(SaleEvent.order_no).where(SaleEvent.buyer_phone_index == buyer_phone_index)
    rows = uow.session.execute(
        select(SaleEvent.kind, func.min(func.least(SaleEvent.occurred_at, SaleEvent.received_at)))
        .where(SaleEvent.order_no.in_(orders))
        .group_by(SaleEvent.kind)
    )
    first = {kind: at for kind, at in rows}  # noqa: C416 (a row is no pair to dict)
    return first.get("order"), first.get("delivery")


def rewards_this_year(uow: UnitOfWork, member_id: UUID) -> int:
    """Rewards the owner got, or will get, in this calendar year of the dealer's zone."""
    new_year = start_of_day(uow.today.replace(month=1, day=1), uow.zone)
    counted = select(func.count()).where(
        ReferralReward.member_id == member_id,
        ReferralReward.state != "cancelled",
        ReferralReward.held_at >= new_year,
    )
    return uow.session.scalar(counted) or 0


_SELECT = select(Referral, ReferralReward).outerjoin(
    ReferralReward, ReferralReward.referral_id == Referral.id
)


def _conditions(seen_by: Filter) -> list[ColumnElement[bool]]:
    wanted = {
        Referral.consultant_id: seen_by.consultant_id,
        Referral.owner_id: seen_by.owner_id,
        Referral.state: seen_by.state,
    }
    return [column == value for column, value in wanted.items() if value is not None]


def _view(uow: UnitOfWork, row: Referral, reward: ReferralReward | None) -> ReferralView:
    return ReferralView(
        id=row.id,
        state=row.state,
        reason=row.reason,
        version=row.version,
        consultant_id=row.consultant_id,
        owner_id=row.owner_id,
        buyer_name=uow.open(row.buyer_name, column="referral.buyer_name", row=row.id),
        buyer_phone=uow.open(row.buyer_phone, column="referral.buyer_phone", row=row.id),
        slip_hash=row.slip_hash.hex(),
        submitted_at=row.submitted_at,
        registered_at=row.registered_at,
        ordered_at=row.ordered_at,
        delivered_at=row.delivered_at,
        verified_at=row.verified_at,
        due_at=row.due_at,
        reward_points=reward.points if reward else None,
        reward_state=reward.state if reward else None,
        reward_release_at=reward.release_at if reward else None,
        reward_paid_at=reward.paid_at if reward else None,
    )
