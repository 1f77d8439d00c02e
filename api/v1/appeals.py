"""Appeals: raised by those concerned, decided once by somebody not involved."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import justice as shapes
from api.schemas.paging import page_of
from api.v1.access import referrals_seen_by
from api.v1.referrals import READERS
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.justice import queries
from referral.justice.appeal import decide_appeal, decision_of, raise_appeal
from referral.justice.models import Appeal
from referral.justice.narrative import Stated, open_appeal

routes = Routes("appeals")


@routes.post(
    "/v1/referrals/<uuid:referral_id>/appeals",
    summary="Appeal against the decision on a referral",
    roles=(Role.OWNER, Role.CONSULTANT, Role.CRM),
    body=shapes.AppealIn,
    answer=shapes.AppealOut,
    problems=(
        "appeal_too_late",
        "appealed_already",
        "decision_not_appealable",
        "referral_not_found",
    ),
    example={"words": "我确实推荐了这位朋友，请重新核实"},
)
def create_appeal(uow: UnitOfWork, referral_id: UUID, body: dict[str, Any]) -> Appeal:
    """Owner and consultant for their own, the CRM for the buyer; once per decision, in time."""
    return raise_appeal(uow, referral_id, seen_by=referrals_seen_by(uow), **body)


@routes.get(
    "/v1/referrals/<uuid:referral_id>/appeals",
    summary="The decision on a referral, until when it can be appealed, and its appeals",
    roles=(*READERS, Role.PROGRAMME_ADMIN),
    answer=shapes.ReferralAppealsOut,
    problems=("referral_not_found",),
)
def list_referral_appeals(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """`appeal_until` is null where the state allows no appeal."""
    decision = decision_of(uow, referral_id, seen_by=referrals_seen_by(uow))
    items = queries.appeals_of(uow, referral_id)
    return {"referral_id": referral_id, "decision": decision, "items": items}


@routes.get(
    "/v1/appeals",
    summary="Appeals, newest first",
    roles=(Role.PROGRAMME_ADMIN, Role.AUDITOR),
    answer=page_of(shapes.AppealOut),
    query=shapes.AppealQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_appeals(uow: UnitOfWork, page: Page, query: dict[str, Any]) -> Sequence[Appeal]:
    """`state=open` are those that wait; `due_at` says until when."""
    return queries.list_appeals(uow, **query, before=page.position, limit=page.fetch)


@routes.post(
    "/v1/appeals/<uuid:appeal_id>/reveals",
    summary="Read the words of an appeal",
    roles=(Role.PROGRAMME_ADMIN,),
    body=shapes.NarrativeRevealIn,
    answer=shapes.StatedOut,
    keeps_answer=False,
    problems=("appeal_not_found",),
    example={},
)
def create_appeal_reveal(uow: UnitOfWork, appeal_id: UUID, body: dict[str, Any]) -> Stated:
    """Who looked is kept."""
    return open_appeal(uow, appeal_id, **body)


@routes.post(
    "/v1/appeals/<uuid:appeal_id>/decisions",
    summary="Somebody not involved decides an appeal",
    roles=(Role.PROGRAMME_ADMIN,),
    body=shapes.AppealDecisionIn,
    answer=shapes.AppealOut,
    problems=(
        "appeal_decided",
        "appeal_not_found",
        "buyer_already_referred",
        "party_or_relative",
        "separation_of_duties",
        "time_is_up",
    ),
    example={"outcome": "upheld", "reason": "证据充分，应重新核查"},
)
def create_appeal_decision(uow: UnitOfWork, appeal_id: UUID, body: dict[str, Any]) -> Appeal:
    """Upheld appends a corrective step: the check, or the judgement, is done once more."""
    return decide_appeal(uow, appeal_id, **body)
