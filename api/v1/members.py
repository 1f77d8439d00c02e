"""Members and their vehicles. An owner reads his own record and no other."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from api.masking import found_name_for, name_for, phone_shown, vehicle_for
from api.routes import Routes
from api.schemas import members as shapes
from api.v1.access import own
from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.members import queries
from loyalty.members.change import MemberChange, change_member
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.queries import MemberView
from loyalty.members.vehicles import OwnedVehicle, own_vehicle
from referral.policy import policy_on

routes = Routes("members")
READERS = (
    Role.OWNER,
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.AUDITOR,
    Role.CRM,
)
ENROLLERS = (Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.CRM)
CHANGERS = (Role.DUTY_MANAGER, Role.DEALER_ADMIN, Role.CRM)
SEARCHERS = (
    Role.DUTY_MANAGER,
    Role.SHOWROOM_MANAGER,
    Role.DEALER_ADMIN,
    Role.CONSULTANT,
    Role.CRM,
)


@routes.post(
    "/v1/members",
    summary="Enrol a member",
    roles=ENROLLERS,
    body=shapes.MemberIn,
    answer=shapes.MemberOut,
    problems=("member_changed", "mobile_invalid", "name_invalid", "joined_in_the_future"),
    example={
        "external_ref": {"source": "crm", "id": "C-1001"},
        "name": "张三",
        "phone": "13800138000",
        "occupation": "建材",
        "joined_on": "2024-05-01",
    },
)
def create_member(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Told again with the same reference and data, the member is answered again."""
    reference = body.pop("external_ref")
    person = Enrolment(source=reference["source"], external_id=reference["id"], **body)
    return _shown(uow, queries.get_member(uow, enroll(uow, person)))


@routes.post(
    "/v1/members/<uuid:member_id>/changes",
    summary="Change a member's name, phone or occupation",
    roles=CHANGERS,
    body=shapes.MemberChangeIn,
    answer=shapes.MemberOut,
    decision=True,
    problems=(
        "member_not_found",
        "mobile_invalid",
        "name_invalid",
        "nothing_to_change",
        "version_changed",
    ),
    example={"phone": "13900139000"},
)
def create_member_change(
    uow: UnitOfWork, member_id: UUID, version: int, body: dict[str, Any]
) -> dict[str, Any]:
    """What is absent or null stays as it is; the old phone finds the member no more, is told of
    the change, and stays the one that verifies until the new one has cooled off."""
    cooling_days = policy_on(uow).policy.contact_cooling_days
    change = MemberChange(**body)
    change_member(uow, member_id, change, version=version, cooling_days=cooling_days)
    return _shown(uow, queries.get_member(uow, member_id))


@routes.post(
    "/v1/members/search",
    summary="Find members by exact phone, plate or VIN",
    roles=SEARCHERS,
    body=shapes.MemberSearchIn,
    answer=shapes.MembersOut,
    status=200,
    keeps_answer=False,
    problems=("search_by_exactly_one", "mobile_invalid", "plate_invalid", "vin_check_digit"),
    example={"phone": "13800138000"},
)
def search_members(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """The value searched for stands in the body, never in an address. Who found whom is kept: what
    a consultant has looked at is no secret any more when a referral is verified."""
    by = {"phone": queries.by_phone, "plate": queries.by_plate, "vin": queries.by_vin}
    given = [(by[key], value) for key, value in body.items() if value is not None]
    if len(given) != 1:
        raise RuleViolation("search_by_exactly_one")
    found, value = given[0]
    items = found(uow, value)
    for member in items:
        uow.audit("member.found", member.id)
    return {"items": [_shown(uow, member, found_name_for) for member in items]}


@routes.get(
    "/v1/members/<uuid:member_id>",
    summary="One member",
    roles=READERS,
    answer=shapes.MemberOut,
    problems=("member_not_found",),
)
def get_member(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """Name and phone are masked by role."""
    return _shown(uow, queries.get_member(uow, own(uow, member_id)))


@routes.post(
    "/v1/vehicle-ownerships",
    summary="Record who owned a vehicle from when until when",
    roles=(Role.CRM, Role.DEALER_ADMIN),
    body=shapes.VehicleIn,
    answer=shapes.OwnershipOut,
    problems=(
        "member_not_found",
        "own_account",
        "vin_check_digit",
        "plate_invalid",
        "colour_unknown",
        "ownership_closed",
    ),
    example={
        "member_id": "01939d5e-7c00-7000-8000-000000000001",
        "vin": "LFV2A21K8A3000001",
        "plate": "京A12345",
        "model": "速腾",
        "colour": "白色",
        "transmission": "automatic",
        "owned_from": "2024-05-01",
    },
)
def create_vehicle_ownership(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """The VIN identifies the car; its plate follows the latest report that has one. Whose level
    needs less with this car has it at once."""
    member_id = UUID(body.pop("member_id"))
    return {"id": own_vehicle(uow, member_id, OwnedVehicle(**body)), "member_id": member_id}


@routes.get(
    "/v1/members/<uuid:member_id>/vehicles",
    summary="The cars a member owns or owned",
    roles=READERS,
    answer=shapes.VehiclesOut,
    problems=("member_not_found",),
)
def list_vehicles(uow: UnitOfWork, member_id: UUID) -> dict[str, Any]:
    """Latest first; plate and VIN are masked by role."""
    member = queries.get_member(uow, own(uow, member_id))
    cars = queries.vehicles_of(uow, member.id)
    return {"items": [vehicle_for(uow.actor.role, car) for car in cars]}


def _shown(
    uow: UnitOfWork, member: MemberView, shown_name: Callable[[str, str], str] = name_for
) -> dict[str, Any]:
    return {
        "id": member.id,
        "external_ref": {"source": member.source, "id": member.external_id},
        "name": shown_name(uow.actor.role, member.name),
        "phone": phone_shown(member.phone),
        "joined_on": member.joined_on,
        "version": member.version,
    }
