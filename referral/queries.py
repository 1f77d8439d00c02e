"""Reads of referrals: the record as its readers see it, its history and counts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.orm import aliased

from kernel.clock import start_of_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from referral.models import (
    Referral,
    ReferralReward,
    ReferralTransition,
    SaleEvent,
)
from referral.reasons import Reason
from referral.rules.eligibility import SaleTimes

LIVE_REWARD = ("held", "paid")
"""States of a reward that counts: what was cancelled or taken back frees its place."""


@dataclass(frozen=True, slots=True)
class RewardView:
    """What one side of a referral gets: points, held, paid, cancelled or reversed."""

    points: int
    state: str
    release_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReferralView:
    """A referral. Names and phones are whole here; the API masks them by role, and shows `review`,
    why two people must decide, to those alone who may.
    """

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
    buyer_reward: RewardView | None
    review: tuple[str, ...]


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
    return _view(uow, *row)


def list_referrals(
    uow: UnitOfWork, seen_by: Filter, *, before: UUID | None, limit: int
) -> list[ReferralView]:
    """Referrals, newest first."""
    rows = _SELECT.where(*_conditions(seen_by)).order_by(Referral.id.desc()).limit(limit)
    if before:
        rows = rows.where(Referral.id < before)
    return [_view(uow, *row) for row in uow.session.execute(rows)]


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


def earliest_sale(uow: UnitOfWork, buyer_phone_index: bytes) -> SaleTimes:
    """When this buyer first paid a deposit, ordered, and was handed over one of his orders.

    Every phone of a contract is the buyer's. A cancelled order counts: cancelling must not make
    room for a later report. What we knew at an instant happened by then, whatever the CRM's clock
    says.
    """
    orders = select(SaleEvent.order_no).where(
        or_(
            SaleEvent.buyer_phone_index == buyer_phone_index,
            SaleEvent.phone_indexes.contains([buyer_phone_index]),
        )
    )
    rows = uow.session.execute(
        select(SaleEvent.kind, func.min(func.least(SaleEvent.occurred_at, SaleEvent.received_at)))
        .where(SaleEvent.order_no.in_(orders))
        .group_by(SaleEvent.kind)
    )
    first = {kind: at for kind, at in rows}  # noqa: C416 (a row is no pair to dict)
    return SaleTimes(first.get("deposit"), first.get("order"), first.get("delivery"))


def rewards_this_year(uow: UnitOfWork, member_id: UUID) -> int:
    """Rewards the owner got, or will get, in this calendar year of the dealer's zone."""
    new_year = start_of_day(uow.today.replace(month=1, day=1), uow.zone)
    counted = select(func.count()).where(
        ReferralReward.member_id == member_id,
        ReferralReward.beneficiary == "owner",
        ReferralReward.state.in_(LIVE_REWARD),
        ReferralReward.held_at >= new_year,
    )
    return uow.session.scalar(counted) or 0


def sale_undone(uow: UnitOfWork, order_no: str) -> Reason | None:
    """Why the sale of this order is a sale no more (退订, 退车); None while it stands."""
    kinds = uow.session.scalars(select(SaleEvent.kind).where(SaleEvent.order_no == order_no))
    return next((UNDOING[kind] for kind in sorted(kinds) if kind in UNDOING), None)


UNDOING = {"cancellation": Reason.SALE_CANCELLED, "return": Reason.SALE_RETURNED}
_OWNERS, _BUYERS = aliased(ReferralReward), aliased(ReferralReward)


def _latest(beneficiary: str) -> ScalarSelect[UUID]:
    """The last reward of this side: one that was cancelled may be followed by another."""
    return (
        select(ReferralReward.id)
        .where(ReferralReward.referral_id == Referral.id, ReferralReward.beneficiary == beneficiary)
        .order_by(ReferralReward.id.desc())
        .limit(1)
        .correlate(Referral)
        .scalar_subquery()
    )


_SELECT = (
    select(Referral, _OWNERS, _BUYERS)
    .select_from(Referral)
    .outerjoin(_OWNERS, _OWNERS.id == _latest("owner"))
    .outerjoin(_BUYERS, _BUYERS.id == _latest("buyer"))
)


def _conditions(seen_by: Filter) -> list[ColumnElement[bool]]:
    wanted = {
        Referral.consultant_id: seen_by.consultant_id,
        Referral.owner_id: seen_by.owner_id,
        Referral.state: seen_by.state,
    }
    return [column == value for column, value in wanted.items() if value is not None]


def _view(
    uow: UnitOfWork, row: Referral, reward: ReferralReward | None, buyers: ReferralReward | None
) -> ReferralView:
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
        buyer_reward=_reward(buyers) if buyers else None,
        review=tuple(row.review),
    )


def _reward(row: ReferralReward) -> RewardView:
    return RewardView(row.points, row.state, row.release_at, row.paid_at)
