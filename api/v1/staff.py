"""The staff directory: who works here, in which roles, and tokens withdrawn."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import members as shapes
from api.schemas.paging import page_of
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers import directory
from loyalty.dealers.directory import StaffView
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import add_staff, change_staff, withdraw_token

routes = Routes("staff")


@routes.post(
    "/v1/staff",
    summary="Enter a staff member",
    roles=(Role.DEALER_ADMIN, Role.CRM),
    body=shapes.StaffIn,
    answer=shapes.StaffOut,
    problems=("mobile_invalid", "role_not_grantable", "staff_no_taken"),
    example={
        "staff_no": "S-012",
        "name": "王五",
        "phone": None,
        "roles": ["consultant"],
        "team": "sales-a",
    },
)
def create_staff(uow: UnitOfWork, body: dict[str, Any]) -> StaffView:
    """Roles count from the next request of that person on."""
    return directory.get_staff(uow, add_staff(uow, **body))


@routes.post(
    "/v1/staff/<uuid:staff_id>/changes",
    summary="Change a person's roles, team or standing",
    roles=(Role.DEALER_ADMIN,),
    body=shapes.StaffChangeIn,
    answer=shapes.StaffOut,
    decision=True,
    problems=("not_on_yourself", "role_not_grantable", "staff_not_found", "version_changed"),
    example={"roles": ["consultant", "service_desk"], "team": "sales-a", "active": True},
)
def create_staff_change(
    uow: UnitOfWork, staff_id: UUID, version: int, body: dict[str, Any]
) -> StaffView:
    """Nobody changes his own entry."""
    change_staff(uow, staff_id, version=version, **body)
    return directory.get_staff(uow, staff_id)


@routes.post(
    "/v1/token-withdrawals",
    summary="Refuse a token from now on",
    roles=(Role.DEALER_ADMIN, Role.CRM),
    body=shapes.TokenWithdrawalIn,
    answer=shapes.TokenWithdrawalOut,
    example={"token_id": "0d0f7e2a", "expires_at": "2026-11-21T12:00:00Z"},
)
def create_token_withdrawal(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """For a lost device or a person who left in the middle of a shift."""
    withdraw_token(uow, body["token_id"], until=body["expires_at"])
    return body


@routes.get(
    "/v1/staff",
    summary="The staff directory",
    roles=(Role.DEALER_ADMIN, Role.AUDITOR, Role.CRM),
    answer=page_of(shapes.StaffOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_staff(uow: UnitOfWork, page: Page) -> list[StaffView]:
    """Everybody, active or not."""
    return directory.list_staff(uow, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/staff/<uuid:staff_id>",
    summary="One staff member",
    roles=(Role.DEALER_ADMIN, Role.AUDITOR, Role.CRM),
    answer=shapes.StaffOut,
    problems=("staff_not_found",),
)
def get_staff(uow: UnitOfWork, staff_id: UUID) -> StaffView:
    """Its version is the ETag that a change needs in If-Match."""
    return directory.get_staff(uow, staff_id)
