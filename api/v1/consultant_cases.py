"""Cases against consultants: the consultant's side, how they ended, what they cost."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import justice as shapes
from api.schemas.paging import page_of
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.justice import queries
from referral.justice.fraud import make_statement
from referral.justice.models import CaseStatement, Penalty
from referral.justice.queries import CaseView

routes = Routes("consultant-cases")


@routes.get(
    "/v1/consultant-cases",
    summary="Cases opened against consultants",
    roles=(Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.AUDITOR, Role.CONSULTANT),
    answer=page_of(shapes.CaseOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_consultant_cases(uow: UnitOfWork, page: Page) -> list[CaseView]:
    """A suspicion opens its consultant's case; newest first, a consultant sees his own."""
    own = UUID(uow.actor.id) if uow.actor.role == Role.CONSULTANT else None
    return queries.list_cases(uow, consultant_id=own, before=page.position, limit=page.fetch)


@routes.post(
    "/v1/consultant-cases/<uuid:case_id>/statements",
    summary="The consultant says his side",
    roles=(Role.CONSULTANT,),
    body=shapes.StatementIn,
    answer=shapes.StatementOut,
    problems=("case_not_found", "case_settled"),
    example={"text": "客户是老车主带来的，可以再联系双方核实"},
)
def create_statement(uow: UnitOfWork, case_id: UUID, body: dict[str, Any]) -> CaseStatement:
    """To his own case while it is open; nobody but its judges reads the words."""
    return make_statement(uow, case_id, words=body["text"])


@routes.get(
    "/v1/penalties",
    summary="Penalties, newest first",
    roles=(Role.DEALER_ADMIN, Role.AUDITOR),
    answer=page_of(shapes.PenaltyOut),
    query=shapes.PenaltyQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_penalties(uow: UnitOfWork, page: Page, query: dict[str, Any]) -> Sequence[Penalty]:
    """Proposed ones count only when their appeal window has passed."""
    return queries.list_penalties(uow, **query, before=page.position, limit=page.fetch)
