"""A member's lots of units and reservations as plain values, and every move of them.

Nothing changes a lot but a move: what is saved, or only shown, is the sum of the moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from loyalty.benefits.rules.benefit import Benefit, Units
from loyalty.benefits.rules.period import Owned


class Origin(StrEnum):
    """Where a lot comes from: the tier's quota, an event, what was left, or a person."""

    TIER = "tier"
    EVENT = "event"
    CARRIED = "carried"
    MANUAL = "manual"


class Kind(StrEnum):
    """What a move does."""

    GRANT = "grant"
    ADJUST = "adjust"
    RESERVE = "reserve"
    RELEASE = "release"
    USE = "use"
    REVERSE = "reverse"
    NO_SHOW = "no_show"
    LAPSE = "lapse"
    CARRY = "carry"


class State(StrEnum):
    """Where a reservation stands; every one but the first two is its end."""

    RESERVED = "reserved"
    USED = "used"
    RELEASED = "released"
    NO_SHOW = "no_show"
    REVERSED = "reversed"


class Why(StrEnum):
    """Why something moved without a person's word."""

    TIME = "time"
    TIER = "tier"
    EVENT = "event"
    SOLD = "vehicle_sold"
    UNDONE = "event_undone"
    PERIOD_OVER = "period_over"


@dataclass(slots=True)
class Lot:
    """Units of one origin, usable on `period_from <= day < valid_until`."""

    id: UUID
    code: str
    version: int
    benefit: Benefit
    vehicle_id: UUID | None
    origin: Origin
    period_from: date
    period_until: date | None
    valid_until: date | None
    granted: Units = 0
    reserved: int = 0
    used: int = 0
    lapsed: int = 0
    open: bool = True
    carried_from: UUID | None = None
    was: tuple[Units, date | None, bool] | None = None
    """Quota, end and whether it was open when it was read; None for a new lot."""

    @property
    def taken(self) -> int:
        """Units that are no longer there to be reserved."""
        return self.reserved + self.used + self.lapsed

    @property
    def left(self) -> Units:
        """Units that can be reserved; None without a limit."""
        return None if self.granted is None else self.granted - self.taken

    @property
    def changed(self) -> bool:
        """Whether it is another than was read."""
        return self.was != (self.granted, self.valid_until, self.open)

    @property
    def turn(self) -> tuple[date, date, str]:
        """The order in which lots are used: the one that ends first, then the older."""
        return self.valid_until or date.max, self.period_from, str(self.id)

    def holds(self, day: date) -> bool:
        """Whether a unit of it may be used on this day."""
        return self.period_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(slots=True)
class Booking:
    """A unit reserved, for a business day: of the appointment, or on which it was asked for."""

    id: UUID
    lot_id: UUID
    state: State
    dated_on: date
    ends_at: datetime
    appointment_at: datetime | None = None
    used_on: date | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    honoured_by: UUID | None = None
    partner_fen: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """What changed a lot; the numbers are differences, an unlimited quota counts 0."""

    kind: Kind
    lot_id: UUID
    granted: int = 0
    reserved: int = 0
    used: int = 0
    lapsed: int = 0
    booking_id: UUID | None = None
    reason: str | None = None


@dataclass(slots=True)
class Books:
    """One member's open lots, his reservations that stand, what was done to both, and his cars."""

    member_id: UUID
    lots: list[Lot]
    bookings: list[Booking]
    owned: Sequence[Owned] = ()
    moves: list[Move] = field(default_factory=list)

    def lot(self, lot_id: UUID) -> Lot:
        """The lot with this id."""
        return next(lot for lot in self.lots if lot.id == lot_id)

    def key(self, lot: Lot) -> UUID:
        """The one id of a lot that time brings, known before it is written."""
        said = f"{lot.code}/{lot.vehicle_id or ''}/{lot.origin}/{lot.period_from}"
        return uuid5(self.member_id, said)

    def grant(self, lot: Lot, units: Units, reason: str | None = None) -> None:
        """A new lot with so many units."""
        lot.granted = units
        self.lots.append(lot)
        self.moves.append(Move(Kind.GRANT, lot.id, granted=units or 0, reason=reason))

    def adjust(self, lot: Lot, units: Units) -> None:
        """Another quota, because the tier changed; never less than what is taken."""
        target = None if units is None else max(units, lot.taken)
        if target != lot.granted:
            change = (target or 0) - (lot.granted or 0)
            lot.granted = target
            self.moves.append(Move(Kind.ADJUST, lot.id, granted=change, reason=Why.TIER))

    def move(
        self,
        kind: Kind,
        lot: Lot,
        *,
        reserved: int = 0,
        used: int = 0,
        lapsed: int = 0,
        booking: Booking | None = None,
        reason: str | None = None,
    ) -> None:
        """Move units of a lot from one column to another."""
        lot.reserved += reserved
        lot.used += used
        lot.lapsed += lapsed
        about = booking.id if booking else None
        self.moves.append(Move(kind, lot.id, 0, reserved, used, lapsed, about, reason))

    def lapse(self, lot: Lot, reason: str) -> None:
        """What is left of a lot is lost."""
        if lot.left:
            self.move(Kind.LAPSE, lot, lapsed=lot.left, reason=reason)

    def end(self, booking: Booking, state: State, at: datetime, reason: str | None) -> None:
        """A reservation ends without a use: the unit is there again, or lost with a no-show."""
        lot = self.lot(booking.lot_id)
        lost = int(state is State.NO_SHOW and lot.benefit.no_show == "forfeits")
        kind = Kind.NO_SHOW if state is State.NO_SHOW else Kind.RELEASE
        booking.state, booking.ended_at, booking.end_reason = state, at, reason
        self.move(kind, lot, reserved=-1, lapsed=lost, booking=booking, reason=reason)
