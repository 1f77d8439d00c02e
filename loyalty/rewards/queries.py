"""Reads of the catalogue and of redemptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.rewards.models import (
    Redemption,
    RedemptionCancellation,
    Reward,
    RewardStock,
    RewardTerms,
)
from loyalty.rewards.terms import InForce, terms_in_force, unseen


@dataclass(frozen=True, slots=True)
class RewardView:
    """A reward with its plain price, and the terms in force today if it has some."""

    id: UUID
    code: str
    kind: str
    name_zh: str
    name_en: str
    points: int
    available: int
    terms: RewardTerms | None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in fen."""

    amount_fen: int
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class RedemptionView:
    id: UUID
    member_id: UUID
    reward_id: UUID
    reward_name_zh: str
    reward_name_en: str
    quantity: int
    points: int
    cash: Money
    hold_id: UUID | None
    honoured_by: UUID
    posting_set_id: UUID
    redeemed_at: datetime
    cancelled_at: datetime | None
    terms_version: int | None
    tier: str | None


_REWARDS = select(Reward, RewardStock.available).join(
    RewardStock, RewardStock.reward_id == Reward.id
)
_REDEMPTIONS = (
    select(Redemption, Reward.name_zh, Reward.name_en, RedemptionCancellation.cancelled_at)
    .join(Reward, Reward.id == Redemption.reward_id)
    .outerjoin(RedemptionCancellation, RedemptionCancellation.redemption_id == Redemption.id)
)


def get_reward(uow: UnitOfWork, reward_id: UUID, *, by_owner: bool = False) -> RewardView:
    """One reward; owners do not know of one they cannot see today (F35). Raises NotFound
    `reward_not_found`."""
    row = uow.session.execute(_REWARDS.where(Reward.id == reward_id)).first()
    if row is None:
        raise NotFound("reward_not_found")
    termed = terms_in_force(uow, row[0].code) if row[0].termed else {}
    if by_owner and unseen(termed, uow.today):
        raise NotFound("reward_not_found")
    return _reward(row, termed)


def list_rewards(
    uow: UnitOfWork, *, after: UUID | None, limit: int, by_owner: bool = False
) -> list[RewardView]:
    """The catalogue in the order in which rewards were offered; for owners what they can see."""
    termed = terms_in_force(uow)
    rows = _REWARDS.order_by(Reward.id).limit(limit)
    if by_owner:
        rows = rows.where(Reward.code.not_in(unseen(termed, uow.today)))
    if after:
        rows = rows.where(Reward.id > after)
    return [_reward(row, termed) for row in uow.session.execute(rows)]


def get_redemption(uow: UnitOfWork, redemption_id: UUID) -> RedemptionView:
    """One redemption. Raises NotFound `redemption_not_found`."""
    row = uow.session.execute(_REDEMPTIONS.where(Redemption.id == redemption_id)).first()
    if row is None:
        raise NotFound("redemption_not_found")
    return _redemption(row)


def list_redemptions(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[RedemptionView]:
    """A member's redemptions, newest first."""
    rows = _REDEMPTIONS.where(Redemption.member_id == member_id)
    if before:
        rows = rows.where(Redemption.id < before)
    found = uow.session.execute(rows.order_by(Redemption.id.desc()).limit(limit))
    return [_redemption(row) for row in found]


def _reward(row: Row[Reward, int], termed: Mapping[str, InForce]) -> RewardView:
    reward, available = row
    known = termed.get(reward.code)
    return RewardView(
        id=reward.id,
        code=reward.code,
        kind=reward.kind,
        name_zh=reward.name_zh,
        name_en=reward.name_en,
        points=reward.points,
        available=available,
        terms=known.row if known else None,
    )


def _redemption(row: Row[Redemption, str, str, datetime | None]) -> RedemptionView:
    redemption, name_zh, name_en, cancelled_at = row
    return RedemptionView(
        id=redemption.id,
        member_id=redemption.member_id,
        reward_id=redemption.reward_id,
        reward_name_zh=name_zh,
        reward_name_en=name_en,
        quantity=redemption.quantity,
        points=redemption.points,
        cash=Money(redemption.cash_fen),
        hold_id=redemption.hold_id,
        honoured_by=redemption.honoured_by or redemption.dealer_id,
        posting_set_id=redemption.posting_set_id,
        redeemed_at=redemption.redeemed_at,
        cancelled_at=cancelled_at,
        terms_version=redemption.terms_version,
        tier=redemption.tier,
    )
