"""What each role sees of a name, a phone, a plate, a VIN (api.md, masking): data, not code paths.

A phone is never whole here: who must dial asks for it, with a trace.
"""

from loyalty.dealers.roles import Role
from loyalty.formats.address import surname

WHOLE_NAME = frozenset(
    {Role.OWNER, Role.CONSULTANT, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN}
)
WHOLE_VEHICLE = frozenset({Role.OWNER, Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN})


def name_for(role: str, name: str) -> str:
    """The whole name, or 张*."""
    return name if role in WHOLE_NAME else f"{surname(name)}*"


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
