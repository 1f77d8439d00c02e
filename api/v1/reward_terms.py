"""The terms rewards are redeemed on, as versions, and the catalogue as one member sees it."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import rewards as shapes
from api.schemas.paging import page_of
from api.v1.access import own
from api.v1.version_routes import AUTHORS, ending, publication
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.dealers.roles import Role
from loyalty.rewards.models import RewardTerms
from loyalty.rewards.terms import draft_terms, end_terms, publish_terms
from loyalty.rewards.terms_offers import Offered, offers

routes = Routes("rewards")
TERMS_READERS = (*AUTHORS, Role.FINANCE, Role.AUDITOR)
OFFER_READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.SERVICE_DESK,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)


@routes.post(
    "/v1/reward-terms",
    summary="Draft the next version of a reward's terms",
    roles=AUTHORS,
    body=shapes.TermsIn,
    answer=shapes.TermsOut,
    problems=("reward_not_found", "rule_invalid", "effective_until_not_after_from"),
    example={
        "reward_id": "01939d5e-7c00-7000-8000-000000000002",
        "body": {
            "points": 500,
            "prices": {"gold": 400},
            "tiers": ["silver", "gold"],
            "visible_from": "2030-01-01",
            "available_from": "2030-01-15",
            "available_until": "2030-04-01",
            "limit": {"most": 2, "period": "quarter"},
            "cash": {"least_points": 200, "fen_a_point": 10},
            "fulfilment": "counter",
            "cancel": {"until": "days", "days": 7, "by_owner": True},
        },
        "effective_from": "2030-01-01",
        "effective_until": None,
    },
)
def create_reward_terms(uow: UnitOfWork, body: dict[str, Any]) -> RewardTerms:
    """Windows, tiers, prices by tier, a limit, cash. They count for nothing until another person
    publishes them; a reward without published terms is everybody's for its plain price."""
    return draft_terms(uow, reward_id=UUID(body.pop("reward_id")), **body)


@routes.get(
    "/v1/reward-terms",
    summary="Every version of the terms of rewards",
    roles=TERMS_READERS,
    answer=page_of(shapes.TermsOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_reward_terms(uow: UnitOfWork, page: Page) -> list[RewardTerms]:
    """In the order in which they were drafted; `code` is the reward's."""
    return versions.every(uow, RewardTerms, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/reward-terms/<uuid:terms_id>",
    summary="One version of a reward's terms",
    roles=TERMS_READERS,
    answer=shapes.TermsOut,
    problems=("rule_not_found",),
)
def get_reward_terms(uow: UnitOfWork, terms_id: UUID) -> RewardTerms:
    """What it says with every default, who wrote and who published it."""
    return versions.get(uow, RewardTerms, terms_id)


@publication(
    routes,
    "/v1/reward-terms/<uuid:terms_id>",
    answer=shapes.TermsOut,
    problems=("rule_invalid", "tier_unknown"),
)
def create_reward_terms_publication(
    uow: UnitOfWork, terms_id: UUID, body: dict[str, Any]
) -> RewardTerms:
    """From their first day on they decide; what was agreed on before keeps its price."""
    return publish_terms(uow, terms_id, **body)


@ending(routes, "/v1/reward-terms/<uuid:terms_id>", answer=shapes.TermsOut)
def create_reward_terms_end(uow: UnitOfWork, terms_id: UUID, body: dict[str, Any]) -> RewardTerms:
    """Without another version the reward is everybody's again, for its plain price."""
    return end_terms(uow, terms_id, **body)


@routes.get(
    "/v1/members/<uuid:member_id>/offers",
    summary="The catalogue as this member sees it today",
    roles=OFFER_READERS,
    answer=page_of(shapes.OfferOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_offers(uow: UnitOfWork, member_id: UUID, page: Page) -> list[Offered]:
    """What this member himself sees, whoever asks: visible rewards with his price, what is left of
    his limit, the cash he needs besides, and why he may not redeem now if he may not. It promises
    nothing: the redemption decides."""
    return offers(uow, own(uow, member_id), after=page.position, limit=page.fetch)
