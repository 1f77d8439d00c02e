"""What becomes of a redemption: made ready, handed over, or cancelled while that is allowed."""

from typing import Any
from uuid import UUID

from api.routes import Routes
from api.schemas import fulfilment as shapes
from api.v1.access import for_owner
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.rewards.cancel import refused
from loyalty.rewards.fulfil import Course, course_of, hand_over_without_code, mark_ready

routes = Routes("rewards")
DESK = (Role.SERVICE_DESK, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER)
_PROBLEMS = (
    "redemption_not_found",
    "own_account",
    "redemption_cancelled",
    "redemption_not_for_counter",
    "handed_over_already",
)


@routes.get(
    "/v1/redemptions/<uuid:redemption_id>/fulfilment",
    summary="Where a redemption stands",
    roles=(Role.OWNER, *DESK),
    answer=shapes.FulfilmentOut,
    problems=("redemption_not_found",),
)
def get_fulfilment(uow: UnitOfWork, redemption_id: UUID) -> dict[str, Any]:
    """Done, ordered, ready, issued, handed_over or cancelled; its steps; and whether the caller may
    cancel it now."""
    return _shown(uow, course_of(uow, redemption_id))


@routes.post(
    "/v1/redemptions/<uuid:redemption_id>/ready-notices",
    summary="Tell that the goods lie ready",
    roles=DESK,
    body=shapes.StepIn,
    answer=shapes.FulfilmentOut,
    problems=(*_PROBLEMS, "ready_already"),
    example={},
)
def create_ready_notice(
    uow: UnitOfWork, redemption_id: UUID, body: dict[str, Any]
) -> dict[str, Any]:
    """Once; an event tells the owner's app."""
    return _shown(uow, mark_ready(uow, redemption_id, **body))


@routes.post(
    "/v1/redemptions/<uuid:redemption_id>/handovers",
    summary="Hand the goods over",
    roles=DESK,
    body=shapes.StepIn,
    answer=shapes.FulfilmentOut,
    problems=(*_PROBLEMS, "honoured_elsewhere", "account_frozen", "separation_of_duties"),
    example={},
)
def create_handover(uow: UnitOfWork, redemption_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Once, whether it was made ready before or not; after it nothing is cancelled. Not by the
    person who redeemed it for the member: he needs a colleague, or the member's counter code."""
    return _shown(uow, hand_over_without_code(uow, redemption_id, **body))


def _shown(uow: UnitOfWork, course: Course) -> dict[str, Any]:
    """An owner is not told who of the staff did what."""
    against, blind = refused(uow, course), for_owner(uow)
    return {
        "redemption_id": course.redemption.id,
        "fulfilment": course.fulfilment,
        "state": course.state,
        "steps": [
            {"step": each.step, "at": each.at, "by": None if blind else each.by}
            for each in course.steps
        ],
        "codes": course.codes,
        "codes_revealed": course.revealed,
        "may_cancel": against is None,
        "cancel_refused": against.code if against else None,
    }
