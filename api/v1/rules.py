"""Earning rules as versions."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import rules as shapes
from api.schemas.paging import page_of
from api.v1.version_routes import AUTHORS, ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.earning import rule_book
from loyalty.earning.rule_life import draft_rule, end_rule, publish_rule

routes = Routes("rules")
READERS = (*AUTHORS, Role.FINANCE, Role.AUDITOR)


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


@publication(routes, "/v1/earning-rules/<uuid:rule_id>", answer=shapes.RuleOut)
def create_rule_publication(
    uow: UnitOfWork, rule_id: UUID, body: dict[str, Any]
) -> rule_book.RuleView:
    """From then on it stands as it is; it never begins on a day that has passed."""
    publish_rule(uow, rule_id, **body)
    return rule_book.get_rule(uow, rule_id)


@ending(routes, "/v1/earning-rules/<uuid:rule_id>", answer=shapes.RuleOut)
def create_rule_end(uow: UnitOfWork, rule_id: UUID, body: dict[str, Any]) -> rule_book.RuleView:
    """Once, and for tomorrow at the earliest: documents of today keep their rule."""
    end_rule(uow, rule_id, **body)
    return rule_book.get_rule(uow, rule_id)
