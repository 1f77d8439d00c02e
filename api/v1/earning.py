"""Documents that earn, what they are worth and why, and their returns."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from api.document_body import document_of
from api.routes import Answer, Routes
from api.schemas import earning as shapes
from api.v1.access import own
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.earning import queries
from loyalty.earning.activate import Activated, activate
from loyalty.earning.dry_run import dry_run
from loyalty.earning.rules.returns import ReturnedLine
from loyalty.earning.take_document import take_document
from loyalty.earning.take_return import Return, ReturnView, take_return

routes = Routes("earning")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.FINANCE,
    Role.AUDITOR,
    Role.CRM,
)
TRIERS = (Role.PROGRAMME_ADMIN, Role.DEALER_ADMIN, Role.SHOWROOM_MANAGER, Role.FINANCE)
_PAPER: dict[str, Any] = {
    "kind": "service_order",
    "member_id": "01939d5e-7c00-7000-8000-000000000001",
    "occurred_on": "2026-11-20",
    "lines": [
        {
            "payer": "customer",
            "amount": {"amount_fen": 128000, "currency": "CNY"},
            "job_type": "maintenance",
        },
        {"payer": "warranty", "amount": {"amount_fen": 50000, "currency": "CNY"}},
    ],
}


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
        "lines_missing",
        "vin_check_digit",
    ),
    example={"external_ref": {"source": "crm", "id": "SO-2026-0001"}, **_PAPER},
)
def create_document(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """The reference is unique for ever: told again 200 and the first result, changed 409."""
    taken, new = take_document(uow, document_of(body))
    return Answer(_shown(taken), 201 if new else 200)


@routes.get(
    "/v1/documents/<uuid:document_id>",
    summary="One document, what it earned and why",
    roles=READERS,
    answer=shapes.DocumentOut,
    problems=("document_not_found",),
)
def get_document(uow: UnitOfWork, document_id: UUID) -> dict[str, Any]:
    """As first answered: the facts of its day, each grant with its lot, every rule considered."""
    found = queries.get_document(uow, document_id)
    try:
        own(uow, found.member_id)
    except NotFound as error:
        raise NotFound("document_not_found") from error
    return _shown(found)


@routes.post(
    "/v1/documents/<uuid:document_id>/activations",
    summary="The event that a document's pending points wait for has come",
    roles=(Role.CRM,),
    body=shapes.ActivationIn,
    answer=shapes.ActivationOut,
    problems=("document_not_found", "nothing_pending"),
    example={"event": "car_delivered"},
)
def create_activation(uow: UnitOfWork, document_id: UUID, body: dict[str, Any]) -> Activated:
    """Points whose event comes too late were cancelled and do not come back."""
    return activate(uow, document_id, **body)


@routes.post(
    "/v1/document-returns",
    summary="Take back what a document's returned amounts earned",
    roles=(Role.CRM,),
    body=shapes.ReturnIn,
    answer=shapes.ReturnOut,
    repeatable=True,
    problems=(
        "document_changed",
        "document_not_found",
        "occurred_in_the_future",
        "return_before_document",
        "return_exceeds_line",
        "source_reserved",
    ),
    example={
        "external_ref": {"source": "crm", "id": "RT-2026-0001"},
        "document": {"source": "crm", "id": "SO-2026-0001"},
        "occurred_on": "2026-11-21",
        "lines": [{"line": 0, "amount": {"amount_fen": 30000, "currency": "CNY"}}],
        "policy": "arrears",
        "reason": "配件退货",
    },
)
def create_document_return(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """Any number of partial returns; points already spent become arrears, or are written off."""
    parts = [ReturnedLine(part["line"], part["amount"]["amount_fen"]) for part in body["lines"]]
    told = Return(
        source=body["external_ref"]["source"],
        source_event_id=body["external_ref"]["id"],
        of=(body["document"]["source"], body["document"]["id"]),
        occurred_on=body["occurred_on"],
        lines=parts,
        policy=body["policy"],
        reason=body["reason"],
    )
    taken, new = take_return(uow, told)
    return Answer(_shown(taken), 201 if new else 200)


@routes.post(
    "/v1/earning-dry-runs",
    summary="What a document would earn, without taking it",
    roles=TRIERS,
    body=shapes.DryRunIn,
    answer=shapes.DryRunOut,
    status=200,
    keeps_answer=False,
    problems=("member_not_found", "rule_not_found", "lines_missing", "vin_check_digit"),
    example={**_PAPER, "rule_ids": []},
)
def try_document(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Versions named in `rule_ids` count as if they were in force. Nothing is changed."""
    rule_ids = [UUID(each) for each in body["rule_ids"]]
    points, why = dry_run(uow, document_of(body), rule_ids)
    return {"points": points, **asdict(why)}


def _shown(taken: queries.DocumentView | ReturnView) -> dict[str, Any]:
    reference = {"source": taken.source, "id": taken.source_event_id}
    return {**asdict(taken), "external_ref": reference}
