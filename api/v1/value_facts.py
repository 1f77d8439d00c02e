"""Facts that tell a member's value: told by the CRM, read by whom they are about, withdrawn."""

from typing import Any
from uuid import UUID

from api.routes import Answer, Page, Routes
from api.schemas import tiers as shapes
from api.schemas.paging import page_of
from api.v1.access import own
from api.v1.tiers import READERS
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.tiers.facts import MARKED, TOLD, ToldFact, tell_fact
from loyalty.tiers.facts_known import FactView, list_facts, view_of
from loyalty.tiers.models import ValueFactWithdrawal
from loyalty.tiers.withdraw import withdraw_fact

routes = Routes("tiers")


@routes.post(
    "/v1/value-facts",
    summary="Tell a fact that a member's value counts",
    roles=(Role.CRM,),
    body=shapes.FactIn,
    answer=shapes.FactOut,
    repeatable=True,
    problems=("member_not_found", "fact_does_not_fit", "fact_changed", "occurred_in_the_future"),
    example={
        "external_ref": {"source": "crm", "id": "SV-2026-0001"},
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "kind": "satisfaction",
        "happened_on": "2026-11-20",
        "marks": 92,
        "grade": None,
    },
)
def create_value_fact(uow: UnitOfWork, body: dict[str, Any]) -> Answer:
    """A visit, a complaint, marks of a survey or a callback, or a grade: region, trade, position.
    The reference is unique for ever; who has earned a tier by it has it at once."""
    reference = body.pop("external_ref")
    member_id = UUID(body.pop("member_id"))
    told = ToldFact(reference["source"], reference["id"], member_id, **body)
    fact, new = tell_fact(uow, told)
    return Answer(_fact(view_of(uow, fact)), 201 if new else 200)


@routes.get(
    "/v1/members/<uuid:member_id>/value-facts",
    summary="What is known of a member that his score may count",
    roles=READERS,
    answer=page_of(shapes.FactOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_value_facts(uow: UnitOfWork, member_id: UUID, page: Page) -> list[dict[str, Any]]:
    """The latest told first, withdrawn ones too: whoever is shown a score can check it."""
    found = list_facts(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [_fact(each) for each in found]


@routes.post(
    "/v1/value-facts/<uuid:fact_id>/withdrawals",
    summary="Withdraw a told fact that was wrong",
    roles=(Role.CRM, Role.DEALER_ADMIN),
    body=shapes.WithdrawalIn,
    answer=shapes.WithdrawalOut,
    problems=("fact_not_found", "fact_withdrawn", "own_account"),
    example={"reason": "登记有误"},
)
def create_value_fact_withdrawal(
    uow: UnitOfWork, fact_id: UUID, body: dict[str, Any]
) -> ValueFactWithdrawal:
    """It counts for nothing from now on; the right one is told under another reference. What a
    document says is corrected by a return."""
    return withdraw_fact(uow, fact_id, **body)


def _fact(fact: FactView) -> dict[str, Any]:
    reference = {"source": fact.source, "id": fact.source_event_id}
    return {
        "id": fact.id,
        "external_ref": reference if fact.source is not None else None,
        "member_id": fact.member_id,
        "kind": fact.kind,
        "happened_on": fact.happened_on,
        "marks": fact.amount if fact.kind in MARKED else None,
        "grade": fact.grade,
        "paid": None if fact.kind in TOLD else {"amount_fen": fact.amount, "currency": "CNY"},
        "corrects": fact.corrects,
        "recorded_at": fact.recorded_at,
        "withdrawn_at": fact.withdrawn_at,
    }
