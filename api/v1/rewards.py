"""Rewards and their redemption with points."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes, Trip
from api.schemas import points as shapes
from api.schemas import rewards
from api.schemas.paging import page_of
from api.v1.access import for_owner, own
from kernel.errors import NotFound
from kernel.idempotency import StoredAnswer
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.rewards import queries
from loyalty.rewards.additions import Added, add_stock
from loyalty.rewards.catalogue import offer_reward
from loyalty.rewards.redeem import Caller, redeem

routes = Routes("rewards")
READERS = (
    Role.OWNER,
    Role.CONSULTANT,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.SERVICE_DESK,
    Role.DEALER_ADMIN,
    Role.PROGRAMME_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)
REDEEMERS = (Role.OWNER, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)


@routes.post(
    "/v1/rewards",
    summary="Offer a reward with its first stock",
    roles=(Role.PROGRAMME_ADMIN,),
    body=shapes.RewardIn,
    answer=shapes.RewardOut,
    problems=("reward_code_taken",),
    example={
        "code": "CAR-WASH",
        "name_zh": "精洗一次",
        "name_en": "One detailed wash",
        "points": 150,
        "stock": 200,
        "kind": "service",
    },
)
def create_reward(uow: UnitOfWork, body: dict[str, Any]) -> queries.RewardView:
    """The price in points is for one piece; terms may say another, from a day on."""
    return queries.get_reward(uow, offer_reward(uow, **body))


@routes.get(
    "/v1/rewards",
    summary="The catalogue",
    roles=READERS,
    answer=page_of(shapes.RewardOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_rewards(uow: UnitOfWork, page: Page) -> list[queries.RewardView]:
    """In the order in which they were offered, with the stock left and the terms in force; owners
    see those that are visible today."""
    return queries.list_rewards(uow, after=page.position, limit=page.fetch, by_owner=for_owner(uow))


@routes.get(
    "/v1/rewards/<uuid:reward_id>",
    summary="One reward",
    roles=READERS,
    answer=shapes.RewardOut,
    problems=("reward_not_found",),
)
def get_reward(uow: UnitOfWork, reward_id: UUID) -> queries.RewardView:
    """Price, stock left and the terms in force. To owners one that is not visible is not there."""
    return queries.get_reward(uow, reward_id, by_owner=for_owner(uow))


@routes.post(
    "/v1/rewards/<uuid:reward_id>/stock-additions",
    summary="Put more pieces of a reward on the shelf",
    roles=(Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN),
    body=rewards.StockAdditionIn,
    answer=rewards.StockAdditionOut,
    problems=("reward_not_found", "reward_stock_is_codes"),
    example={"pieces": 20, "reason": "到货补充"},
)
def create_stock_addition(uow: UnitOfWork, reward_id: UUID, body: dict[str, Any]) -> Added:
    """A reward whose pieces are codes grows by codes alone."""
    return add_stock(uow, reward_id, **body)


@routes.post(
    "/v1/redemptions",
    summary="Spend points on a reward",
    roles=REDEEMERS,
    body=shapes.RedemptionIn,
    answer=shapes.RedemptionOut,
    in_one_trip=True,
    problems=(
        "account_frozen",
        "honoured_by_staff_only",
        "insufficient_points",
        "member_not_found",
        "out_of_stock",
        "own_account",
        "partner_unknown",
        "points_out_of_range",
        "reward_limit_reached",
        "reward_not_available",
        "reward_not_for_tier",
        "reward_not_found",
        "terms_changed",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "reward_id": "01939d5e-7c00-7000-8000-000000000002",
        "quantity": 1,
    },
)
def create_redemption(trip: Trip, body: dict[str, Any]) -> tuple[str, bool, StoredAnswer]:
    """Final in the answer: points and stock are taken together, soonest-expiring lots first.

    `honoured_by` names the partner dealer who gives the goods, if not this one. With the
    `terms_version` of the offer nobody pays a price that he did not see.
    """
    caller = Caller(trip.kind, trip.subject, trip.token_id, trip.roles, trip.request_id)
    return redeem(
        trip.database,
        caller,
        trip.claim,
        member_id=UUID(body["member_id"]),
        reward_id=UUID(body["reward_id"]),
        quantity=body["quantity"],
        honoured_by=UUID(body["honoured_by"]) if body["honoured_by"] else None,
        terms_version=body["terms_version"],
        now=trip.now,
    )


@routes.get(
    "/v1/redemptions/<uuid:redemption_id>",
    summary="One redemption",
    roles=REDEEMERS,
    answer=shapes.RedemptionOut,
    problems=("redemption_not_found",),
)
def get_redemption(uow: UnitOfWork, redemption_id: UUID) -> queries.RedemptionView:
    """An owner sees his own."""
    found = queries.get_redemption(uow, redemption_id)
    try:
        own(uow, found.member_id)
    except NotFound as error:
        raise NotFound("redemption_not_found") from error
    return found


@routes.get(
    "/v1/members/<uuid:member_id>/redemptions",
    summary="What a member redeemed",
    roles=REDEEMERS,
    answer=page_of(shapes.RedemptionOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_redemptions(uow: UnitOfWork, member_id: UUID, page: Page) -> list[queries.RedemptionView]:
    """Newest first."""
    return queries.list_redemptions(
        uow, own(uow, member_id), before=page.position, limit=page.fetch
    )
