"""What is known of members' units, read in one trip for any number of members.

Rows become plain values here; what they mean by now is `rules/settle.py`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import text

from kernel.clock import business_day, start_of_day
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import bodies, versions_read
from loyalty.benefits.rules.benefit import MOST_DAYS
from loyalty.benefits.rules.books import Booking, Books, Lot, Origin, State
from loyalty.benefits.rules.period import Owned, Version
from loyalty.benefits.rules.quota import Timeline
from loyalty.benefits.rules.settle import Known, settle
from loyalty.tiers.rules.history import History, Kind, Word
from loyalty.tiers.rules.score import FactKind

DAYS_BACK: Final = MOST_DAYS
"""A lot whose period ended longer ago matters no more."""
_BOOKS: Final = text("SELECT benefit_books(:dealer, :members, :today, :days, :usage)::text")


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and the business day it belongs to in the dealer's zone."""

    now: datetime
    today: date
    zone: ZoneInfo


def settled(
    uow: UnitOfWork, members: Collection[UUID], *, usage_id: UUID | None = None
) -> dict[UUID, Books]:
    """The units of these members as they are now; what that changes is not written here.

    Of lots that are over only those are read that may still matter, and the one of `usage_id`.
    """
    uow.session.flush()
    told = {
        "dealer": uow.dealer_id,
        "members": list(members),
        "today": uow.today,
        "days": DAYS_BACK,
        "usage": usage_id,
    }
    said = uow.session.scalar(_BOOKS, told)
    if said is None:
        return {member: Books(member, [], []) for member in members}
    return settled_from(said, Moment(uow.now, uow.today, uow.zone), partial(bodies, uow))


def settled_from(said: str, moment: Moment, ask: Callable[[list[UUID]], str]) -> dict[UUID, Books]:
    """The same from what `benefit_books` said; `ask` as for `versions_read`."""
    told = orjson.loads(said)
    rows = [
        (UUID(version_id), code, number, date.fromisoformat(since), _day(until))
        for version_id, code, number, since, until in told["versions"]
    ]
    versions = versions_read(rows, ask)
    found = {}
    for name, each in (told["members"] or {}).items():
        books = _books(UUID(name), each, versions, moment.zone)
        known = _known(each, versions, moment)
        books.owned = known.owned
        settle(books, known)
        found[books.member_id] = books
    return found


def _books(
    member_id: UUID, told: dict[str, Any], versions: dict[str, list[Version]], zone: ZoneInfo
) -> Books:
    return Books(
        member_id,
        lots=[_lot(row, versions) for row in told["lots"] or ()],
        bookings=[_booking(row, zone) for row in told["bookings"] or ()],
    )


def _known(told: dict[str, Any], versions: dict[str, list[Version]], moment: Moment) -> Known:
    return Known(
        now=moment.now,
        today=moment.today,
        starts=partial(start_of_day, zone=moment.zone),
        versions=versions,
        tiers=_timeline(told["words"] or ()),
        joined_on=date.fromisoformat(told["joined_on"]),
        owned=[
            Owned(UUID(vehicle), date.fromisoformat(since), _day(until), first)
            for vehicle, since, until, first in told["owned"] or ()
        ],
        events=[
            (FactKind(kind), date.fromisoformat(happened_on))
            for kind, happened_on in told["events"] or ()
        ],
    )


def _timeline(rows: Collection[Any]) -> Timeline:
    words = [
        Word(date.fromisoformat(since), key, Kind(kind), tier, _day(until))
        for key, kind, tier, since, until in rows
    ]
    ends = [word.until_on for word in words if word.until_on]
    return Timeline(History(words), [*(word.since_on for word in words), *ends])


def _lot(row: list[Any], versions: dict[str, list[Version]]) -> Lot:
    lot_id, code, number, vehicle, origin, carried_from, since, until, valid_until, *units = row
    granted, reserved, used, lapsed, is_open = units
    return Lot(
        id=UUID(lot_id),
        code=code,
        version=number,
        benefit=next(each.benefit for each in versions[code] if each.number == number),
        vehicle_id=_id(vehicle),
        origin=Origin(origin),
        period_from=date.fromisoformat(since),
        period_until=_day(until),
        valid_until=_day(valid_until),
        granted=granted,
        reserved=reserved,
        used=used,
        lapsed=lapsed,
        open=is_open,
        carried_from=_id(carried_from),
        was=(granted, _day(valid_until), is_open),
    )


def _booking(row: list[Any], zone: ZoneInfo) -> Booking:
    booking_id, lot_id, state, appointment, reserved, ends, used, ended, reason = row
    used_at = _instant(used)
    return Booking(
        id=UUID(booking_id),
        lot_id=UUID(lot_id),
        state=State(state),
        dated_on=business_day(datetime.fromisoformat(appointment or reserved), zone),
        ends_at=datetime.fromisoformat(ends),
        appointment_at=_instant(appointment),
        used_on=business_day(used_at, zone) if used_at else None,
        ended_at=_instant(ended),
        end_reason=reason,
    )


def _day(said: str | None) -> date | None:
    return None if said is None else date.fromisoformat(said)


def _instant(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)


def _id(said: str | None) -> UUID | None:
    return None if said is None else UUID(said)
