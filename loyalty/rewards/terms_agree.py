"""The price agreed on for pieces of a reward, in points and cash, under the account's lock.

A reader would break this by reading the terms before the account is locked (F36).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text

from kernel.errors import Conflict, DomainError, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.rewards.models import Reward
from loyalty.rewards.rules.terms import Fulfilment
from loyalty.rewards.terms import PLAIN_FEN_A_POINT

_OFFER = text(
    "SELECT version, tier, visible, price, least_points, fen_a_point, fulfilment, refused, facts"
    " FROM reward_offer(:dealer, :reward, :code, :member, CAST(:quantity AS bigint), :now, :zone)"
)


@dataclass(frozen=True, slots=True)
class Agreed:
    """For one piece: the price, what of it is paid in points at least, and the fen that a missing
    point costs; with the version of the terms and the tier that say so, if there are terms."""

    price: int
    least_points: int
    fen_a_point: int
    version: int | None = None
    tier: str | None = None
    coded: bool = False


def agree(
    uow: UnitOfWork, member_id: UUID, reward_id: UUID, quantity: int, *, seen: int | None = None
) -> Agreed:
    """What this member pays today; takes the lock of his account where terms decide. `seen` is the
    version of the terms he saw, 0 for none: nobody pays a price that he did not see.

    Raises NotFound `reward_not_found` and `member_not_found`, Conflict `terms_changed` and as
    `refused_by_terms`.
    """
    reward = uow.session.scalar(select(Reward).where(Reward.id == reward_id))
    if reward is None:
        raise NotFound("reward_not_found")
    offer = _offer(uow, reward, member_id, quantity) if reward.termed else None
    hidden = offer is not None and uow.actor.role == Role.OWNER and not offer.visible
    if seen is not None and not hidden and (seen or None) != (offer.version if offer else None):
        raise Conflict("terms_changed", pointer="/terms_version")
    if offer is None:
        return Agreed(reward.points, 1, PLAIN_FEN_A_POINT)
    if hidden:
        raise NotFound("reward_not_found")
    if offer.refused:
        raise refused_by_terms(offer.refused, offer.facts)
    return Agreed(
        price=offer.price,
        least_points=offer.least_points,
        fen_a_point=offer.fen_a_point or 0,
        version=offer.version,
        tier=offer.tier,
        coded=offer.fulfilment == Fulfilment.CODE,
    )


def refuse_misfit(agreed: Agreed, quantity: int, *, points: int, cash_fen: int) -> None:
    """Points and cash together are the price of these pieces (F37); where no terms say what cash it
    costs, what a missing point costs at least.

    Raises RuleViolation `hold_exceeds_price`, `points_too_few`, `cash_too_little`,
    `cash_too_much`.
    """
    price, least = agreed.price * quantity, agreed.least_points * quantity
    if points > price:
        raise RuleViolation("hold_exceeds_price", pointer="/points", price=price)
    if points < least:
        raise RuleViolation("points_too_few", pointer="/points", least=least)
    least_fen = (price - points) * agreed.fen_a_point
    if cash_fen < least_fen:
        raise RuleViolation("cash_too_little", pointer="/cash", least_fen=least_fen)
    if agreed.version is not None and cash_fen > least_fen:
        raise RuleViolation("cash_too_much", pointer="/cash", most_fen=least_fen)


def refused_by_terms(refused: str, facts: dict[str, Any]) -> DomainError:
    """The typed error for what the terms of a reward do not allow (F35, F36): Conflict
    `reward_not_available`, `reward_not_for_tier` or `reward_limit_reached`."""
    if refused == "reward_not_available":
        days = f"{facts['from'] or '…'} – {facts['until'] or '…'}"
        return Conflict("reward_not_available", **facts, days=days)
    if refused == "reward_not_for_tier":
        return Conflict("reward_not_for_tier")
    return Conflict("reward_limit_reached", **facts)


def _offer(uow: UnitOfWork, reward: Reward, member_id: UUID, quantity: int) -> Row[Any] | None:
    """What the terms in force say, None without any; the account stays locked."""
    ledger.lock(uow, [member_id])
    asked = {
        "dealer": uow.dealer_id,
        "reward": reward.id,
        "code": reward.code,
        "member": member_id,
        "quantity": quantity,
        "now": uow.now,
        "zone": uow.zone.key,
    }
    offer = uow.session.execute(_OFFER, asked).one()
    return None if offer.version is None else offer
