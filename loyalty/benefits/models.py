"""Tables of benefits: suppliers, versions, lots of units, what moved them, and each use."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant
from loyalty.versions import Versioned


class Supplier(Base):
    """Who provides a benefit for us: a lounge, a chauffeur service, a golf club (合作商)."""

    __tablename__ = "supplier"

    dealer_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    created_at: Mapped[Instant]


class BenefitVersion(Versioned):
    """One version of a benefit."""

    __tablename__ = "benefit"


class BenefitGrant(Base):
    """A lot of units, usable on `period_from <= day < valid_until`; `granted` None is unlimited.

    The period may end later than the lot: with the sale of the car. Closed (`open` false), all of
    it is used or lapsed; what was carried over has lapsed here.
    """

    __tablename__ = "benefit_grant"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    benefit_code: Mapped[str]
    benefit_version: Mapped[int] = mapped_column(Integer)
    vehicle_id: Mapped[UUID | None]
    origin: Mapped[str]
    carried_from: Mapped[UUID | None]
    period_from: Mapped[date]
    period_until: Mapped[date | None]
    valid_until: Mapped[date | None]
    granted: Mapped[int | None]
    reserved: Mapped[int]
    used: Mapped[int]
    lapsed: Mapped[int]
    open: Mapped[bool]


class BenefitEntry(Base):
    """What moved a lot, and by how much; a lot is the sum of its entries (unlimited counts 0)."""

    __tablename__ = "benefit_entry"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    grant_id: Mapped[UUID]
    usage_id: Mapped[UUID | None]
    kind: Mapped[str]
    granted: Mapped[int]
    reserved: Mapped[int]
    used: Mapped[int]
    lapsed: Mapped[int]
    reason: Mapped[str | None]
    actor_id: Mapped[str]
    actor_role: Mapped[str]
    at: Mapped[Instant]


class BenefitUsage(Base):
    """A unit reserved, and what became of it; it ends by itself at `ends_at`."""

    __tablename__ = "benefit_usage"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    grant_id: Mapped[UUID]
    benefit_code: Mapped[str]
    choice: Mapped[str | None]
    place: Mapped[str | None]
    appointment_at: Mapped[datetime | None]
    state: Mapped[str]
    ends_at: Mapped[Instant]
    supplier: Mapped[str | None]
    cost_fen: Mapped[int]
    honoured_by: Mapped[UUID | None]
    partner_fen: Mapped[int]
    reserved_at: Mapped[Instant]
    reserved_by: Mapped[str]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]
