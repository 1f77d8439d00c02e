"""Verbs on the catalogue: offer a reward with its first stock."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.rewards.models import Reward, RewardStock


class RewardKind(StrEnum):
    """What is given: 实物, 服务, 券."""

    GOODS = "goods"
    SERVICE = "service"
    VOUCHER = "voucher"


def offer_reward(
    uow: UnitOfWork,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    points: int,
    stock: int,
    kind: RewardKind = RewardKind.GOODS,
) -> UUID:
    """Put a reward into the catalogue: `points` is the price of a piece where no terms say another
    (F35). Raises Conflict `reward_code_taken`."""
    key = new_id()
    try:
        with uow.session.begin_nested():
            uow.session.add(
                Reward(
                    id=key,
                    dealer_id=uow.dealer_id,
                    code=code,
                    name_zh=name_zh,
                    name_en=name_en,
                    points=points,
                    created_at=uow.now,
                    kind=kind,
                    termed=False,
                )
            )
    except IntegrityError as error:
        if violated(error) != "uq_reward_code":
            raise
        raise Conflict("reward_code_taken", pointer="/code") from error
    uow.session.add(
        RewardStock(reward_id=key, dealer_id=uow.dealer_id, received=stock, available=stock)
    )
    uow.emit("reward.offered", key, points=points, stock=stock)
    uow.audit("reward.offered", key, points=points, stock=stock)
    return key
