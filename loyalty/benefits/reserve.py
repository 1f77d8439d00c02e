"""Put a unit of a benefit aside for a member: for an appointment, or for half an hour at the desk.

Under the account's lock: what is left is looked at after everybody before has written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kernel.clock import business_day, start_of_day
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.load import settled
from loyalty.benefits.models import BenefitUsage
from loyalty.benefits.rules.benefit import Benefit
from loyalty.benefits.rules.books import Booking, Books, Kind, Lot, State
from loyalty.benefits.save import save
from loyalty.points import ledger
from loyalty.points.freeze import refuse_frozen

WALK_IN: Final = timedelta(minutes=30)
MOST_AHEAD: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member wants of a benefit: for which car, which of its choices, when and where."""

    benefit: str
    vehicle_id: UUID | None = None
    choice: str | None = None
    appointment_at: datetime | None = None
    place: str | None = None


def locked(uow: UnitOfWork, member_id: UUID, *, usage_id: UUID | None = None) -> Books:
    """A member's units, brought up to date, with his account locked until the transaction ends.

    Raises NotFound `member_not_found`.
    """
    ledger.lock(uow, [member_id])
    return settled(uow, [member_id], usage_id=usage_id)[member_id]


def reserve(uow: UnitOfWork, member_id: UUID, wish: Wish) -> UUID:
    """Put one unit aside, of the lot that ends soonest; it ends by itself: after half an hour, or
    with the day after the appointment's, and never later than the unit.

    Raises NotFound `member_not_found` and `benefit_not_found`, Conflict `benefit_used_up` and
    `account_frozen`, RuleViolation `vehicle_needed`, `choice_unknown`, `appointment_needed`,
    `appointment_out_of_reach`, `appointment_after_end`.
    """
    _refuse_a_strange_day(uow, wish)
    books = locked(uow, member_id)
    refuse_frozen(uow, member_id)
    lot = _lot(uow, books, wish)
    _refuse_a_strange_wish(lot.benefit, wish)
    booking = _booking(uow, lot, wish)
    books.bookings.append(booking)
    books.move(Kind.RESERVE, lot, reserved=1, booking=booking)
    save(uow, [books], made=_row(uow, member_id, lot, wish, booking))
    uow.audit("benefit.reserved", booking.id, benefit=lot.code)
    return booking.id


def _refuse_a_strange_day(uow: UnitOfWork, wish: Wish) -> None:
    at = wish.appointment_at
    if at is not None and not uow.now <= at <= uow.now + MOST_AHEAD:
        raise RuleViolation("appointment_out_of_reach", pointer="/appointment_at")


def _lot(uow: UnitOfWork, books: Books, wish: Wish) -> Lot:
    """The lot to take from, on the day of the appointment as well as today."""
    lots = [x for x in books.lots if x.open and x.granted != 0 and x.code == wish.benefit]
    if wish.vehicle_id is not None:
        lots = [lot for lot in lots if lot.vehicle_id == wish.vehicle_id]
    if not lots:
        raise NotFound("benefit_not_found", pointer="/benefit")
    if len({lot.vehicle_id for lot in lots}) > 1:
        raise RuleViolation("vehicle_needed", pointer="/vehicle_id")
    there = [lot for lot in lots if lot.left != 0]
    if not there:
        raise Conflict("benefit_used_up", pointer="/benefit")
    day = business_day(wish.appointment_at or uow.now, uow.zone)
    in_time = [lot for lot in there if lot.holds(day)]
    if not in_time:
        ends = max(lot.turn for lot in there)[0].isoformat()
        raise RuleViolation("appointment_after_end", pointer="/appointment_at", valid_until=ends)
    return min(in_time, key=lambda lot: lot.turn)


def _refuse_a_strange_wish(benefit: Benefit, wish: Wish) -> None:
    known: Sequence[str | None] = [each.code for each in benefit.choices] or [None]
    if wish.choice not in known:
        raise RuleViolation("choice_unknown", pointer="/choice")
    if benefit.needs_appointment and wish.appointment_at is None:
        raise RuleViolation("appointment_needed", pointer="/appointment_at")


def _booking(uow: UnitOfWork, lot: Lot, wish: Wish) -> Booking:
    day = business_day(wish.appointment_at or uow.now, uow.zone)
    ends_at = uow.now + WALK_IN
    if wish.appointment_at is not None:
        ends_at = start_of_day(day + timedelta(days=2), uow.zone)
    if lot.valid_until is not None:
        ends_at = min(ends_at, start_of_day(lot.valid_until, uow.zone))
    return Booking(new_id(), lot.id, State.RESERVED, day, ends_at, wish.appointment_at)


def _row(uow: UnitOfWork, member_id: UUID, lot: Lot, wish: Wish, booking: Booking) -> BenefitUsage:
    return BenefitUsage(
        member_id=member_id,
        id=booking.id,
        dealer_id=uow.dealer_id,
        grant_id=lot.id,
        benefit_code=lot.code,
        choice=wish.choice,
        place=wish.place,
        appointment_at=wish.appointment_at,
        state=State.RESERVED,
        ends_at=booking.ends_at,
        supplier=lot.benefit.supplier,
        cost_fen=lot.benefit.cost_fen,
        partner_fen=0,
        reserved_at=uow.now,
        reserved_by=uow.actor.id,
    )
