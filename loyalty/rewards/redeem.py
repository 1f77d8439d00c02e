"""Redeem points for a gift: points first, stock last, both by conditional statements.

Final in the response (F38): when this returns, points and stock are gone together.
"""

from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.rewards.models import Redemption, Reward, RewardStock


def redeem(uow: UnitOfWork, *, member_id: UUID, reward_id: UUID, quantity: int) -> UUID:
    """Spend the member's points on `quantity` pieces of a reward.

    Raises NotFound `reward_not_found`, Conflict `insufficient_points` and `out_of_stock`.
    """
    price = uow.session.scalar(select(Reward.points).where(Reward.id == reward_id))
    if price is None:
        raise NotFound("reward_not_found")
    key = new_id()
    posted = ledger.burn(
        uow, member_id, price * quantity, source=ledger.Source("redemption", str(key))
    )
    _take_stock(uow, reward_id, quantity)
    uow.session.add(
        Redemption(
            id=key,
            dealer_id=uow.dealer_id,
            member_id=member_id,
            reward_id=reward_id,
            quantity=quantity,
            points=price * quantity,
            posting_set_id=posted.posting_set_id,
            redeemed_at=uow.now,
            redeemed_by=uow.actor.id,
        )
    )
    uow.session.flush()
    uow.audit("reward.redeemed", key, points=price * quantity, quantity=quantity)
    return key


def _take_stock(uow: UnitOfWork, reward_id: UUID, quantity: int) -> None:
    left = uow.session.scalar(
        update(RewardStock)
        .where(RewardStock.reward_id == reward_id, RewardStock.available >= quantity)
        .values(available=RewardStock.available - quantity)
        .returning(RewardStock.available)
        .execution_options(synchronize_session=False)
    )
    if left is None:
        raise Conflict("out_of_stock")
