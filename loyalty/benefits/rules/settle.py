"""What time, tiers and sales of cars have done to a member's units by now (F32, F34).

A pure function of what is known: a reader shows its result, a writer saves it, the night saves it
for all. Done in any number of steps it ends in the same place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

from loyalty.benefits.rules.benefit import Every, Units
from loyalty.benefits.rules.books import Booking, Books, Kind, Lot, Origin, State, Why
from loyalty.benefits.rules.period import ONE_DAY, Owned, Span, Version, spans, version_on
from loyalty.benefits.rules.quota import Timeline, entitled
from loyalty.tiers.rules.score import FactKind


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a member and his dealer at an instant; `starts` gives a day's first one.
    Of events, those that were not undone."""

    now: datetime
    today: date
    starts: Callable[[date], datetime]
    versions: Mapping[str, Sequence[Version]]
    tiers: Timeline
    joined_on: date
    owned: Sequence[Owned]
    events: Sequence[tuple[FactKind, date]]


def settle(books: Books, known: Known) -> None:
    """Grant what has begun, end what is over, and follow the tier in between."""
    for lot, units in chain(_periods(books, known), _events(books, known)):
        why = Why.TIER if lot.origin is Origin.TIER else Why.EVENT
        books.grant(lot, units, why)  # at once: what comes next asks whether it was granted
    for lot in books.lots:  # lots carried over join the list and have their turn
        if lot.open:
            _settle_lot(books, lot, known)


def _periods(books: Books, known: Known) -> Iterator[tuple[Lot, Units]]:
    """Lots of the periods that run, and of those that ended with something still to carry over."""
    for code, versions in known.versions.items():
        longest = max(
            (each.benefit.carry_over.valid_days for each in versions if each.benefit.carry_over),
            default=0,
        )
        first = known.today - timedelta(days=longest)
        for owned in [None, *(each for each in known.owned if each.holds(known.today))]:
            for span in spans(versions, first, known.today, joined_on=known.joined_on, owned=owned):
                lot = _lot(books, code, span, owned)
                units = _units(lot, known)
                if units != 0 and _wanted(span, known.today) and not _granted(books, lot):
                    yield lot, units


def _events(books: Books, known: Known) -> Iterator[tuple[Lot, Units]]:
    for code, versions in known.versions.items():
        for kind, day in known.events:
            version = version_on(versions, day)
            event = version.benefit.event if version else None
            if version is None or event is None or event.kind is not kind:
                continue
            until = day + timedelta(days=event.valid_days)
            lot = _lot(books, code, Span(version, day, until), None, Origin.EVENT)
            units = _units(lot, known)
            if units != 0 and known.today < until and not _granted(books, lot):
                yield lot, units


def _lot(
    books: Books, code: str, span: Span, owned: Owned | None, origin: Origin = Origin.TIER
) -> Lot:
    lot = Lot(
        id=books.member_id,
        code=code,
        version=span.version.number,
        benefit=span.version.benefit,
        vehicle_id=owned.vehicle_id if owned else None,
        origin=origin,
        period_from=span.since,
        period_until=span.until,
        valid_until=_earlier(span.until, owned.until if owned else None),
    )
    lot.id = books.key(lot)
    return lot


def _units(lot: Lot, known: Known) -> Units:
    """The quota of a lot as it stands today, or stood on its last day; of an event, on its day."""
    if lot.origin is Origin.EVENT:
        return lot.benefit.units(known.tiers.on(lot.period_from))
    last = known.today
    if lot.valid_until is not None:
        last = max(lot.period_from, min(last, lot.valid_until - ONE_DAY))
    return entitled(lot.benefit, lot.period_from, lot.period_until, last, known.tiers)


def _wanted(span: Span, today: date) -> bool:
    if span.until is None or today < span.until:
        return True
    carry = span.version.benefit.carry_over
    return carry is not None and today < span.until + timedelta(days=carry.valid_days)


