"""The dealer's policy for referrals (推荐政策): drafted by one person, published by another."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import referral_policies as shapes
from api.schemas.paging import page_of
from api.v1.version_routes import AUTHORS, ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.dealers.roles import Role
from referral.models import ReferralPolicy
from referral.policy import draft_policy, end_policy, publish_policy

routes = Routes("referrals")
READERS = (*AUTHORS, Role.DUTY_MANAGER, Role.FINANCE, Role.AUDITOR)


@routes.post(
    "/v1/referral-policies",
    summary="Draft the next version of the referral policy",
    roles=AUTHORS,
    body=shapes.ReferralPolicyIn,
    answer=shapes.ReferralPolicyOut,
    problems=("rule_invalid", "effective_until_not_after_from"),
    example={
        "body": {"confirm_within_hours": 12, "ladder": [[1, 300], [3, 500]], "buyer_points": 100},
        "effective_from": "2030-01-01",
        "effective_until": None,
    },
)
def create_referral_policy(uow: UnitOfWork, body: dict[str, Any]) -> ReferralPolicy:
    """What it does not name keeps its built-in figure. It counts for nothing until another person
    publishes it."""
    return draft_policy(uow, **body)


@routes.get(
    "/v1/referral-policies",
    summary="Every version of the referral policy",
    roles=READERS,
    answer=page_of(shapes.ReferralPolicyOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_referral_policies(uow: UnitOfWork, page: Page) -> list[ReferralPolicy]:
    """In the order in which they were drafted; without any, the built-in figures count."""
    return versions.every(uow, ReferralPolicy, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/referral-policies/<uuid:policy_id>",
    summary="One version of the referral policy",
    roles=READERS,
    answer=shapes.ReferralPolicyOut,
    problems=("rule_not_found",),
)
def get_referral_policy(uow: UnitOfWork, policy_id: UUID) -> ReferralPolicy:
    """What it says with every figure, who wrote and who published it."""
    return versions.get(uow, ReferralPolicy, policy_id)


@publication(
    routes,
    "/v1/referral-policies/<uuid:policy_id>",
    answer=shapes.ReferralPolicyOut,
    problems=("rule_invalid",),
)
def create_referral_policy_publication(
    uow: UnitOfWork, policy_id: UUID, body: dict[str, Any]
) -> ReferralPolicy:
    """From its first day on it counts for what happens then. The cut-off a report was made under
    and a reward that is held already stay as they were."""
    return publish_policy(uow, policy_id, **body)


@ending(routes, "/v1/referral-policies/<uuid:policy_id>", answer=shapes.ReferralPolicyOut)
def create_referral_policy_end(
    uow: UnitOfWork, policy_id: UUID, body: dict[str, Any]
) -> ReferralPolicy:
    """From that day on the built-in figures count, until another version begins."""
    return end_policy(uow, policy_id, **body)
