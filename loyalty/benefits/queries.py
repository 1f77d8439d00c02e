"""Reads of benefits: what a member has left now, whatever job has run, and every use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import published
from loyalty.benefits.load import settled
from loyalty.benefits.models import BenefitGrant, BenefitUsage
from loyalty.benefits.rules.benefit import Benefit, Choice
from loyalty.benefits.rules.books import Booking, Books, Lot, State
from loyalty.dealers.roles import Role


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


def benefits_left(uow: UnitOfWork, member_id: UUID) -> list[BenefitLeft]:
    """The lots a member has now, those that end soonest first within each benefit; a lot that is
    used up is shown until it ends. Nothing is written."""
    return left_in(settled(uow, [member_id])[member_id])


def left_in(books: Books) -> list[BenefitLeft]:
    """The same of books that are settled already."""
    lots = [lot for lot in books.lots if lot.open and lot.granted != 0]
    return [_left(lot) for lot in sorted(lots, key=lambda lot: (lot.code, *lot.turn))]


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


def grant_of(uow: UnitOfWork, member_id: UUID, grant_id: UUID) -> BenefitLeft:
    """One lot as it stands now, ended or not. The caller knows that it is there."""
    return _left(settled(uow, [member_id])[member_id].lot(grant_id))


def member_of(uow: UnitOfWork, usage_id: UUID, *, member_id: UUID | None = None) -> UUID:
    """Whose use this is; of this member, if one is given.

    Raises NotFound `reservation_not_found`.
    """
    found = uow.session.scalar(select(BenefitUsage.member_id).where(BenefitUsage.id == usage_id))
    if found is None or member_id not in (None, found):
        raise NotFound("reservation_not_found")
    return found


def get_usage(uow: UnitOfWork, usage_id: UUID, *, member_id: UUID | None = None) -> UsageView:
    """One use as it stands now, of this member if one is given.

    Raises NotFound `reservation_not_found`.
    """
    whose = member_of(uow, usage_id, member_id=member_id)
    return _views(uow, whose, _USAGES.where(BenefitUsage.id == usage_id))[0]


def list_usages(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[UsageView]:
    """A member's uses, the newest reservation first."""
    rows = _USAGES if before is None else _USAGES.where(BenefitUsage.id < before)
    return _views(uow, member_id, rows.order_by(BenefitUsage.id.desc()).limit(limit))


def open_reservations(uow: UnitOfWork, books: Books) -> list[UsageView]:
    """What is reserved in settled books and may still be used, the newest first."""
    kept = {each.id: each for each in books.bookings if each.state is State.RESERVED}
    if not kept:
        return []
    mine = select(BenefitUsage).where(
        BenefitUsage.member_id == books.member_id, BenefitUsage.id.in_(kept)
    )
    rows = uow.session.scalars(mine.order_by(BenefitUsage.id.desc())).all()
    lots = [books.lot(row.grant_id) for row in rows]
    return [
        _usage(row, lot.benefit, lot.vehicle_id, kept[row.id])
        for row, lot in zip(rows, lots, strict=True)
    ]


_USAGES: Final = select(BenefitUsage, BenefitGrant.benefit_version, BenefitGrant.vehicle_id).join(
    BenefitGrant,
    (BenefitGrant.member_id == BenefitUsage.member_id) & (BenefitGrant.id == BenefitUsage.grant_id),
)


def _views(
    uow: UnitOfWork, member_id: UUID, rows: Select[BenefitUsage, int, UUID | None]
) -> list[UsageView]:
    mine = rows.where(BenefitUsage.member_id == member_id).execution_options(populate_existing=True)
    found = uow.session.execute(mine).all()
    said = {
        (code, version.number): version.benefit
        for code, versions in published(uow).items()
        for version in versions
    }
    reserved = any(row[0].state == State.RESERVED for row in found)
    now = {}
    if reserved:
        now = {each.id: each for each in settled(uow, [member_id])[member_id].bookings}
    return [
        _usage(row, said[row.benefit_code, number], vehicle_id, now.get(row.id))
        for row, number, vehicle_id in found
    ]


def _usage(
    row: BenefitUsage, benefit: Benefit, vehicle_id: UUID | None, now: Booking | None
) -> UsageView:
    over = now is not None and now.state != row.state
    chosen = [each for each in benefit.choices if each.code == row.choice]
    return UsageView(
        id=row.id,
        member_id=row.member_id,
        grant_id=row.grant_id,
        benefit_code=row.benefit_code,
        name_zh=benefit.name_zh,
        name_en=benefit.name_en,
        vehicle_id=vehicle_id,
        choice=chosen[0] if chosen else None,
        place=row.place,
        appointment_at=row.appointment_at,
        state=now.state if now and over else row.state,
        ends_at=row.ends_at,
        supplier=row.supplier,
        honoured_by=row.honoured_by,
        reserved_at=row.reserved_at,
        reserved_by=row.reserved_by,
        used_at=row.used_at,
        used_by=row.used_by,
        ended_at=now.ended_at if now and over else row.ended_at,
        ended_by=str(Role.SYSTEM) if over else row.ended_by,
        end_reason=now.end_reason if now and over else row.end_reason,
    )
