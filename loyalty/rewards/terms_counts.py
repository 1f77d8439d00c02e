"""What is counted for an offer: pieces a member has had, and pieces that are left.

A reader would break this by trusting a count beyond the transaction: redemptions count anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text

from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointHold
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.models import HoldPurpose, Reward, RewardStock

_TAKEN: Final = text(
    "SELECT asked.reward, reward_taken(:member, asked.reward, asked.since, :now) FROM unnest("
    "CAST(:rewards AS uuid[]), CAST(:sinces AS timestamptz[])) AS asked (reward, since)"
)


def taken(
    uow: UnitOfWork, member_id: UUID, since: Mapping[UUID, datetime | None]
) -> dict[UUID, int]:
    """Pieces of each reward a member has had since an instant, None since ever: redeemed and not
    cancelled, or held (F36)."""
    if not since:
        return {}
    asked = {
        "member": member_id,
        "now": uow.now,
        "rewards": [str(reward) for reward in since],
        "sinces": [began.isoformat() if began else "-infinity" for began in since.values()],
    }
    return {reward: int(pieces) for reward, pieces in uow.session.execute(_TAKEN, asked)}


def pieces_left(uow: UnitOfWork) -> ColumnElement[int]:
    """For a select of rewards with their stock: pieces on the shelf; when there are none, those a
    redemption would take from holds that are over. Codes past their last day are no pieces."""
    over = PointHold.state.in_(("released", "expired")) | (PointHold.expires_at <= uow.now)
    ended = RewardCode.ends_on < uow.today
    lapsed = (
        select(func.count())
        .where(RewardCode.reward_id == Reward.id, RewardCode.state == "available", ended)
        .scalar_subquery()
    )
    returning = (
        select(func.coalesce(func.sum(HoldPurpose.quantity), 0))
        .join(
            PointHold,
            (PointHold.member_id == HoldPurpose.member_id) & (PointHold.id == HoldPurpose.hold_id),
        )
        .where(HoldPurpose.reward_id == Reward.id, HoldPurpose.stock == "kept", over)
        .scalar_subquery()
    )
    lapsed_in_holds = (
        select(func.count())
        .select_from(RewardCode)
        .join(
            PointHold,
            (PointHold.member_id == RewardCode.member_id) & (PointHold.id == RewardCode.hold_id),
        )
        .where(RewardCode.reward_id == Reward.id, RewardCode.state == "held", ended, over)
        .scalar_subquery()
    )
    shelf = RewardStock.available - lapsed
    return case((shelf > 0, shelf), else_=returning - lapsed_in_holds)
