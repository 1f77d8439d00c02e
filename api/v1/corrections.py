"""What people do to a balance by hand: adjust, transfer, freeze, reinstate."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import corrections as shapes
from api.schemas.paging import page_of
from api.v1.access import for_owner, own
from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import adjust, freeze, reinstate, transfer
from loyalty.points import correction_queries as queries
from loyalty.points.models import AccountFreeze, PointAdjustment

routes = Routes("corrections")
REQUESTERS = (Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.PROGRAMME_ADMIN, Role.CONSULTANT)
DECIDERS = (Role.PROGRAMME_ADMIN, Role.SHOWROOM_MANAGER, Role.DUTY_MANAGER)
OVERSEERS = (*DECIDERS, Role.DEALER_ADMIN, Role.FINANCE, Role.AUDITOR)
GIVERS = (Role.OWNER, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)
REFUSALS = (
    "account_frozen",
    "adjustment_decided",
    "adjustment_not_found",
    "approval_needs_programme_admin",
    "insufficient_points",
    "own_account",
    "separation_of_duties",
    "version_changed",
)


@routes.post(
    "/v1/point-adjustments",
    summary="Correct a member's points by hand",
    roles=REQUESTERS,
    body=shapes.AdjustmentIn,
    answer=shapes.AdjustmentOut,
    problems=(
        "account_frozen",
        "insufficient_points",
        "member_not_found",
        "own_account",
        "points_zero",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "points": 500,
        "reason": "工单漏记积分",
    },
)
def create_adjustment(uow: UnitOfWork, body: dict[str, Any]) -> PointAdjustment:
    """Managers post up to 2,000 points by hand per member and 30 days; the rest is `requested`."""
    wanted = body | {"member_id": UUID(body["member_id"])}
    return queries.get_adjustment(uow, adjust.request_adjustment(uow, **wanted))


@routes.post(
    "/v1/point-adjustments/<uuid:adjustment_id>/approvals",
    summary="A second person posts a requested adjustment",
    roles=DECIDERS,
    body=shapes.DecisionIn,
    answer=shapes.AdjustmentOut,
    decision=True,
    problems=REFUSALS,
    example={},
)
def create_adjustment_approval(
    uow: UnitOfWork, adjustment_id: UUID, version: int, body: dict[str, Any]
) -> PointAdjustment:
    """Above 2,000 points, counted like the small ones, the programme administrator decides; never
    who asked for it."""
    adjust.approve_adjustment(uow, adjustment_id, version=version, **body)
    return queries.get_adjustment(uow, adjustment_id)


@routes.post(
    "/v1/point-adjustments/<uuid:adjustment_id>/rejections",
    summary="A second person rejects a requested adjustment",
    roles=DECIDERS,
    body=shapes.DecisionIn,
    answer=shapes.AdjustmentOut,
    decision=True,
    problems=REFUSALS,
    example={},
)
def create_adjustment_rejection(
    uow: UnitOfWork, adjustment_id: UUID, version: int, body: dict[str, Any]
) -> PointAdjustment:
    """No points move; who may approve may reject."""
    adjust.reject_adjustment(uow, adjustment_id, version=version, **body)
    return queries.get_adjustment(uow, adjustment_id)


@routes.get(
    "/v1/point-adjustments",
    summary="Adjustments, newest first",
    roles=OVERSEERS,
    answer=page_of(shapes.AdjustmentOut),
    query=shapes.AdjustmentQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_adjustments(
    uow: UnitOfWork, page: Page, query: dict[str, Any]
) -> Sequence[PointAdjustment]:
    """`state=requested` are those that wait for a second person."""
    return queries.list_adjustments(uow, **query, before=page.position, limit=page.fetch)


@routes.get(
    "/v1/point-adjustments/<uuid:adjustment_id>",
    summary="One adjustment",
    roles=(*OVERSEERS, Role.CONSULTANT),
    answer=shapes.AdjustmentOut,
    problems=("adjustment_not_found",),
)
def get_adjustment(uow: UnitOfWork, adjustment_id: UUID) -> PointAdjustment:
    """A consultant sees his own. Its version is the ETag that a decision needs in If-Match."""
    mine = UUID(uow.actor.id) if uow.actor.role == Role.CONSULTANT else None
    return queries.get_adjustment(uow, adjustment_id, requested_by=mine)


@routes.post(
    "/v1/point-transfers",
    summary="Give points to another member",
    roles=GIVERS,
    body=shapes.TransferIn,
    answer=shapes.TransferOut,
    problems=(
        "account_frozen",
        "insufficient_points",
        "member_not_found",
        "own_account",
        "receiver_by_exactly_one",
        "receiver_not_found",
        "transfer_limit",
        "transfer_to_oneself",
    ),
    example={
        "from_member_id": "01939d5e-7c00-7000-8000-000000000001",
        "to_member_id": "01939d5e-7c00-7000-8000-000000000002",
        "points": 500,
    },
)
def create_transfer(uow: UnitOfWork, body: dict[str, Any]) -> queries.TransferView:
    """The points keep their dates. An owner names the receiver by phone and full name."""
    sender, points = own(uow, UUID(body["from_member_id"])), body["points"]
    receiver = _receiver(uow, sender, body)
    key = transfer.transfer(uow, sender=sender, receiver=receiver, points=points)
    return queries.get_transfer(uow, key)


@routes.get(
    "/v1/members/<uuid:member_id>/point-transfers",
    summary="Points a member gave and got",
    roles=(*GIVERS, Role.DEALER_ADMIN, Role.FINANCE, Role.AUDITOR),
    answer=page_of(shapes.TransferOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_transfers(uow: UnitOfWork, member_id: UUID, page: Page) -> list[queries.TransferView]:
    """Newest first. An owner sees no staff."""
    found = queries.list_transfers(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [replace(each, transferred_by=None) for each in found] if for_owner(uow) else found


@routes.post(
    "/v1/account-freezes",
    summary="Freeze a member's points",
    roles=(Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN),
    body=shapes.FreezeIn,
    answer=shapes.FreezeOut,
    problems=("already_frozen", "member_not_found"),
    example={"member_id": "01939d5e-7c00-7000-8000-000000000001", "reason": "疑似盗用"},
)
def create_freeze(uow: UnitOfWork, body: dict[str, Any]) -> AccountFreeze:
    """Nothing is spent, held, captured or transferred; credits and expiry go on."""
    key = freeze.freeze(uow, member_id=UUID(body["member_id"]), reason=body["reason"])
    return queries.get_freeze(uow, key)


@routes.post(
    "/v1/account-freezes/<uuid:freeze_id>/lifts",
    summary="Lift a freeze",
    roles=(Role.DEALER_ADMIN,),
    body=shapes.LiftIn,
    answer=shapes.FreezeOut,
    problems=("freeze_lifted", "freeze_not_found", "own_account", "separation_of_duties"),
    example={},
)
def create_lift(uow: UnitOfWork, freeze_id: UUID, body: dict[str, Any]) -> AccountFreeze:
    """By another person than the one who froze."""
    freeze.lift(uow, freeze_id, **body)
    return queries.get_freeze(uow, freeze_id)


@routes.get(
    "/v1/members/<uuid:member_id>/account-freezes",
    summary="The freezes of a member's account",
    roles=(Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.AUDITOR),
    answer=page_of(shapes.FreezeOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_freezes(uow: UnitOfWork, member_id: UUID, page: Page) -> Sequence[AccountFreeze]:
    """Newest first; the one without `lifted_at` holds."""
    return queries.list_freezes(uow, own(uow, member_id), before=page.position, limit=page.fetch)


@routes.post(
    "/v1/point-reinstatements",
    summary="Give back points that expired",
    roles=(Role.PROGRAMME_ADMIN, Role.SHOWROOM_MANAGER),
    body=shapes.ReinstatementIn,
    answer=shapes.ReinstatementOut,
    problems=(
        "approval_needs_programme_admin",
        "lot_not_found",
        "member_not_found",
        "own_account",
        "reinstatement_exceeds_expired",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "lot_id": "01939d5e-7c00-7000-8000-000000000003",
        "points": 100,
        "months": 3,
        "reason": "系统故障期间过期",
    },
)
def create_reinstatement(uow: UnitOfWork, body: dict[str, Any]) -> reinstate.Reinstatement:
    """A new lot with an end of its own; never more than expired."""
    ids = {name: UUID(body[name]) for name in ("member_id", "lot_id")}
    return reinstate.reinstate(uow, **body | ids)


def _receiver(uow: UnitOfWork, sender: UUID, body: dict[str, Any]) -> UUID:
    by_id, by_name = body["to_member_id"], body["to"]
    if (by_id is None) == (by_name is None):
        raise RuleViolation("receiver_by_exactly_one")
    if by_id and for_owner(uow):
        raise RuleViolation("receiver_by_exactly_one", pointer="/to_member_id")
    if by_id:
        return UUID(by_id)
    return transfer.receiver_named(uow, sender=sender, points=body["points"], **by_name)
