"""Earning rules as versions, and the tiers they ask for."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import rules as shapes
from api.schemas.paging import page_of
from api.v1.access import for_owner, own
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.earning import rule_book
from loyalty.earning.rule_life import draft_rule, end_rule, publish_rule
from loyalty.tiers import queries as tiers
from loyalty.tiers.assign import assign_tier

routes = Routes("rules")
AUTHORS = (Role.DEALER_ADMIN, Role.SHOWROOM_MANAGER, Role.PROGRAMME_ADMIN)
READERS = (*AUTHORS, Role.FINANCE, Role.AUDITOR)
TIER_READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)


@routes.post(
    "/v1/earning-rules",
    summary="Draft the next version of an earning rule",
    roles=AUTHORS,
    body=shapes.RuleIn,
    answer=shapes.RuleOut,
    problems=(
        "rule_invalid",
        "rule_code_reserved",
        "issuer_unknown",
        "effective_until_not_after_from",
    ),
    example={
        "code": "gold-double",
        "body": {
            "kinds": ["service_order"],
            "tiers": ["gold"],
            "award": {"multiplier_percent": 200},
            "caps": {
                "per_member": {"points": 2000, "period": "month"},
                "budget": 500000,
            },
        },
        "effective_from": "2030-01-01",
        "effective_until": None,
    },
)
def create_rule(uow: UnitOfWork, body: dict[str, Any]) -> rule_book.RuleView:
    """It counts for nothing until another person publishes it."""
    return rule_book.get_rule(uow, draft_rule(uow, **body))


@routes.get(
    "/v1/earning-rules",
    summary="Every version of every earning rule",
    roles=READERS,
    answer=page_of(shapes.RuleOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_rules(uow: UnitOfWork, page: Page) -> list[rule_book.RuleView]:
    """In the order in which they were drafted; the built-in standard rule is not among them."""
    return rule_book.list_rules(uow, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/earning-rules/<uuid:rule_id>",
    summary="One version of an earning rule",
    roles=READERS,
    answer=shapes.RuleOut,
    problems=("rule_not_found",),
)
def get_rule(uow: UnitOfWork, rule_id: UUID) -> rule_book.RuleView:
    """What it says with every default, who wrote and who published it."""
    return rule_book.get_rule(uow, rule_id)


@routes.post(
    "/v1/earning-rules/<uuid:rule_id>/publications",
    summary="Publish a version somebody else drafted",
    roles=(Role.PROGRAMME_ADMIN,),
    body=shapes.RulePublicationIn,
    answer=shapes.RuleOut,
    problems=("rule_not_found", "rule_not_draft", "separation_of_duties", "effective_in_the_past"),
    example={},
)
def create_rule_publication(
    uow: UnitOfWork, rule_id: UUID, body: dict[str, Any]
) -> rule_book.RuleView:
    """From then on it stands as it is; it never begins on a day that has passed."""
    publish_rule(uow, rule_id, **body)
    return rule_book.get_rule(uow, rule_id)


@routes.post(
    "/v1/earning-rules/<uuid:rule_id>/ends",
    summary="Set the day from which a published version counts no more",
    roles=(Role.PROGRAMME_ADMIN,),
    body=shapes.RuleEndIn,
    answer=shapes.RuleOut,
    problems=(
        "rule_not_found",
        "rule_not_published",
        "rule_end_set",
        "effective_in_the_past",
        "effective_until_not_after_from",
    ),
    example={"effective_until": "2031-01-01"},
)
def create_rule_end(uow: UnitOfWork, rule_id: UUID, body: dict[str, Any]) -> rule_book.RuleView:
    """Once, and for tomorrow at the earliest: documents of today keep their rule."""
    end_rule(uow, rule_id, **body)
    return rule_book.get_rule(uow, rule_id)


@routes.post(
    "/v1/tier-assignments",
    summary="Give a member a tier from a day on",
    roles=(Role.PROGRAMME_ADMIN, Role.DEALER_ADMIN, Role.CRM),
    body=shapes.TierAssignmentIn,
    answer=shapes.TierOut,
    problems=("member_not_found", "own_account", "tier_invalid"),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "tier": "gold",
        "since_on": "2026-11-01",
        "reason": "年度评定",
    },
)
def create_tier_assignment(uow: UnitOfWork, body: dict[str, Any]) -> tiers.TierView:
    """Documents meet the tier of their own business day, however late they come."""
    member_id = UUID(body.pop("member_id"))
    return tiers.get_tier(uow, member_id, assign_tier(uow, member_id, **body))


@routes.get(
    "/v1/members/<uuid:member_id>/tiers",
    summary="What was said about a member's tier",
    roles=TIER_READERS,
    answer=page_of(shapes.TierOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_member_tiers(uow: UnitOfWork, member_id: UUID, page: Page) -> list[tiers.TierView]:
    """The latest word first; of one day the latest word counts. An owner sees no staff."""
    found = tiers.list_tiers(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [replace(each, set_by=None) for each in found] if for_owner(uow) else found
