"""Write what was done to a member's units: the moves as entries, lots and reservations with them.

Lots change by differences, reservations from one state to the next: what overtook the caller meets
the tables' own limits. The one way to the three tables; the caller holds the account's lock.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, bindparam, case, insert, update

from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.models import BenefitEntry, BenefitGrant, BenefitUsage
from loyalty.benefits.rules.books import Booking, Books, Kind, Lot, Move, State, Why
from loyalty.dealers.roles import Role

_LOTS: Final[Table] = BenefitGrant.metadata.tables["benefit_grant"]
_CHANGE: Final = (
    update(_LOTS)
    .where(_LOTS.c.member_id == bindparam("of_member"), _LOTS.c.id == bindparam("of_lot"))
    .values(
        granted=case(
            (
                bindparam("whole", type_=_LOTS.c.granted.type).is_(None)
                | _LOTS.c.granted.is_(None),
                bindparam("whole", type_=_LOTS.c.granted.type),
            ),
            else_=_LOTS.c.granted + bindparam("more_granted"),
        ),
        reserved=_LOTS.c.reserved + bindparam("more_reserved"),
        used=_LOTS.c.used + bindparam("more_used"),
        lapsed=_LOTS.c.lapsed + bindparam("more_lapsed"),
        valid_until=bindparam("ends_on"),
        open=bindparam("stays_open"),
    )
)
_BEFORE: Final = {Kind.REVERSE: State.USED}


def save(uow: UnitOfWork, every: Sequence[Books], *, made: BenefitUsage | None = None) -> None:
    """Write the moves of these members, and the reservation `made` among them.

    Raises Conflict `reservation_ended` when somebody else was faster.
    """
    lots = [(books.member_id, lot, books.moves) for books in every for lot in books.lots]
    new = [_new_lot(uow, member_id, lot) for member_id, lot, _ in lots if lot.was is None]
    if new:
        uow.session.execute(insert(BenefitGrant), new)
    changed = [_changed_lot(*each) for each in lots if each[1].was is not None and _touched(*each)]
    if changed:
        uow.session.execute(_CHANGE, changed)
    if made:
        uow.session.add(made)
        uow.session.flush()
    for books in every:
        for move in books.moves:
            _step(uow, books, move)
    entries = [_entry(uow, books, move) for books in every for move in books.moves]
    if entries:
        uow.session.execute(insert(BenefitEntry), entries)


def _touched(_: UUID, lot: Lot, moves: list[Move]) -> bool:
    return lot.changed or any(move.lot_id == lot.id for move in moves)


def _new_lot(uow: UnitOfWork, member_id: UUID, lot: Lot) -> dict[str, Any]:
    return {
        "member_id": member_id,
        "id": lot.id,
        "dealer_id": uow.dealer_id,
        "benefit_code": lot.code,
        "benefit_version": lot.version,
        "vehicle_id": lot.vehicle_id,
        "origin": str(lot.origin),
        "carried_from": lot.carried_from,
        "period_from": lot.period_from,
        "period_until": lot.period_until,
        "valid_until": lot.valid_until,
        "granted": lot.granted,
        "reserved": lot.reserved,
        "used": lot.used,
        "lapsed": lot.lapsed,
        "open": lot.open,
    }


def _changed_lot(member_id: UUID, lot: Lot, moves: list[Move]) -> dict[str, Any]:
    mine = [move for move in moves if move.lot_id == lot.id]
    return {
        "of_member": member_id,
        "of_lot": lot.id,
        "whole": lot.granted,
        "more_granted": sum(move.granted for move in mine),
        "more_reserved": sum(move.reserved for move in mine),
        "more_used": sum(move.used for move in mine),
        "more_lapsed": sum(move.lapsed for move in mine),
        "ends_on": lot.valid_until,
        "stays_open": lot.open,
    }


def _step(uow: UnitOfWork, books: Books, move: Move) -> None:
    """A reservation that was there goes on to its next state, and integrators hear of it."""
    booking = next((each for each in books.bookings if each.id == move.booking_id), None)
    if booking is None:
        return
    if move.kind is not Kind.RESERVE:
        _go_on(uow, books.member_id, booking, _BEFORE.get(move.kind, State.RESERVED))
    uow.emit(
        f"benefit.{booking.state}",
        books.member_id,
        usage_id=str(booking.id),
        benefit=books.lot(booking.lot_id).code,
        reason=booking.end_reason if move.kind in (Kind.RELEASE, Kind.NO_SHOW) else None,
    )


def _go_on(uow: UnitOfWork, member_id: UUID, booking: Booking, before: State) -> None:
    values: dict[str, Any] = {"state": str(booking.state)}
    if booking.state is State.USED:
        values |= {
            "used_at": uow.now,
            "used_by": uow.actor.id,
            "honoured_by": booking.honoured_by,
            "partner_fen": booking.partner_fen,
        }
    else:
        values |= {
            "ended_at": booking.ended_at,
            "ended_by": _actor(uow, booking.end_reason)[0],
            "end_reason": booking.end_reason and str(booking.end_reason),
        }
    gone_on = uow.session.scalar(
        update(BenefitUsage)
        .where(
            BenefitUsage.member_id == member_id,
            BenefitUsage.id == booking.id,
            BenefitUsage.state == str(before),
        )
        .values(**values)
        .returning(BenefitUsage.id)
        .execution_options(synchronize_session=False)
    )
    if gone_on is None:
        raise Conflict("reservation_ended")


def _actor(uow: UnitOfWork, reason: str | None) -> tuple[str, str]:
    """What time brought is nobody's act, whoever came across it."""
    if isinstance(reason, Why):
        return str(Role.SYSTEM), str(Role.SYSTEM)
    return uow.actor.id, uow.actor.role


def _entry(uow: UnitOfWork, books: Books, move: Move) -> dict[str, Any]:
    actor_id, actor_role = _actor(uow, move.reason)
    return {
        "member_id": books.member_id,
        "id": new_id(),
        "dealer_id": uow.dealer_id,
        "grant_id": move.lot_id,
        "usage_id": move.booking_id,
        "kind": str(move.kind),
        "granted": move.granted,
        "reserved": move.reserved,
        "used": move.used,
        "lapsed": move.lapsed,
        "reason": move.reason and str(move.reason),
        "actor_id": actor_id,
        "actor_role": actor_role,
        "at": uow.now,
    }
