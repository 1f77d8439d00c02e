"""Holds over points and stock, their one end, and the cancellation of a redemption."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import holds as shapes
from api.schemas.paging import page_of
from api.v1.access import own
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.rewards import hold as holds
from loyalty.rewards import hold_queries as queries
from loyalty.rewards.cancel import cancel

routes = Routes("holds")
HOLDERS = (Role.OWNER, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.CRM)
CAPTURERS = (Role.SERVICE_DESK, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)
READERS = (*HOLDERS, Role.SERVICE_DESK, Role.AUDITOR)


@routes.post(
    "/v1/point-holds",
    summary="Put points aside for a while, and a reward's stock with them",
    roles=HOLDERS,
    body=shapes.HoldIn,
    answer=shapes.HoldOut,
    problems=(
        "account_frozen",
        "cash_too_little",
        "cash_too_much",
        "hold_exceeds_price",
        "insufficient_points",
        "member_not_found",
        "order_held_already",
        "out_of_stock",
        "points_too_few",
        "reward_and_quantity_together",
        "reward_limit_reached",
        "reward_not_available",
        "reward_not_for_tier",
        "reward_not_found",
        "terms_changed",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "points": 300,
        "minutes": 60,
        "reward_id": "01939d5e-7c00-7000-8000-000000000002",
        "quantity": 1,
        "cash": {"amount_fen": 20000, "currency": "CNY"},
    },
)
def create_hold(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Points missing from the price are paid in cash, as the reward's terms allow. Past its time it
    is gone by itself; until then it keeps its price."""
    key = holds.hold(uow, own(uow, UUID(body["member_id"])), _wish(body))
    return _shown(queries.get_hold(uow, key))


@routes.get(
    "/v1/point-holds/<uuid:hold_id>",
    summary="One hold",
    roles=READERS,
    answer=shapes.HoldOut,
    problems=("hold_not_found",),
)
def get_hold(uow: UnitOfWork, hold_id: UUID) -> dict[str, Any]:
    """One past its time is `expired`, though no job may have run yet."""
    return _shown(queries.get_hold(uow, hold_id, member_id=_himself(uow)))


@routes.get(
    "/v1/members/<uuid:member_id>/point-holds",
    summary="A member's holds",
    roles=READERS,
    answer=page_of(shapes.HoldOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_holds(uow: UnitOfWork, member_id: UUID, page: Page) -> list[dict[str, Any]]:
    """Newest first, whatever became of them."""
    found = queries.list_holds(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [_shown(each) for each in found]


@routes.post(
    "/v1/point-holds/<uuid:hold_id>/captures",
    summary="Spend what is held, or a part of it",
    roles=CAPTURERS,
    body=shapes.CaptureIn,
    answer=shapes.HoldOut,
    problems=(
        "account_frozen",
        "capture_exceeds_hold",
        "capture_whole_reward",
        "hold_ended",
        "hold_not_found",
        "own_account",
        "partner_unknown",
    ),
    example={"points": None, "honoured_by": None},
)
def create_capture(uow: UnitOfWork, hold_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Once. What is not spent goes back; a reward, captured whole, becomes a redemption."""
    honoured_by = UUID(body["honoured_by"]) if body["honoured_by"] else None
    holds.capture(uow, hold_id, points=body["points"], honoured_by=honoured_by)
    return _shown(queries.get_hold(uow, hold_id))


@routes.post(
    "/v1/point-holds/<uuid:hold_id>/releases",
    summary="Give back what is held",
    roles=(*HOLDERS, Role.SERVICE_DESK),
    body=shapes.ReleaseIn,
    answer=shapes.HoldOut,
    problems=("hold_ended", "hold_not_found"),
    example={},
)
def create_release(uow: UnitOfWork, hold_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Once: points to the same lots with the same dates, stock back."""
    queries.get_hold(uow, hold_id, member_id=_himself(uow))
    holds.release(uow, hold_id, **body)
    return _shown(queries.get_hold(uow, hold_id))


@routes.post(
    "/v1/redemptions/<uuid:redemption_id>/cancellations",
    summary="Cancel a redemption",
    roles=(*CAPTURERS, Role.DEALER_ADMIN, Role.OWNER),
    body=shapes.CancellationIn,
    answer=shapes.CancellationOut,
    problems=(
        "already_reversed",
        "cancellation_by_staff_only",
        "cancellation_excluded",
        "cancellation_too_late",
        "code_lapsed",
        "code_revealed",
        "handed_over_already",
        "own_account",
        "redemption_not_found",
        "separation_of_duties",
        "void_codes_by_manager_only",
        "void_codes_staff_only",
    ),
    example={"reason": "客户改变主意", "void_codes": False},
)
def create_cancellation(
    uow: UnitOfWork, redemption_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """By the policy of the reward's terms. Points go back to their lots with their dates;
    `restored` is what is still alive of them. A code that was revealed comes back only as void,
    by a manager who did not redeem it. Cash is the dealer's to repay."""
    done = asdict(cancel(uow, redemption_id, **body))
    return done | {"cash": {"amount_fen": done["cash_fen"], "currency": "CNY"}}


def _wish(body: dict[str, Any]) -> holds.Wish:
    reference, cash = body["order_ref"], body["cash"]
    return holds.Wish(
        points=body["points"],
        minutes=body["minutes"],
        cash_fen=cash["amount_fen"] if cash else 0,
        reward_id=UUID(body["reward_id"]) if body["reward_id"] else None,
        quantity=body["quantity"],
        terms_version=body["terms_version"],
        order=(reference["source"], reference["id"]) if reference else None,
    )


def _himself(uow: UnitOfWork) -> UUID | None:
    return UUID(uow.actor.id) if uow.actor.role == Role.OWNER else None


def _shown(view: queries.HoldView) -> dict[str, Any]:
    reference = {"source": view.order_source, "id": view.order_key}
    return {
        **asdict(view),
        "order_ref": reference if view.order_source else None,
        "cash": {"amount_fen": view.cash_fen, "currency": "CNY"},
    }
