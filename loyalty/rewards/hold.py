"""Hold points, and pieces of a reward with them, for a while (预占, F7): captured or released once.

The ledger decides how a hold ends; a reader would break this by moving stock on another's word.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.models import DealerPartner, PointHold
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.models import HoldPurpose, Redemption, RewardStock
from loyalty.rewards.orders import free_order, let_go, refuse_let_go
from loyalty.rewards.rules.terms import Fulfilment
from loyalty.rewards.stock import restock, settle_stock
from loyalty.rewards.terms import terms_of
from loyalty.rewards.terms_agree import Agreed, agree, refuse_misfit


@dataclass(frozen=True, slots=True)
class Wish:
    """What is held and for how long: points, and the cash besides, for pieces of a reward, for an
    order (`source` and `key` in another system), or for neither. `terms_version` are the terms of
    the reward that the member saw, 0 for none; None does not say."""

    points: int
    minutes: int
    cash_fen: int = 0
    reward_id: UUID | None = None
    quantity: int | None = None
    terms_version: int | None = None
    order: tuple[str, str] | None = None


def hold(uow: UnitOfWork, member_id: UUID, wish: Wish) -> UUID:
    """Put points aside, and the stock of a reward: points first, stock last. A reward is held on
    its terms of today, which its capture asks for no more.

    Raises as `ledger.hold`, `agree` and `refuse_misfit`; Conflict `out_of_stock` and
    `order_held_already`, RuleViolation `reward_and_quantity_together`.
    """
    agreed = _agreed(uow, member_id, wish)
    key = new_id()
    expires_at = uow.now + timedelta(minutes=wish.minutes)
    ledger.hold(uow, member_id, wish.points, hold_id=key, expires_at=expires_at)
    _keep_purpose(uow, member_id, key, wish, agreed)
    if wish.reward_id and not uow.session.scalar(
        select(func.reward_take_stock(wish.reward_id, wish.quantity, uow.now))
    ):
        raise Conflict("out_of_stock")
    if agreed:
        _keep_codes(uow, member_id, key, wish, agreed)
    uow.audit("points.held", key, points=wish.points, minutes=wish.minutes)
    return key


def capture(
    uow: UnitOfWork, hold_id: UUID, *, points: int | None = None, honoured_by: UUID | None = None
) -> None:
    """Spend what is held: the kept stock is used and becomes a redemption. A part only where no
    reward is kept: its price was agreed on by the hold.

    Raises as `ledger.capture`; RuleViolation `partner_unknown`, `capture_whole_reward`, Forbidden
    `own_account`.
    """
    if honoured_by and honoured_by != uow.dealer_id and not _is_partner(uow, honoured_by):
        raise RuleViolation("partner_unknown", pointer="/honoured_by")
    held, purpose = _found(uow, hold_id)
    refuse_own_account(uow, held.member_id)
    spent = held.points if points is None else points
    if purpose.reward_id and spent != held.points:
        raise RuleViolation("capture_whole_reward", pointer="/points", points=held.points)
    posted = ledger.capture(uow, held.member_id, hold_id, spent, honoured_by=honoured_by)
    refuse_let_go(uow, purpose)
    if purpose.reward_id and purpose.quantity:
        settle_stock(uow, purpose, "used")
        redemption = Redemption(
            id=new_id(),
            dealer_id=uow.dealer_id,
            member_id=held.member_id,
            reward_id=purpose.reward_id,
            quantity=purpose.quantity,
            points=spent,
            posting_set_id=posted.posting_set_id,
            redeemed_at=uow.now,
            redeemed_by=uow.actor.id,
            honoured_by=honoured_by or uow.dealer_id,
            hold_id=hold_id,
            cash_fen=purpose.cash_fen,
            terms_version=purpose.terms_version,
            tier=purpose.tier,
        )
        uow.session.add(redemption)
        uow.session.flush()
        _issue_codes(uow, purpose, redemption.id)
    uow.audit("points.captured", hold_id, points=spent)


def release(uow: UnitOfWork, hold_id: UUID) -> None:
    """Give points and stock back before the time is up. Raises as `ledger.release`."""
    held, purpose = _found(uow, hold_id)
    ledger.release(uow, held.member_id, hold_id)
    let_go(uow, purpose)
    if purpose.reward_id and purpose.quantity:
        settle_stock(uow, purpose, "returned")
        restock(uow, purpose.reward_id, purpose.quantity)
    uow.audit("points.released", hold_id, points=held.points)


def _agreed(uow: UnitOfWork, member_id: UUID, wish: Wish) -> Agreed | None:
    if (wish.reward_id is None) != (wish.quantity is None):
        raise RuleViolation("reward_and_quantity_together", pointer="/quantity")
    if wish.reward_id is None or wish.quantity is None:
        if wish.terms_version:
            raise Conflict("terms_changed", pointer="/terms_version")
        return None
    agreed = agree(uow, member_id, wish.reward_id, wish.quantity, seen=wish.terms_version)
    refuse_misfit(agreed, wish.quantity, points=wish.points, cash_fen=wish.cash_fen)
    return agreed


def _keep_codes(
    uow: UnitOfWork, member_id: UUID, hold_id: UUID, wish: Wish, agreed: Agreed
) -> None:
    """A code for each piece where the terms say so; pieces of a pool are not held without one."""
    pool = select(RewardStock.codes).where(RewardStock.reward_id == wish.reward_id)
    if not agreed.coded and uow.session.scalar(pool) is not None:
        raise Conflict("out_of_stock")
    kept = select(
        func.reward_keep_codes(wish.reward_id, member_id, hold_id, wish.quantity, uow.now)
    )
    if agreed.coded and not uow.session.scalar(kept):
        raise Conflict("out_of_stock")


def _issue_codes(uow: UnitOfWork, purpose: HoldPurpose, redemption_id: UUID) -> None:
    """The codes kept by a hold are those of its redemption."""
    if purpose.reward_id is None or purpose.terms_version is None:
        return
    terms = terms_of(uow, purpose.reward_id, purpose.terms_version)
    if terms.fulfilment is Fulfilment.CODE:
        uow.session.execute(
            select(func.reward_issue_kept(purpose.member_id, purpose.hold_id, redemption_id))
        )


def _keep_purpose(
    uow: UnitOfWork, member_id: UUID, hold_id: UUID, wish: Wish, agreed: Agreed | None
) -> None:
    source, key = wish.order or (None, None)
    if wish.order:
        free_order(uow, *wish.order)
    purpose = HoldPurpose(
        member_id=member_id,
        hold_id=hold_id,
        dealer_id=uow.dealer_id,
        reward_id=wish.reward_id,
        quantity=wish.quantity,
        order_source=source,
        order_key=key,
        cash_fen=wish.cash_fen,
        stock="kept" if wish.reward_id else "none",
        live=True,
        terms_version=agreed.version if agreed else None,
        tier=agreed.tier if agreed else None,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(purpose)
    except IntegrityError as error:
        if violated(error) != "uq_hold_purpose_order":
            raise
        raise Conflict("order_held_already", pointer="/order_ref") from error


def _found(uow: UnitOfWork, hold_id: UUID) -> tuple[PointHold, HoldPurpose]:
    row = uow.session.execute(
        select(PointHold, HoldPurpose)
        .join(
            HoldPurpose,
            (PointHold.member_id == HoldPurpose.member_id) & (PointHold.id == HoldPurpose.hold_id),
        )
        .where(PointHold.id == hold_id)
    ).first()
    if row is None:
        raise NotFound("hold_not_found")
    return row[0], row[1]


def _is_partner(uow: UnitOfWork, partner_id: UUID) -> bool:
    found = select(DealerPartner.partner_id).where(DealerPartner.partner_id == partner_id)
    return uow.session.scalar(found) is not None
