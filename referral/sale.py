"""Take a sale event (定金, 订单, 交车, 退订, 退车) from the CRM: stored once, then settled.

A reader would break this by applying one event without the others of its order.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.clock import CLOCK_TOLERANCE, business_day
from kernel.database import violated
from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import colour, mobile, text, vin
from loyalty.members.vehicles import TRANSMISSIONS
from referral.models import SaleEvent
from referral.moves import one_at_a_time
from referral.settle import RETAIL, referral_of_order, settle


class SaleKind(StrEnum):
    """What happened to an order; a return (退车) brings the car back after its delivery."""

    DEPOSIT = "deposit"
    ORDER = "order"
    DELIVERY = "delivery"
    CANCELLATION = "cancellation"
    RETURN = "return"


class SaleType(StrEnum):
    """To whom the car goes: only a retail sale (零售) backs a referral."""

    RETAIL = RETAIL
    DEMO = "demo"
    FLEET = "fleet"


CONTRACTS = frozenset({SaleKind.DEPOSIT, SaleKind.ORDER})
MOST_PHONES = 5


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
    """One event of one order. A deposit and an order name the buyer's phone and may name further
    phones of the contract, an order its type (None: retail), a delivery the car.
    """

    source: str
    source_event_id: str
    kind: SaleKind
    order_no: str
    occurred_at: datetime
    buyer_phone: str | None = None
    car: DeliveredCar | None = None
    other_phones: Sequence[str] = ()
    sale_type: SaleType | None = None


def take_sale_event(uow: UnitOfWork, sale: Sale) -> tuple[UUID, UUID | None, bool]:
    """Store the event and move the referral it concerns; told twice, nothing changes.

    Events of one order are taken one at a time, so two that arrive together see each other.
    Returns the event's id, the referral's if one is concerned, and whether it was new. Raises
    RuleViolation `sale_event_incomplete`, `occurred_in_the_future`, `invoice_date_impossible`;
    `transmission_unknown`, `value_missing`; Conflict `document_changed`, `sale_event_repeated`,
    `sale_backs_another_referral`.
    """
    _check(uow, sale)
    one_at_a_time(uow, f"order {sale.order_no}")
    known = _known(uow, sale)
    if known is not None:
        return known, referral_of_order(uow, sale.order_no), False
    return _store(uow, sale), settle(uow, sale.order_no), True


def _store(uow: UnitOfWork, sale: Sale) -> UUID:
    event = _row(uow, sale)
    try:
        with uow.session.begin_nested():
            uow.session.add(event)
    except IntegrityError as error:
        if violated(error) not in ("uq_sale_event_kind", "uq_sale_event_source"):
            raise
        raise Conflict("sale_event_repeated") from error
    return event.id


def _check(uow: UnitOfWork, sale: Sale) -> None:
    wrong = {
        "/buyer_phone": (sale.kind in CONTRACTS) != (sale.buyer_phone is not None),
        "/other_phones": bool(sale.other_phones) and sale.kind not in CONTRACTS,
        "/sale_type": sale.sale_type is not None and sale.kind is not SaleKind.ORDER,
        "/car": (sale.kind is SaleKind.DELIVERY) != (sale.car is not None),
    }
    for pointer in (pointer for pointer, it_is in wrong.items() if it_is):
        raise RuleViolation("sale_event_incomplete", pointer=pointer)
    if sale.occurred_at > uow.now + CLOCK_TOLERANCE:
        raise RuleViolation("occurred_in_the_future", pointer="/occurred_at")
    if sale.car and sale.car.transmission not in TRANSMISSIONS:
        raise RuleViolation("transmission_unknown", pointer="/car/transmission")
    if sale.car and not text.normalise(sale.car.model):
        raise RuleViolation("value_missing", pointer="/car/model", column="model")
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
    car = sale.car
    said = [
        sale.kind,
        sale.order_no,
        sale.occurred_at.astimezone(UTC).isoformat(),
        mobile.canonical(sale.buyer_phone) if sale.buyer_phone else None,
        car and [vin.canonical(car.vin), text.normalise(car.model), colour.canonical(car.colour)],
        car and [car.transmission, car.invoice_no, car.invoiced_on.isoformat()],
    ]
    if sale.other_phones or sale.sale_type not in (None, SaleType.RETAIL):
        said += [sorted({mobile.canonical(phone) for phone in sale.other_phones}), sale.sale_type]
    return uow.blind(json.dumps(said, ensure_ascii=False), column="sale_event")


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
    row.phone_indexes = [
        uow.blind(phone, column="phone")
        for phone in sorted({mobile.canonical(phone) for phone in sale.other_phones})
    ]
    if sale.kind is SaleKind.ORDER:
        row.sale_type = sale.sale_type or SaleType.RETAIL
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
