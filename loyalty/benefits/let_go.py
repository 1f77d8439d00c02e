"""Reservations that end without a use: given back, or nobody came (爽约)."""

from uuid import UUID

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.reserve import locked
from loyalty.benefits.rules.books import State
from loyalty.benefits.save import save
from loyalty.benefits.use import reserved
from loyalty.dealers.roles import MANAGERS
from loyalty.points.own_account import refuse_own_account

BY_HAND = "by_hand"


def release(uow: UnitOfWork, member_id: UUID, usage_id: UUID) -> None:
    """Give the unit back to its lot, until the time of the appointment: after it only a manager
    may, or everybody would escape his no-show.

    Raises NotFound `member_not_found` and `reservation_not_found`, Conflict `reservation_ended`
    and `appointment_passed`, Forbidden `own_account`.
    """
    refuse_own_account(uow, member_id)
    books = locked(uow, member_id, usage_id=usage_id)
    booking = reserved(books, usage_id)
    at = booking.appointment_at
    if at is not None and at <= uow.now and uow.actor.role not in MANAGERS:
        raise Conflict("appointment_passed")
    books.end(booking, State.RELEASED, uow.now, BY_HAND)
    save(uow, [books])
    uow.audit("benefit.released", usage_id)


def no_show(uow: UnitOfWork, member_id: UUID, usage_id: UUID) -> None:
    """Nobody came to the appointment: the unit is lost, or there again, as the benefit says.

    Raises NotFound `member_not_found` and `reservation_not_found`, Conflict `reservation_ended`
    and `appointment_not_passed`, Forbidden `own_account`.
    """
    refuse_own_account(uow, member_id)
    books = locked(uow, member_id, usage_id=usage_id)
    booking = reserved(books, usage_id)
    if booking.appointment_at is None or uow.now < booking.appointment_at:
        raise Conflict("appointment_not_passed")
    books.end(booking, State.NO_SHOW, uow.now, BY_HAND)
    save(uow, [books])
    uow.audit("benefit.no_show", usage_id)
