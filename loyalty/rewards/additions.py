"""Pieces that come after the first stock (补货), each time a row of history.

A reader would break this by adding pieces to a pool: those are its codes.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.rewards.models import Reward, RewardStock, RewardStockAddition
from loyalty.rewards.rules.terms import Fulfilment
from loyalty.rewards.terms import terms_in_force


@dataclass(frozen=True, slots=True)
class Added:
    """An addition, and the pieces on the shelf after it."""

    id: UUID
    reward_id: UUID
    pieces: int
    reason: str
    available: int
    added_at: datetime
    added_by: str


def add_stock(uow: UnitOfWork, reward_id: UUID, *, pieces: int, reason: str) -> Added:
    """Put more pieces of a reward on the shelf; its stock stays locked.

    Raises NotFound `reward_not_found`, Conflict `reward_stock_is_codes` for a reward whose pieces
    are codes, or whose terms of today hand out codes (F36).
    """
    code = uow.session.scalar(select(Reward.code).where(Reward.id == reward_id))
    stock = uow.session.get(
        RewardStock, reward_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if code is None or stock is None:
        raise NotFound("reward_not_found")
    known = terms_in_force(uow, code).get(code)
    coded = known is not None and known.terms.fulfilment is Fulfilment.CODE
    if coded or stock.codes is not None:
        raise Conflict("reward_stock_is_codes")
    stock.received += pieces
    stock.available += pieces
    row = RewardStockAddition(
        id=new_id(),
        dealer_id=uow.dealer_id,
        reward_id=reward_id,
        pieces=pieces,
        reason=reason,
        added_at=uow.now,
        added_by=uow.actor.id,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.emit("reward.restocked", reward_id, addition_id=str(row.id), pieces=pieces)
    uow.audit("reward.restocked", reward_id, addition_id=str(row.id), pieces=pieces)
    return Added(row.id, reward_id, pieces, reason, stock.available, row.added_at, row.added_by)