def _granted(books: Books, lot: Lot) -> bool:
    """Whether a lot of this benefit covers a part of the same time: there is one a period."""
    return any(
        (each.code, each.vehicle_id, each.origin) == (lot.code, lot.vehicle_id, lot.origin)
        and (each.id == lot.id or (lot.origin is Origin.TIER and _overlap(each, lot)))
        for each in books.lots
    )


def _overlap(one: Lot, other: Lot) -> bool:
    return (one.valid_until is None or other.period_from < one.valid_until) and (
        other.valid_until is None or one.period_from < other.valid_until
    )


def _settle_lot(books: Books, lot: Lot, known: Known) -> None:
    lot.valid_until = _end(lot, known)
    for booking in books.bookings:
        if booking.lot_id == lot.id and booking.state is State.RESERVED:
            _settle_booking(books, lot, booking, known)
    if lot.origin in (Origin.TIER, Origin.EVENT):
        books.adjust(lot, _units(lot, known))
    if lot.valid_until is not None and lot.valid_until <= known.today:
        _close(books, lot)


def _end(lot: Lot, known: Known) -> date | None:
    """The first day without the lot: the rights to a car end with its sale (F34), and a gift when
    what brought it was returned or withdrawn."""
    if lot.origin is Origin.EVENT and not _stands(lot, known):
        return _earlier(lot.valid_until, known.today)
    if lot.vehicle_id is None:
        return lot.valid_until
    owners = [
        each
        for each in known.owned
        if each.vehicle_id == lot.vehicle_id
        and each.holds(lot.period_from)
        and (each.first or not lot.benefit.first_owner_only)
    ]
    if not owners:
        return _earlier(lot.valid_until, known.today)
    return _earlier(lot.valid_until, _later([each.until for each in owners]))


def _stands(lot: Lot, known: Known) -> bool:
    event = lot.benefit.event
    return event is not None and (event.kind, lot.period_from) in known.events


def _early(lot: Lot) -> Why:
    """Why a lot ends before its time."""
    return Why.UNDONE if lot.origin is Origin.EVENT else Why.SOLD


def _settle_booking(books: Books, lot: Lot, booking: Booking, known: Known) -> None:
    if lot.valid_until is not None and booking.dated_on >= lot.valid_until:
        books.end(booking, State.RELEASED, known.now, _early(lot))
        return
    ends_at = booking.ends_at
    if lot.valid_until is not None:
        ends_at = min(ends_at, known.starts(lot.valid_until))
    if ends_at <= known.now:
        state = State.NO_SHOW if booking.appointment_at else State.RELEASED
        books.end(booking, state, ends_at, Why.TIME)


def _close(books: Books, lot: Lot) -> None:
    by_tier, ownership = lot.origin is Origin.TIER, lot.benefit.period is Every.OWNERSHIP
    early = lot.valid_until != lot.period_until or (by_tier and ownership)
    carry = lot.benefit.carry_over if by_tier and not early else None
    if carry and lot.left and lot.period_until:
        units = min(carry.most, lot.left)
        books.move(Kind.CARRY, lot, lapsed=units, reason=Why.PERIOD_OVER)
        books.grant(
            _carried(books, lot, lot.period_until, carry.valid_days), units, Why.PERIOD_OVER
        )
    books.lapse(lot, _early(lot) if early else Why.PERIOD_OVER)
    lot.open = False


def _carried(books: Books, lot: Lot, since: date, days: int) -> Lot:
    until = since + timedelta(days=days)
    carried = Lot(
        id=lot.id,
        code=lot.code,
        version=lot.version,
        benefit=lot.benefit,
        vehicle_id=lot.vehicle_id,
        origin=Origin.CARRIED,
        period_from=since,
        period_until=until,
        valid_until=until,
        carried_from=lot.id,
    )
    carried.id = books.key(carried)
    return carried


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day is not None), default=None)


def _later(days: list[date | None]) -> date | None:
    """The latest of these ends; none at all is later than any."""
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None
