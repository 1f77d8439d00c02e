"""Apply what an order has so far, as a whole: its events may arrive in any order, and late.

What we knew at an instant happened by then: the CRM's clock never makes an order younger than
the moment we were told of it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from referral.call import close_call
from referral.lifecycle import ACTIVE, Event, State
from referral.models import Referral, SaleEvent
from referral.moves import locked, move, overdue
from referral.reasons import Reason
from referral.reward import cancel_reward

DELIVER_WITHIN = timedelta(days=180)
CHECK_WITHIN = timedelta(days=30)
WAITING = (State.SUBMITTED, State.REGISTERED)


def settle(uow: UnitOfWork, order_no: str) -> UUID | None:
    """Move the referral this order concerns as far as its events carry; its id.

    Call it with the order's events serialised. A delivery that is not later than its order is
    kept and moves nothing. Raises Conflict `sale_backs_another_referral`.
    """
    rows = uow.session.scalars(select(SaleEvent).where(SaleEvent.order_no == order_no))
    events = {row.kind: row for row in rows}
    order = events.get("order")
    if order is None:
        return None
    found = referral_of_order(uow, order_no) or _of_buyer(uow, order)
    if found is None:
        return None
    referral = locked(uow, found)
    if _ended(uow, referral, order):
        return referral.id
    if referral.state in WAITING:
        _apply_order(uow, referral, order)
    if referral.order_no != order_no:
        return None
    if referral.state == State.ORDERED and "delivery" in events:
        _apply_delivery(uow, referral, events["delivery"])
    if "cancellation" in events:
        _end(uow, referral, Event.CANCEL, Reason.SALE_CANCELLED)
    return referral.id


def _happened(event: SaleEvent) -> datetime:
    return min(event.occurred_at, event.received_at)


def referral_of_order(uow: UnitOfWork, order_no: str) -> UUID | None:
    """The one referral this order backs, if it does."""
    return uow.session.scalar(select(Referral.id).where(Referral.order_no == order_no))


def _of_buyer(uow: UnitOfWork, order: SaleEvent) -> UUID | None:
    """The buyer's referral that is alive or paid; the database allows one."""
    return uow.session.scalar(
        select(Referral.id).where(
            Referral.buyer_phone_index == order.buyer_phone_index,
            Referral.state.in_([*ACTIVE, State.REWARDED]),
        )
    )


def _ended(uow: UnitOfWork, referral: Referral, order: SaleEvent) -> bool:
    """Whether time or an order made before the registration ends the referral here."""
    registered = referral.registered_at
    if registered is None or _happened(order) <= registered:
        _end(uow, referral, Event.REFUSE, Reason.REGISTERED_AFTER_ORDER)
        return True
    if overdue(uow, referral):
        _end(uow, referral, Event.EXPIRE, Reason.TIMEOUT_FAIL_CLOSED)
        return True
    return False


def _end(uow: UnitOfWork, referral: Referral, event: Event, reason: Reason) -> None:
    """End it unpaid; if it is paid already, tell those who must look at it."""
    if referral.state in ACTIVE:
        cancel_reward(uow, referral.id)
        close_call(uow, referral.id)
        move(uow, referral, event, by_system=True, reason=reason)
    elif referral.state == State.REWARDED:
        uow.emit("referral.contradicted", referral.id, reason=reason)
        uow.audit("referral.contradicted", referral.id, reason=reason)


def _apply_order(uow: UnitOfWork, referral: Referral, order: SaleEvent) -> None:
    move(
        uow,
        referral,
        Event.ORDER,
        by_system=True,
        order_no=order.order_no,
        ordered_at=_happened(order),
        due_at=uow.now + DELIVER_WITHIN,
    )


def _apply_delivery(uow: UnitOfWork, referral: Referral, delivery: SaleEvent) -> None:
    assert delivery.vin is not None
    assert referral.ordered_at is not None
    if _happened(delivery) <= referral.ordered_at:
        uow.audit("referral.delivery_not_after_order", referral.id)
        return
    number = uow.open(delivery.vin, column="sale_event.vin", row=delivery.id)
    if referral.owner_id in {owner.id for owner in members.by_vin(uow, number)}:
        _end(uow, referral, Event.REFUSE, Reason.SELF_SAME_VIN)
        return
    move(
        uow,
        referral,
        Event.DELIVER,
        by_system=True,
        bought_vin=uow.seal(number, column="referral.bought_vin", row=referral.id),
        bought_vin_index=delivery.vin_index,
        bought_model=delivery.model,
        bought_colour=delivery.colour,
        bought_transmission=delivery.transmission,
        invoice_no=delivery.invoice_no,
        invoiced_on=delivery.invoiced_on,
        delivered_at=_happened(delivery),
        due_at=uow.now + CHECK_WITHIN,
    )
