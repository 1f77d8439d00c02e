"""Vehicles as subjects: a car is known by its VIN (车架号), owners come and go (F60)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import colour, plate, text, vin
from loyalty.members.models import Member, Ownership, Vehicle

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


def add_ownership(uow: UnitOfWork, member_id: UUID, car: OwnedVehicle) -> UUID:
    """Record that the member owned this car; told twice, nothing changes.

    The car's plate follows the latest report. Raises NotFound `member_not_found`,
    RuleViolation for VIN, plate, colour, `transmission_unknown`, `owned_until_not_after_from`.
    """
    if car.transmission not in TRANSMISSIONS:
        raise RuleViolation("transmission_unknown", pointer="/transmission")
    if car.owned_until is not None and car.owned_until <= car.owned_from:
        raise RuleViolation("owned_until_not_after_from", pointer="/owned_until")
    if uow.session.scalar(select(Member.id).where(Member.id == member_id)) is None:
        raise NotFound("member_not_found")
    vehicle_id = _put_vehicle(uow, car)
    key: UUID | None = uow.session.scalar(
        insert(Ownership)
        .values(
            id=new_id(),
            dealer_id=uow.dealer_id,
            vehicle_id=vehicle_id,
            member_id=member_id,
            owned_from=car.owned_from,
            owned_until=car.owned_until,
            created_at=uow.now,
        )
        .on_conflict_do_update(
            index_elements=["vehicle_id", "member_id", "owned_from"],
            set_={"owned_until": car.owned_until},
        )
        .returning(Ownership.id)
    )
    assert key is not None
    uow.audit("vehicle.ownership_recorded", key)
    return key


def _put_vehicle(uow: UnitOfWork, car: OwnedVehicle) -> UUID:
    number = vin.canonical(car.vin)
    index = uow.blind(number, column="vin")
    key = new_id()
    created = uow.session.scalar(
        insert(Vehicle)
        .values(id=key, created_at=uow.now, **_columns(uow, car, key, number, index))
        .on_conflict_do_nothing(index_elements=["dealer_id", "vin_index"])
        .returning(Vehicle.id)
    )
    if created is not None:
        return key
    row = uow.session.scalars(
        select(Vehicle).where(Vehicle.vin_index == index).with_for_update()
    ).one()
    for name, value in _columns(uow, car, row.id, number, index).items():
        setattr(row, name, value)
    uow.session.flush()
    return row.id


def _columns(
    uow: UnitOfWork, car: OwnedVehicle, key: UUID, number: str, index: bytes
) -> dict[str, object]:
    plate_no = plate.canonical(car.plate) if car.plate else None
    return {
        "dealer_id": uow.dealer_id,
        "vin": uow.seal(number, column="vehicle.vin", row=key),
        "vin_index": index,
        "plate": uow.seal(plate_no, column="vehicle.plate", row=key) if plate_no else None,
        "plate_index": uow.blind(plate_no, column="plate") if plate_no else None,
        "model": text.normalise(car.model),
        "colour": colour.canonical(car.colour),
        "transmission": car.transmission,
        "use_nature": text.normalise(car.use_nature),
    }
