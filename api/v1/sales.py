"""Sale events of the CRM: deposits, orders, deliveries, cancellations, returns."""

from typing import Any

from api.routes import Answer, Routes
from api.schemas import referrals as shapes
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.sale import DeliveredCar, Sale, take_sale_event

routes = Routes("sales")


@routes.post(
    "/v1/sale-events",
    summary="Report a deposit, an order, a delivery, a cancellation or a return",
    roles=(Role.CRM,),
    body=shapes.SaleEventIn,
    answer=shapes.SaleEventOut,
    repeatable=True,
    problems=(
        "document_changed",
        "occurred_in_the_future",
        "sale_backs_another_referral",
        "sale_event_incomplete",
        "sale_event_repeated",
    ),
    example={
        "external_ref": {"source": "crm", "id": "E-1"},
        "kind": "order",
        "order_no": "DD-2026-0007",
        "occurred_at": "2026-11-20T15:00:00+08:00",
        "buyer_phone": "13900139000",
    },
)
def create_sale_event(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """Events of one order may come in any order; told again they change nothing. A cancellation
    or a return after the reward was paid takes its points back."""
    reference, car = body.pop("external_ref"), body.pop("car")
    sale = Sale(
        source=reference["source"],
        source_event_id=reference["id"],
        car=DeliveredCar(**car) if car else None,
        **body,
    )
    event_id, referral_id, new = take_sale_event(uow, sale)
    return Answer({"id": event_id, "referral_id": referral_id}, 201 if new else 200)
