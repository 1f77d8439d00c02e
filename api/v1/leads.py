"""Leads (线索) of the CRM: who asked for a car before anybody recommended it to him."""

from typing import Any

from api.routes import Answer, Routes
from api.schemas import leads as shapes
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.leads import ToldLead, take_lead

routes = Routes("leads")


@routes.post(
    "/v1/leads",
    summary="Report a lead",
    roles=(Role.CRM,),
    body=shapes.LeadIn,
    answer=shapes.LeadOut,
    repeatable=True,
    problems=("document_changed", "mobile_invalid", "occurred_in_the_future"),
    example={
        "external_ref": {"source": "crm", "id": "L-1"},
        "phone": "13900139000",
        "channel": "website",
        "opened_at": "2026-11-01T10:00:00+08:00",
    },
)
def create_lead(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """An older lead of another channel refuses no referral: two people decide on it in the end."""
    reference = body.pop("external_ref")
    told = ToldLead(source=reference["source"], source_event_id=reference["id"], **body)
    lead_id, new = take_lead(uow, told)
    return Answer({"id": lead_id}, 201 if new else 200)
