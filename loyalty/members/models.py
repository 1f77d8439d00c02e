"""Tables of members, vehicles and ownership periods. Names, phones, plates, VINs are sealed."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class Member(Base):
    __tablename__ = "member"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    source: Mapped[str]
    external_id: Mapped[str]
    name: Mapped[bytes]
    phone: Mapped[bytes]
    phone_index: Mapped[bytes]
    occupation: Mapped[bytes | None]
    joined_on: Mapped[date]
    version: Mapped[int]
    created_at: Mapped[Instant]
    household_index: Mapped[bytes | None]


class MemberFormerPhone(Base):
    """The number of record of a member whose phone was changed, `until` the new one has cooled."""

    __tablename__ = "member_former_phone"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    phone: Mapped[bytes]
    phone_index: Mapped[bytes]
    changed_at: Mapped[Instant]
    changed_by: Mapped[str]
    until: Mapped[Instant]


class Vehicle(Base):
    __tablename__ = "vehicle"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    vin: Mapped[bytes]
    vin_index: Mapped[bytes]
    plate: Mapped[bytes | None]
    plate_index: Mapped[bytes | None]
    model: Mapped[str]
    colour: Mapped[str]
    transmission: Mapped[str]
    use_nature: Mapped[str]
    created_at: Mapped[Instant]


class Ownership(Base):
    __tablename__ = "ownership"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    vehicle_id: Mapped[UUID]
    member_id: Mapped[UUID]
    owned_from: Mapped[date]
    owned_until: Mapped[date | None]
    created_at: Mapped[Instant]
