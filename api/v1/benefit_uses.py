"""Benefits as members use them: what is left, reservations, and how each of them ended."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import benefits as shapes
from api.schemas.paging import page_of
from api.v1.access import for_owner, own
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits import queries
from loyalty.benefits.let_go import no_show, release
from loyalty.benefits.reserve import Wish, reserve
from loyalty.benefits.use import reverse, use_reserved
from loyalty.dealers.roles import Role

routes = Routes("benefits")
DESK = (Role.SERVICE_DESK, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)
RESERVERS = (Role.OWNER, *DESK, Role.CRM)
READERS = (*RESERVERS, Role.DEALER_ADMIN, Role.AUDITOR)


@routes.get(
    "/v1/members/<uuid:member_id>/benefits",
    summary="What a member has left of every benefit now",
    roles=READERS,
    answer=shapes.BenefitsLeftOut,
    problems=("member_not_found",),
)
def get_member_benefits(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """Lot by lot, whatever job has run: what has ended is not there, null is unlimited."""
    return {"items": queries.benefits_left(uow, own(uow, member_id))}


@routes.get(
    "/v1/members/<uuid:member_id>/benefit-usages",
    summary="A member's reservations and uses of benefits",
    roles=READERS,
    answer=page_of(shapes.UsageOut),
    paged=True,
    problems=("member_not_found", "cursor_invalid"),
)
def list_benefit_usages(uow: UnitOfWork, member_id: UUID, page: Page) -> list[queries.UsageView]:
    """Newest first, whatever became of them. An owner sees no staff."""
    found = queries.list_usages(uow, own(uow, member_id), before=page.position, limit=page.fetch)
    return [_shown(uow, each) for each in found]


@routes.post(
    "/v1/benefit-reservations",
    summary="Put a unit of a benefit aside",
    roles=RESERVERS,
    body=shapes.ReservationIn,
    answer=shapes.UsageOut,
    problems=(
        "account_frozen",
        "appointment_after_end",
        "appointment_needed",
        "appointment_out_of_reach",
        "benefit_not_found",
        "benefit_used_up",
        "choice_unknown",
        "member_not_found",
        "vehicle_needed",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "benefit": "wash",
        "vehicle_id": None,
        "choice": None,
        "appointment_at": None,
        "place": None,
    },
)
def create_benefit_reservation(uow: UnitOfWork, body: dict[str, Any]) -> queries.UsageView:
    """For an appointment, until the end of the next day; without one, for half an hour. It ends
    by itself, and never later than the unit it keeps."""
    member_id, vehicle = own(uow, UUID(body.pop("member_id"))), body.pop("vehicle_id")
    wish = Wish(vehicle_id=UUID(vehicle) if vehicle else None, **body)
    return _found(uow, reserve(uow, member_id, wish))


@routes.post(
    "/v1/benefit-reservations/<uuid:usage_id>/releases",
    summary="Give back a unit that was put aside",
    roles=RESERVERS,
    body=shapes.NothingIn,
    answer=shapes.UsageOut,
    problems=("appointment_passed", "own_account", "reservation_ended", "reservation_not_found"),
    example={},
)
def create_benefit_release(
    uow: UnitOfWork, usage_id: UUID, body: dict[str, Any]
) -> queries.UsageView:
    """Until the time of the appointment; after it a manager may."""
    release(uow, _whose(uow, usage_id), usage_id, **body)
    return _found(uow, usage_id)


@routes.post(
    "/v1/benefit-reservations/<uuid:usage_id>/uses",
    summary="Use up a unit that was put aside",
    roles=(*DESK, Role.CRM),
    body=shapes.NothingIn,
    answer=shapes.UsageOut,
    problems=("account_frozen", "own_account", "reservation_ended", "reservation_not_found"),
    example={},
)
def create_benefit_use(uow: UnitOfWork, usage_id: UUID, body: dict[str, Any]) -> queries.UsageView:
    """Once, and given here: what a partner gives is used by the member's counter code at his own
    desk."""
    use_reserved(uow, _whose(uow, usage_id), usage_id, **body)
    return _found(uow, usage_id)


@routes.post(
    "/v1/benefit-reservations/<uuid:usage_id>/no-shows",
    summary="Tell that nobody came to an appointment",
    roles=DESK,
    body=shapes.NothingIn,
    answer=shapes.UsageOut,
    problems=(
        "appointment_not_passed",
        "own_account",
        "reservation_ended",
        "reservation_not_found",
    ),
    example={},
)
def create_benefit_no_show(
    uow: UnitOfWork, usage_id: UUID, body: dict[str, Any]
) -> queries.UsageView:
    """The unit is lost, or there again, as the benefit says."""
    no_show(uow, _whose(uow, usage_id), usage_id, **body)
    return _found(uow, usage_id)


@routes.post(
    "/v1/benefit-usages/<uuid:usage_id>/reversals",
    summary="Undo a use",
    roles=DESK,
    body=shapes.ReversalIn,
    answer=shapes.UsageOut,
    problems=(
        "benefit_not_used",
        "own_account",
        "reservation_not_found",
        "reversal_too_late",
        "separation_of_duties",
    ),
    example={"reason": "登记有误"},
)
def create_benefit_reversal(
    uow: UnitOfWork, usage_id: UUID, body: dict[str, Any]
) -> queries.UsageView:
    """Within the days the benefit allows; the unit goes back, unless it has ended meanwhile. What
    a partner gave is undone by a manager who did not use it himself."""
    reverse(uow, _whose(uow, usage_id), usage_id, **body)
    return _found(uow, usage_id)


def _whose(uow: UnitOfWork, usage_id: UUID) -> UUID:
    """Whose use this is; an owner sees his own alone."""
    mine = UUID(uow.actor.id) if for_owner(uow) else None
    return queries.member_of(uow, usage_id, member_id=mine)


def _found(uow: UnitOfWork, usage_id: UUID) -> queries.UsageView:
    return _shown(uow, queries.get_usage(uow, usage_id))


def _shown(uow: UnitOfWork, view: queries.UsageView) -> queries.UsageView:
    if not for_owner(uow):
        return view
    return replace(view, reserved_by=None, used_by=None, ended_by=None)
