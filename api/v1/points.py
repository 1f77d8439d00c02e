"""Points: documents that earn, the balance, the statement, what expires when."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from api.routes import Answer, Page, Routes
from api.schemas import points as shapes
from api.schemas.paging import page_of
from api.v1.access import own
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.earning.rules.standard import Line
from loyalty.earning.take_document import Document, take_document
from loyalty.points import queries

routes = Routes("points")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.FINANCE,
    Role.AUDITOR,
    Role.CRM,
)


@routes.post(
    "/v1/documents",
    summary="Earn points from a CRM document",
    roles=(Role.CRM,),
    body=shapes.DocumentIn,
    answer=shapes.DocumentOut,
    repeatable=True,
    problems=(
        "document_changed",
        "member_not_found",
        "occurred_in_the_future",
        "source_reserved",
    ),
    example={
        "external_ref": {"source": "crm", "id": "SO-2026-0001"},
        "kind": "service_order",
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "occurred_on": "2026-11-20",
        "lines": [
            {"payer": "customer", "amount": {"amount_fen": 128000, "currency": "CNY"}},
            {"payer": "warranty", "amount": {"amount_fen": 50000, "currency": "CNY"}},
        ],
    },
)
def create_document(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """The reference is unique for ever: told again 200 and the first result, changed 409."""
    document = Document(
        source=body["external_ref"]["source"],
        source_event_id=body["external_ref"]["id"],
        kind=body["kind"],
        member_id=UUID(body["member_id"]),
        occurred_on=body["occurred_on"],
        lines=[Line(line["payer"], line["amount"]["amount_fen"]) for line in body["lines"]],
    )
    taken, new = take_document(uow, document)
    reference = {"source": taken.source, "id": taken.source_event_id}
    return Answer({**asdict(taken), "external_ref": reference}, 201 if new else 200)


@routes.get(
    "/v1/members/<uuid:member_id>/balance",
    summary="What a member can spend now",
    roles=READERS,
    answer=shapes.BalanceOut,
    problems=("member_not_found",),
)
def get_balance(uow: UnitOfWork, member_id: UUID) -> queries.Balance:
    """Counted from the lots at this instant; no job need have run."""
    return queries.balance(uow, own(uow, member_id))


@routes.get(
    "/v1/members/<uuid:member_id>/expiry-schedule",
    summary="Every date on which points end",
    roles=READERS,
    answer=shapes.ExpiryScheduleOut,
    problems=("member_not_found",),
)
def get_expiry_schedule(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """Soonest first; points that never expire come last with `expires_on` null."""
    queries.balance(uow, own(uow, member_id))
    return {"member_id": member_id, "items": queries.expiry_schedule(uow, member_id)}


@routes.get(
    "/v1/members/<uuid:member_id>/statement",
    summary="Everything that moved a member's points",
    roles=READERS,
    answer=page_of(shapes.StatementLineOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_statement(uow: UnitOfWork, member_id: UUID, page: Page) -> list[queries.StatementLine]:
    """Newest first, with document, rule, version and lots of every line."""
    return queries.statement(uow, own(uow, member_id), before=page.position, limit=page.fetch)
