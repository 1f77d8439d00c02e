"""Use a unit that was reserved, at home or at a partner dealer (合作店), and reverse a use.

A use is paid for by us: to the supplier, or to the partner who honoured it (F33).
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, Forbidden, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.models import BenefitUsage
from loyalty.benefits.reserve import locked
from loyalty.benefits.rules.books import Booking, Books, Kind, State, Why
from loyalty.benefits.save import save
from loyalty.dealers.roles import MANAGERS
from loyalty.points.freeze import refuse_frozen
from loyalty.points.models import DealerPartner
from loyalty.points.own_account import refuse_own_account


def use_reserved(
    uow: UnitOfWork, member_id: UUID, usage_id: UUID, *, honoured_by: UUID | None = None
) -> None:
    """Use up what a reservation keeps: once, and before it has ended (F32). `honoured_by` is the
    partner at whose desk the member's counter code was verified: nobody else names him.

    Raises NotFound `member_not_found` and `reservation_not_found`, Conflict `reservation_ended`
    and `account_frozen`, RuleViolation `benefit_partner_unknown`, Forbidden `own_account`.
    """
    elsewhere = honoured_by is not None and honoured_by != uow.dealer_id
    if elsewhere and not _is_partner(uow, honoured_by):
        raise RuleViolation("benefit_partner_unknown", pointer="/honoured_by")
    refuse_own_account(uow, member_id)
    books = locked(uow, member_id, usage_id=usage_id)
    refuse_frozen(uow, member_id)
    booking = reserved(books, usage_id)
    lot = books.lot(booking.lot_id)
    booking.state = State.USED
    booking.honoured_by = honoured_by or uow.dealer_id
    booking.partner_fen = lot.benefit.partner_fen if elsewhere else 0
    books.move(Kind.USE, lot, reserved=-1, used=1, booking=booking)
    save(uow, [books])
    uow.audit("benefit.used", usage_id, benefit=lot.code, honoured_by=str(booking.honoured_by))


def reverse(uow: UnitOfWork, member_id: UUID, usage_id: UUID, *, reason: str) -> None:
    """Undo a use within the days the benefit allows, counted from the day of the use. The unit
    goes back to its lot, and is lost with it when that has ended. What a partner gave and is owed
    for takes a manager, and another person than the one who used it.

    Raises NotFound `member_not_found` and `reservation_not_found`, Conflict `benefit_not_used`
    and `reversal_too_late`, Forbidden `own_account` and `separation_of_duties`.
    """
    refuse_own_account(uow, member_id)
    books = locked(uow, member_id, usage_id=usage_id)
    booking = _found(books, usage_id)
    if booking.state is not State.USED or booking.used_on is None:
        raise Conflict("benefit_not_used")
    _refuse_alone(uow, member_id, usage_id)
    lot = books.lot(booking.lot_id)
    last = booking.used_on + timedelta(days=lot.benefit.reverse_days)
    if uow.today > last:
        raise Conflict("reversal_too_late", last_day=last.isoformat())
    booking.state, booking.ended_at, booking.end_reason = State.REVERSED, uow.now, reason
    books.move(Kind.REVERSE, lot, used=-1, booking=booking, reason=reason)
    if not lot.open:
        books.lapse(lot, Why.PERIOD_OVER)
    save(uow, [books])
    uow.audit("benefit.reversed", usage_id, benefit=lot.code)


def reserved(books: Books, usage_id: UUID) -> Booking:
    """The reservation, if it still stands. Raises NotFound `reservation_not_found`, Conflict
    `reservation_ended`."""
    booking = _found(books, usage_id)
    if booking.state is not State.RESERVED:
        raise Conflict("reservation_ended")
    return booking


def _found(books: Books, usage_id: UUID) -> Booking:
    for booking in books.bookings:
        if booking.id == usage_id:
            return booking
    raise NotFound("reservation_not_found")


def _refuse_alone(uow: UnitOfWork, member_id: UUID, usage_id: UUID) -> None:
    row = uow.session.get_one(BenefitUsage, (member_id, usage_id))
    if row.honoured_by == uow.dealer_id:
        return
    if uow.actor.role not in MANAGERS or uow.actor.id == row.used_by:
        raise Forbidden("separation_of_duties")


def _is_partner(uow: UnitOfWork, partner_id: UUID | None) -> bool:
    found = select(DealerPartner.partner_id).where(DealerPartner.partner_id == partner_id)
    return uow.session.scalar(found) is not None
