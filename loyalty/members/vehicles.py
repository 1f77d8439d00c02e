"""Vehicles as subjects: a car is known by its VIN (车架号), owners come and go (F60)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import colour, plate, text, vin
from loyalty.members.models import Ownership, Vehicle
from loyalty.members.queries import exists
from loyalty.points import ledger
from loyalty.points.own_account import refuse_own_account
from loyalty.tiers.assess import assess

TRANSMISSIONS = ("automatic", "manual")


@dataclass(frozen=True, slots=True)
class OwnedVehicle:
    """A car and one period of ownership, half open: `owned_until` is the first day without it."""

    vin: str
    plate: str | None
    model: str
    colour: str
    transmission: str
    use_nature: str
    owned_from: date
    owned_until: date | None = None


def own_vehicle(uow: UnitOfWork, member_id: UUID, car: OwnedVehicle) -> UUID:
    """Record a car as `add_ownership` does, and move the member whose threshold it lowers (F25);
    nobody enters cars for his own membership.

    Raises as `add_ownership`, and Forbidden `own_account`.
    """
    ledger.lock(uow, [member_id])
    refuse_own_account(uow, member_id)
    key = add_ownership(uow, member_id, car)
    assess(uow, [member_id])
    return key


def add_ownership(uow: UnitOfWork, member_id: UUID, car: OwnedVehicle) -> UUID:
    """Record that the member owned this car; told twice, nothing changes.

    The car's plate follows the latest report that has one, and a period once closed stays so.
    Raises NotFound `member_not_found`, Conflict `ownership_closed` for another end of a closed
    period, RuleViolation for VIN, plate, colour, `transmission_unknown`,
    `owned_until_not_after_from`.
    """
    if car.transmission not in TRANSMISSIONS:
        raise RuleViolation("transmission_unknown", pointer="/transmission")
    if not text.normalise(car.model):
        raise RuleViolation("value_missing", pointer="/model", column="model")
    if car.owned_until is not None and car.owned_until <= car.owned_from:
        raise RuleViolation("owned_until_not_after_from", pointer="/owned_until")
    if not exists(uow.session, member_id):
        raise NotFound("member_not_found")
    key = _put_period(uow, member_id, _put_vehicle(uow, car), car)
    uow.audit("vehicle.ownership_recorded", key)
    return key


def _put_period(uow: UnitOfWork, member_id: UUID, vehicle_id: UUID, car: OwnedVehicle) -> UUID:
    """The lock on the vehicle's row, taken before, lets one report at a time come here."""
    row = uow.session.scalar(
        select(Ownership).where(
            Ownership.vehicle_id == vehicle_id,
            Ownership.member_id == member_id,
            Ownership.owned_from == car.owned_from,
        )
    )
    if row is None:
        row = Ownership(
            id=new_id(),
            dealer_id=uow.dealer_id,
            vehicle_id=vehicle_id,
            member_id=member_id,
            owned_from=car.owned_from,
            created_at=uow.now,
        )
        uow.session.add(row)
    if row.owned_until is not None and car.owned_until not in (None, row.owned_until):
        raise Conflict("ownership_closed", pointer="/owned_until")
    row.owned_until = row.owned_until or car.owned_until
    uow.session.flush()
    return row.id


def _put_vehicle(uow: UnitOfWork, car: OwnedVehicle) -> UUID:
    number = vin.canonical(car.vin)
    index = uow.blind(number, column="vin")
    key = new_id()
    created = uow.session.scalar(
        insert(Vehicle)
        .values(
            id=key,
            dealer_id=uow.dealer_id,
            vin=uow.seal(number, column="vehicle.vin", row=key),
            vin_index=index,
            created_at=uow.now,
            **_reported(uow, car, key),
        )
        .on_conflict_do_nothing(index_elements=["dealer_id", "vin_index"])
        .returning(Vehicle.id)
    )
    if created is not None:
        return key
    row = uow.session.scalars(
        select(Vehicle).where(Vehicle.vin_index == index).with_for_update()
    ).one()
    for name, value in _reported(uow, car, row.id).items():
        setattr(row, name, value)
    uow.session.flush()
    return row.id


def _reported(uow: UnitOfWork, car: OwnedVehicle, key: UUID) -> dict[str, object]:
    """What a report may change; one without a plate (车牌) does not take a known one away."""
    told: dict[str, object] = {}
    if car.plate:
        plate_no = plate.canonical(car.plate)
        told["plate"] = uow.seal(plate_no, column="vehicle.plate", row=key)
        told["plate_index"] = uow.blind(plate_no, column="plate")
    return told | {
        "model": text.normalise(car.model),
        "colour": colour.canonical(car.colour),
        "transmission": car.transmission,
        "use_nature": text.normalise(car.use_nature),
    }
