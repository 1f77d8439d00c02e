"""Reads of members and vehicles. They open sealed fields; the API masks by role."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile, plate, vin
from loyalty.members.models import Member, Ownership, Vehicle

Who = Callable[[SQLColumnExpression[UUID]], ColumnElement[bool]]
"""Which members a statement is about: a condition on a column with their ids."""


@dataclass(frozen=True, slots=True)
class MemberView:
    id: UUID
    source: str
    external_id: str
    name: str
    phone: str
    phone_index: bytes
    occupation: str | None
    joined_on: date
    version: int
    household_index: bytes | None


@dataclass(frozen=True, slots=True)
class VehicleView:
    id: UUID
    vin: str
    plate: str | None
    model: str
    colour: str
    transmission: str
    use_nature: str
    owned_from: date
    owned_until: date | None


def exists(session: Session, member_id: UUID) -> bool:
    """Whether this is a member of the dealer the transaction is bound to."""
    return session.scalar(select(Member.id).where(Member.id == member_id)) is not None


def find_reference(session: Session, dealer_id: UUID, source: str, external_id: str) -> UUID:
    """The member a CRM reference names. Raises NotFound `member_not_found`."""
    key = session.scalar(
        select(Member.id).where(
            Member.dealer_id == dealer_id,
            Member.source == source,
            Member.external_id == external_id,
        )
    )
    if key is None:
        raise NotFound("member_not_found")
    return key


def get_member(uow: UnitOfWork, member_id: UUID) -> MemberView:
    """One member of this dealer. Raises NotFound `member_not_found`."""
    row = uow.session.scalar(select(Member).where(Member.id == member_id))
    if row is None:
        raise NotFound("member_not_found")
    return _view(uow, row)


def by_references(uow: UnitOfWork, source: str, references: Collection[str]) -> dict[str, UUID]:
    """The members known under these CRM references, by reference; unknown ones are left out."""
    found = uow.session.execute(
        select(Member.external_id, Member.id).where(
            Member.source == source, Member.external_id.in_(references)
        )
    )
    return {row.external_id: row.id for row in found}


def by_phone(uow: UnitOfWork, phone: str) -> list[MemberView]:
    """Members who use this number now: none, one or several (a phone is an attribute)."""
    index = uow.blind(mobile.canonical(phone), column="phone")
    rows = select(Member).where(Member.phone_index == index).order_by(Member.id).limit(20)
    return [_view(uow, row) for row in uow.session.scalars(rows)]


def by_plate(uow: UnitOfWork, plate_no: str) -> list[MemberView]:
    """Members who own or owned the car with this plate (车牌)."""
    return _owners(uow, Vehicle.plate_index == uow.blind(plate.canonical(plate_no), column="plate"))


def by_vin(uow: UnitOfWork, number: str) -> list[MemberView]:
    """Members who own or owned the car with this VIN."""
    return _owners(uow, Vehicle.vin_index == uow.blind(vin.canonical(number), column="vin"))


def model_of(uow: UnitOfWork, vin_index: bytes) -> tuple[UUID, str] | None:
    """Id and model of the vehicle with this blind index of its VIN; None when it is not known."""
    row = uow.session.execute(
        select(Vehicle.id, Vehicle.model).where(Vehicle.vin_index == vin_index)
    ).first()
    return None if row is None else (row.id, row.model)


def vehicles_of(uow: UnitOfWork, member_id: UUID) -> list[VehicleView]:
    """Every car the member owns or owned, latest first."""
    rows = uow.session.execute(
        select(Vehicle, Ownership.owned_from, Ownership.owned_until)
        .join(Ownership, Ownership.vehicle_id == Vehicle.id)
        .where(Ownership.member_id == member_id)
        .order_by(Ownership.owned_from.desc(), Vehicle.id)
        .limit(200)
    )
    return [_vehicle(uow, row, since, until) for row, since, until in rows]


def every_car(uow: UnitOfWork) -> Iterator[VehicleView]:
    """Every car with each of its owners' periods, the latest recorded first."""
    rows = uow.session.execute(
        select(Vehicle, Ownership.owned_from, Ownership.owned_until)
        .join(Ownership, Ownership.vehicle_id == Vehicle.id)
        .where(Ownership.dealer_id == uow.dealer_id)
        .order_by(Ownership.id.desc())
        .execution_options(yield_per=1_000)
    )
    for row, since, until in rows:
        yield _vehicle(uow, row, since, until)


def occupations(uow: UnitOfWork) -> Iterator[str]:
    """What members do for a living, where it is known, the latest enrolled first."""
    rows = uow.session.execute(
        select(Member.id, Member.occupation)
        .where(Member.dealer_id == uow.dealer_id, Member.occupation.is_not(None))
        .order_by(Member.id.desc())
        .execution_options(yield_per=1_000)
    )
    for row in rows:
        yield uow.open(row.occupation, column="member.occupation", row=row.id)


def _owners(uow: UnitOfWork, condition: ColumnElement[bool]) -> list[MemberView]:
    rows = uow.session.scalars(
        select(Member)
        .where(
            Member.id.in_(
                select(Ownership.member_id)
                .join(Vehicle, Vehicle.id == Ownership.vehicle_id)
                .where(condition)
            )
        )
        .order_by(Member.id)
        .limit(20)
    )
    return [_view(uow, row) for row in rows]


def _view(uow: UnitOfWork, row: Member) -> MemberView:
    occupation = row.occupation and uow.open(row.occupation, column="member.occupation", row=row.id)
    return MemberView(
        id=row.id,
        source=row.source,
        external_id=row.external_id,
        name=uow.open(row.name, column="member.name", row=row.id),
        phone=uow.open(row.phone, column="member.phone", row=row.id),
        phone_index=row.phone_index,
        occupation=occupation or None,
        joined_on=row.joined_on,
        version=row.version,
        household_index=row.household_index,
    )


def _vehicle(uow: UnitOfWork, row: Vehicle, since: date, until: date | None) -> VehicleView:
    plate_no = row.plate and uow.open(row.plate, column="vehicle.plate", row=row.id)
    return VehicleView(
        id=row.id,
        vin=uow.open(row.vin, column="vehicle.vin", row=row.id),
        plate=plate_no or None,
        model=row.model,
        colour=row.colour,
        transmission=row.transmission,
        use_nature=row.use_nature,
        owned_from=since,
        owned_until=until,
    )


def ids_of(who: Who) -> Select[UUID]:
    """The ids of these members, as a statement."""
    return select(Member.id).where(who(Member.id))


def models_owned(on: date, who: Who) -> Select[UUID, str]:
    """These members with the models they own on a day, as a statement."""
    return (
        select(Ownership.member_id, Vehicle.model)
        .join(Vehicle, Vehicle.id == Ownership.vehicle_id)
        .where(
            who(Ownership.member_id),
            Ownership.owned_from <= on,
            or_(Ownership.owned_until.is_(None), Ownership.owned_until > on),
        )
    )
