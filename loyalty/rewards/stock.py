"""Stock that comes back or is used up: once, by a conditional change of `hold_purpose.stock`.

The codes a hold kept follow by themselves: triggers of the database see to it.
"""

from uuid import UUID

from sqlalchemy import exists, func, select, update

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointHold
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.models import HoldPurpose, RewardStock


def return_overdue_stock(uow: UnitOfWork, limit: int) -> int:
    """Give back the stock of holds that ended or ran out, for up to `limit` rewards; how many
    pieces. For the nightly job, in a transaction without other locks; 0 when nothing is left."""
    overdue = (
        select(HoldPurpose.reward_id)
        .join(
            PointHold,
            (PointHold.member_id == HoldPurpose.member_id) & (PointHold.id == HoldPurpose.hold_id),
        )
        .where(
            HoldPurpose.stock == "kept",
            PointHold.state.in_(("released", "expired")) | (PointHold.expires_at <= uow.now),
        )
        .distinct()
        .order_by(HoldPurpose.reward_id)
        .limit(limit)
    )
    back = 0
    for reward_id in uow.session.scalars(overdue).all():
        back += uow.session.scalar(select(func.reward_return_overdue(reward_id, uow.now))) or 0
    return back


def lapse_codes(uow: UnitOfWork, limit: int) -> int:
    """Take the codes (券码) whose day has passed from the pools of up to `limit` rewards, and the
    pieces they were from stock; how many. For the nightly job, as `return_overdue_stock`."""
    ended = (
        RewardCode.reward_id == RewardStock.reward_id,
        RewardCode.state == "available",
        RewardCode.ends_on < uow.today,
    )
    pools = (
        select(RewardStock.reward_id)
        .where(RewardStock.codes > 0, exists().where(*ended))
        .order_by(RewardStock.reward_id)
        .limit(limit)
    )
    lapsed = 0
    for reward_id in uow.session.scalars(pools).all():
        lapsed += uow.session.scalar(select(func.reward_lapse_codes(reward_id, uow.now))) or 0
    return lapsed


def restock(uow: UnitOfWork, reward_id: UUID, quantity: int) -> None:
    """Put pieces back on the shelf."""
    uow.session.execute(
        update(RewardStock)
        .where(RewardStock.reward_id == reward_id)
        .values(available=RewardStock.available + quantity)
        .execution_options(synchronize_session=False)
    )


def write_off(uow: UnitOfWork, reward_id: UUID, quantity: int) -> None:
    """Pieces that were taken and never come back, as if they had not been received."""
    uow.session.execute(
        update(RewardStock)
        .where(RewardStock.reward_id == reward_id)
        .values(received=RewardStock.received - quantity)
        .execution_options(synchronize_session=False)
    )


def settle_stock(uow: UnitOfWork, purpose: HoldPurpose, stock: str) -> None:
    """Once: whoever finds the stock taken back already comes after the end of the hold."""
    settled = uow.session.scalar(
        update(HoldPurpose)
        .where(
            HoldPurpose.member_id == purpose.member_id,
            HoldPurpose.hold_id == purpose.hold_id,
            HoldPurpose.stock == "kept",
        )
        .values(stock=stock)
        .returning(HoldPurpose.hold_id)
        .execution_options(synchronize_session=False)
    )
    if settled is None:
        raise Conflict("hold_ended")
