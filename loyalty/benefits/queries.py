"""Reads of benefits: what a member has left now, whatever job has run, and every use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.load import settled
from loyalty.benefits.rules.benefit import Choice
from loyalty.benefits.rules.books import Lot


@dataclass(frozen=True, slots=True)
class BenefitLeft:
    """One lot of a benefit, usable on `period_from <= day < valid_until` (None: as long as the
    car is owned). `granted` and `left` None are unlimited; `left` is what may be reserved."""

    grant_id: UUID
    benefit_code: str
    name_zh: str
    name_en: str
    origin: str
    vehicle_id: UUID | None
    period_from: date
    valid_until: date | None
    granted: int | None
    left: int | None
    reserved: int
    used: int
    lapsed: int
    needs_appointment: bool
    choices: Sequence[Choice]
    supplier: str | None


@dataclass(frozen=True, slots=True)
class UsageView:
    """A unit reserved, and what became of it: reserved, used, released, no_show or reversed."""

    id: UUID
    member_id: UUID
    grant_id: UUID
    benefit_code: str
    name_zh: str
    name_en: str
    vehicle_id: UUID | None
    choice: Choice | None
    place: str | None
    appointment_at: datetime | None
    state: str
    ends_at: datetime
    supplier: str | None
    honoured_by: UUID | None
    reserved_at: datetime
    reserved_by: str | None
    used_at: datetime | None
    used_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    version: int


def benefits_left(uow: UnitOfWork, member_id: UUID) -> list[BenefitLeft]:
    """The lots a member has now, those that end soonest first within each benefit; a lot that is
    used up is shown until it ends. Nothing is written."""
    books = settled(uow, [member_id])[member_id]
    lots = [lot for lot in books.lots if lot.open and lot.granted != 0]
    return [_left(lot) for lot in sorted(lots, key=lambda lot: (lot.code, *soonest(lot)))]


def soonest(lot: Lot) -> tuple[date, date, str]:
    """The order in which lots are used: the one that ends first, then the older."""
    return lot.valid_until or date.max, lot.period_from, str(lot.id)


def _left(lot: Lot) -> BenefitLeft:
    return BenefitLeft(
        grant_id=lot.id,
        benefit_code=lot.code,
        name_zh=lot.benefit.name_zh,
        name_en=lot.benefit.name_en,
        origin=lot.origin,
        vehicle_id=lot.vehicle_id,
        period_from=lot.period_from,
        valid_until=lot.valid_until,
        granted=lot.granted,
        left=lot.left,
        reserved=lot.reserved,
        used=lot.used,
        lapsed=lot.lapsed,
        needs_appointment=lot.benefit.needs_appointment,
        choices=lot.benefit.choices,
        supplier=lot.benefit.supplier,
    )
