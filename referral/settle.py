"""Apply what an order has so far, as a whole: its events may arrive in any order, and late.

What we knew at an instant happened by then: the CRM's clock never makes an order younger than
the moment we were told of it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty.members import lookup
from loyalty.members import queries as members
from loyalty.members.phones import phone_of_record
from referral.call import close_call
from referral.claw_back import reverse_rewards
from referral.justice.deadlines import check_by
from referral.justice.fraud import clear_case
from referral.lifecycle import ACTIVE, MAY_END, Event, State
from referral.models import Referral, SaleEvent
from referral.moves import locked, move, over, overdue
from referral.queries import UNDOING
from referral.reasons import Reason
from referral.reward import cancel_reward
from referral.rules.eligibility import SaleTimes, too_late
from referral.rules.policy import CutOff

DELIVER_WITHIN: Final = timedelta(days=180)
RETAIL: Final = "retail"
Events = Mapping[str, SaleEvent]


def settle(uow: UnitOfWork, order_no: str) -> UUID | None:
    """Move the referral this order concerns as far as its events carry; its id.

    Call it with the order's events serialised. Of several referrals of one buyer under different
    phones the one registered first is he (referral.md, section 6.5); the others end. A delivery
    that is not later than its order is kept and moves nothing. Raises Conflict
    `sale_backs_another_referral`.
    """
    rows = uow.session.scalars(select(SaleEvent).where(SaleEvent.order_no == order_no))
    events = {row.kind: row for row in rows}
    backed = referral_of_order(uow, order_no)
    named = [backed] if backed else _of_buyer(uow, events.values())
    referrals = [locked(uow, each) for each in sorted(named)]
    standing = [each for each in referrals if not _ended(uow, each, events)]
    first = _only_first(uow, standing, ordered="order" in events)
    if first is not None and "order" in events:
        return _carry(uow, first, events)
    return referrals[0].id if referrals else None


def referral_of_order(uow: UnitOfWork, order_no: str) -> UUID | None:
    """The one referral this order backs, if it does."""
    return uow.session.scalar(select(Referral.id).where(Referral.order_no == order_no))


def _carry(uow: UnitOfWork, referral: Referral, events: Events) -> UUID | None:
    """As far as order, delivery and what undoes them go; None if another order backs it."""
    order = events["order"]
    if referral.state == State.REGISTERED:
        if order.sale_type not in (None, RETAIL):
            _end(uow, referral, Event.CANCEL, Reason.SALE_NOT_RETAIL)
            return referral.id
        _apply_order(uow, referral, order)
    if referral.order_no != order.order_no:
        return None
    if referral.state == State.ORDERED and "delivery" in events:
        _apply_delivery(uow, referral, events["delivery"])
    for kind, reason in UNDOING.items():
        if kind in events:
            _end(uow, referral, Event.CANCEL, reason)
    return referral.id


def _happened(event: SaleEvent) -> datetime:
    return min(event.occurred_at, event.received_at)


def _of_buyer(uow: UnitOfWork, events: Collection[SaleEvent]) -> list[UUID]:
    """The buyer's referrals that are alive or paid, under every phone of the contract."""
    rows = select(Referral.id).where(
        Referral.buyer_phone_index.in_(_phones(events)),
        Referral.state.in_([*ACTIVE, State.FAILED, State.REWARDED]),
    )
    return list(uow.session.scalars(rows))


def _phones(events: Collection[SaleEvent]) -> set[bytes]:
    """Every phone of the contract: each is the buyer's."""
    first = {event.buyer_phone_index for event in events if event.buyer_phone_index}
    return first | {phone for event in events for phone in event.phone_indexes}


def _bought_by_owner(uow: UnitOfWork, referral: Referral, events: Events) -> bool:
    """Whether the owner himself is on the contract: he buys by a second phone (section 6.3)."""
    (order_no,) = {event.order_no for event in events.values()}
    if referral.owner_id is None or referral.order_no not in (None, order_no):
        return False
    own = {each.phone_index for each in lookup.phones_of(uow, [referral.owner_id])}
    own.add(uow.blind(phone_of_record(uow, referral.owner_id), column="phone"))
    return bool(own & _phones(events.values()))


def _ended(uow: UnitOfWork, referral: Referral, events: Events) -> bool:
    """Whether it is over, or ended here: by time, by a sale older than the registration, or by the
    owner's own number on the contract."""
    if over(referral) and referral.state != State.REWARDED:
        return True
    if _sold_before(uow, referral, events):
        _end(uow, referral, Event.REFUSE, Reason.REGISTERED_AFTER_ORDER)
        return True
    if _bought_by_owner(uow, referral, events):
        _end(uow, referral, Event.REFUSE, Reason.SELF_SAME_PHONE)
        return True
    if overdue(uow, referral) and referral.state in MAY_END - {State.CALLING}:
        _end(uow, referral, Event.EXPIRE, Reason.TIMEOUT_FAIL_CLOSED)
        return True
    return False


def _sold_before(uow: UnitOfWork, referral: Referral, events: Events) -> bool:
    """Whether this sale was as far as the cut-off the referral was reported under."""
    at = {kind: _happened(event) for kind, event in events.items()}
    sale = SaleTimes(at.get("deposit"), at.get("order"), at.get("delivery"))
    return too_late(CutOff(referral.cut_off), sale, referral.registered_at or uow.now)


def _only_first(uow: UnitOfWork, standing: Iterable[Referral], *, ordered: bool) -> Referral | None:
    """The referral registered before all others of this buyer; when he orders, the others end."""
    registered = [(each.registered_at, each.id, each) for each in standing if each.registered_at]
    in_order = [referral for _, _, referral in sorted(registered, key=lambda each: each[:2])]
    if ordered:
        for later in in_order[1:]:
            _end(uow, later, Event.REFUSE, Reason.BUYER_ALREADY_REFERRED)
    return in_order[0] if in_order else None


def _end(uow: UnitOfWork, referral: Referral, event: Event, reason: Reason) -> None:
    """End it unpaid, or take back what was paid. Who is suspected does not slip away: then the
    news is kept, and nothing ends."""
    if referral.state == State.REWARDED:
        reverse_rewards(uow, referral, reason=reason)
    elif referral.state in MAY_END and not over(referral):
        cancel_reward(uow, referral.id)
        close_call(uow, referral.id)
        clear_case(uow, referral.id)
        move(uow, referral, event, by_system=True, reason=reason)
    elif referral.state == State.FRAUD_SUSPECTED:
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
        due_at=check_by(uow),
    )
