"""What each role sees of a name, a phone, a plate, a VIN (api.md, masking): data, not code paths.

A phone is never whole here: who must dial asks for it, with a trace.
"""

from dataclasses import replace

from loyalty.dealers.roles import Role
from loyalty.formats.address import masked
from loyalty.members.queries import VehicleView

WHOLE_NAME = frozenset(
    {Role.OWNER, Role.CONSULTANT, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN}
)
WHOLE_NAME_FOUND = WHOLE_NAME - {Role.CONSULTANT}
WHOLE_VEHICLE = frozenset({Role.OWNER, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN})


def name_for(role: str, name: str) -> str:
    """The whole name, or 张*, in a record of the role's own work."""
    return name if role in WHOLE_NAME else masked(name)


def found_name_for(role: str, name: str) -> str:
    """The whole name, or 张*, in what a search found: consultants search the whole dealer."""
    return name if role in WHOLE_NAME_FOUND else masked(name)


def phone_shown(phone: str) -> str:
    """138****1234 of +8613812341234."""
    national = phone.removeprefix("+86")
    return f"{national[:3]}****{national[-4:]}"


def plate_for(role: str, plate: str | None) -> str | None:
    """The whole plate (车牌), or its first two and last two characters."""
    if plate is None or role in WHOLE_VEHICLE:
        return plate
    return f"{plate[:2]}{'*' * (len(plate) - 4)}{plate[-2:]}"


def vin_for(role: str, vin: str) -> str:
    """The whole VIN (车架号), or its last six characters."""
    return vin if role in WHOLE_VEHICLE else f"{'*' * 11}{vin[-6:]}"


def vehicle_for(role: str, car: VehicleView) -> VehicleView:
    """A car with what a role sees of its plate and VIN."""
    return replace(car, plate=plate_for(role, car.plate), vin=vin_for(role, car.vin))
