"""Relatives of the staff: whoever is declared is not judged by his own."""

from typing import Any
from uuid import UUID

from api.routes import Routes
from api.schemas import justice as shapes
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.justice.relatives import declare_relative

routes = Routes("relatives")


@routes.post(
    "/v1/staff/<uuid:staff_id>/relatives",
    summary="Declare a relative of a staff member",
    roles=(Role.DEALER_ADMIN, Role.CRM),
    body=shapes.RelativeIn,
    answer=shapes.RelativeOut,
    problems=("mobile_invalid", "staff_not_found"),
    example={"phone": "13700137000"},
)
def create_relative(uow: UnitOfWork, staff_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """The number is not kept, only its blind index; a declaration is never taken back."""
    declare_relative(uow, staff_id, **body)
    return {"staff_id": staff_id}
