"""Sale events (订单, 交车, 退订) from the CRM: stored once, then applied in the order of the sale.

Events may arrive in any order: what an order number has so far is settled as a whole.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.clock import business_day
from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import colour, mobile, text, vin
from referral.call import close_call
from referral.lifecycle import ACTIVE, Event, State
from referral.models import Referral, SaleEvent
from referral.moves import locked, move
from referral.reasons import Reason
from referral.reward import cancel_reward

CLOCK_TOLERANCE = timedelta(minutes=5)
DELIVER_WITHIN = timedelta(days=180)
CHECK_WITHIN = timedelta(days=30)


class SaleKind(StrEnum):
    ORDER = "order"
    DELIVERY = "delivery"
    CANCELLATION = "cancellation"


@dataclass(frozen=True, slots=True)
class DeliveredCar:
    """The new car at hand-over, and the invoice (发票) the reward is held after."""

    vin: str
    model: str
    colour: str
    transmission: str
    invoice_no: str
    invoiced_on: date


@dataclass(frozen=True, slots=True)
class Sale:
    """One event of one order. An order names the buyer's phone, a delivery the car."""

    source: str
    source_event_id: str
    kind: SaleKind
    order_no: str
    occurred_at: datetime
    buyer_phone: str | None = None
    car: DeliveredCar | None = None


def take_sale_event(uow: UnitOfWork, sale: Sale) -> tuple[UUID, UUID | None, bool]:
    """Store the event and move the referral it concerns; told twice, nothing changes.

    Returns the event's id, the referral's if one is concerned, and whether it was new. Raises
    RuleViolation `sale_event_incomplete`, `occurred_in_the_future`, `invoice_date_impossible`;
    Conflict `document_changed`, `sale_event_repeated`, `times_out_of_order`.
    """
    _check(uow, sale)
    known = _known(uow, sale)
    if known is not None:
        return known, _referral_of(uow, sale.order_no), False
    event = _row(uow, sale)
    try:
        with uow.session.begin_nested():
            uow.session.add(event)
    except IntegrityError as error:
        known = _known(uow, sale)
        if known is None:
            raise Conflict("sale_event_repeated") from error
        return known, _referral_of(uow, sale.order_no), False
    return event.id, _settle(uow, sale.order_no), True


def _check(uow: UnitOfWork, sale: Sale) -> None:
    if (sale.kind is SaleKind.ORDER) != (sale.buyer_phone is not None):
        raise RuleViolation("sale_event_incomplete", pointer="/buyer_phone")
    if (sale.kind is SaleKind.DELIVERY) != (sale.car is not None):
        raise RuleViolation("sale_event_incomplete", pointer="/car")
    if sale.occurred_at > uow.now + CLOCK_TOLERANCE:
        raise RuleViolation("occurred_in_the_future", pointer="/occurred_at")
    if sale.car and sale.car.invoiced_on > business_day(uow.now + CLOCK_TOLERANCE, uow.zone):
        raise RuleViolation("invoice_date_impossible", pointer="/car/invoiced_on")


def _known(uow: UnitOfWork, sale: Sale) -> UUID | None:
    row = uow.session.scalar(
        select(SaleEvent).where(
            SaleEvent.source == sale.source, SaleEvent.source_event_id == sale.source_event_id
        )
    )
    if row is None:
        return None
    if row.fingerprint != _fingerprint(uow, sale):
        raise Conflict("document_changed")
    return row.id


def _fingerprint(uow: UnitOfWork, sale: Sale) -> bytes:
    return sha256(uow.blind(repr(sale), column="sale_event")).digest()


def _row(uow: UnitOfWork, sale: Sale) -> SaleEvent:
    key = new_id()
    row = SaleEvent(
        id=key,
        dealer_id=uow.dealer_id,
        source=sale.source,
        source_event_id=sale.source_event_id,
        kind=sale.kind,
        order_no=sale.order_no,
        occurred_at=sale.occurred_at,
        fingerprint=_fingerprint(uow, sale),
        received_at=uow.now,
    )
    if sale.buyer_phone:
        row.buyer_phone_index = uow.blind(mobile.canonical(sale.buyer_phone), column="phone")
    if car := sale.car:
        number = vin.canonical(car.vin)
        row.vin = uow.seal(number, column="sale_event.vin", row=key)
        row.vin_index = uow.blind(number, column="vin")
        row.model = text.normalise(car.model)
        row.colour = colour.canonical(car.colour)
        row.transmission = car.transmission
        row.invoice_no = car.invoice_no
        row.invoiced_on = car.invoiced_on
    return row


def _referral_of(uow: UnitOfWork, order_no: str) -> UUID | None:
    return uow.session.scalar(select(Referral.id).where(Referral.order_no == order_no))


def _settle(uow: UnitOfWork, order_no: str) -> UUID | None:
    rows = uow.session.scalars(select(SaleEvent).where(SaleEvent.order_no == order_no))
    events = {SaleKind(row.kind): row for row in rows}
    order = events.get(SaleKind.ORDER)
    if order is None:
        return None
    found = _referral_of(uow, order_no) or _waiting(uow, order)
    if found is None:
        return None
    referral = locked(uow, found)
    _apply_order(uow, referral, order)
    if delivery := events.get(SaleKind.DELIVERY):
        _apply_delivery(uow, referral, delivery)
    if SaleKind.CANCELLATION in events and State(referral.state) in ACTIVE:
        cancel_reward(uow, referral.id)
        close_call(uow, referral.id)
        move(uow, referral, Event.CANCEL, by_system=True, reason=Reason.SALE_CANCELLED)
    return referral.id


def _waiting(uow: UnitOfWork, order: SaleEvent) -> UUID | None:
    return uow.session.scalar(
        select(Referral.id).where(
            Referral.buyer_phone_index == order.buyer_phone_index,
            Referral.state.in_([State.SUBMITTED, State.REGISTERED]),
        )
    )


def _apply_order(uow: UnitOfWork, referral: Referral, order: SaleEvent) -> None:
    if referral.state not in (State.SUBMITTED, State.REGISTERED):
        return
    registered = referral.registered_at
    if registered is None or order.occurred_at <= registered:
        late = Reason.REGISTERED_AFTER_ORDER
        move(uow, referral, Event.REFUSE, by_system=True, reason=late)
        return
    move(
        uow,
        referral,
        Event.ORDER,
        by_system=True,
        order_no=order.order_no,
        ordered_at=order.occurred_at,
        due_at=uow.now + DELIVER_WITHIN,
    )


def _apply_delivery(uow: UnitOfWork, referral: Referral, delivery: SaleEvent) -> None:
    if referral.state != State.ORDERED:
        return
    assert delivery.vin is not None
    number = uow.open(delivery.vin, column="sale_event.vin", row=delivery.id)
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
        delivered_at=delivery.occurred_at,
        due_at=uow.now + CHECK_WITHIN,
    )
