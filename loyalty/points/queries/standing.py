"""The balance and the dates on which it ends, from what is stored: open lots and running holds.

What time has brought about counts as written, whether or not a job has run (F6). A past moment is
reached backwards: what was posted since is taken off what is stored (F14).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text

from kernel.clock import business_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.queries.holds import OPEN_NOW, OPEN_THEN, kept
from loyalty.points.queries.moment import Moment, moment_of

_STANDING: Final = """
WITH kept AS ({kept}), later AS ({later}), part AS (
    SELECT expires_at, available_at, cancel_at,
           CASE WHEN activated THEN remaining ELSE 0 END AS available,
           CASE WHEN activated THEN 0 ELSE remaining END AS pending, 0 AS held
    FROM point_lot WHERE member_id = :member AND open
    UNION ALL
    SELECT l.expires_at, l.available_at, l.cancel_at,
           CASE WHEN kept.overdue THEN kept.points ELSE 0 END, 0,
           CASE WHEN kept.overdue THEN 0 ELSE kept.points END
    FROM kept JOIN point_lot l ON l.member_id = :member AND l.id = kept.lot_id
    UNION ALL
    SELECT l.expires_at, l.available_at, l.cancel_at,
           CASE WHEN later.account = 'available' THEN -later.points ELSE 0 END,
           CASE WHEN later.account = 'pending' THEN -later.points ELSE 0 END, 0
    FROM later JOIN point_lot l ON l.member_id = :member AND l.id = later.lot_id
), dated AS (
    SELECT expires_at,
           sum(CASE WHEN expires_at <= :at THEN 0
                    WHEN available_at <= :at THEN available + pending
                    ELSE available END) AS available,
           sum(CASE WHEN expires_at <= :at OR available_at <= :at
                         OR (available_at IS NULL AND cancel_at <= :at) THEN 0
                    ELSE pending END) AS pending,
           sum(held) AS held
    FROM part GROUP BY expires_at
)
SELECT a.arrears + COALESCE((SELECT sum(points) FROM later WHERE account = 'arrears'), 0) AS owed,
       {frozen} AS frozen, dated.*
FROM point_account a LEFT JOIN dated ON true
WHERE a.member_id = :member ORDER BY dated.expires_at NULLS LAST
"""
_NOTHING_LATER: Final = "SELECT NULL::uuid AS lot_id, NULL AS account, 0 AS points WHERE false"
_LATER: Final = """SELECT e.lot_id, e.account, e.points
    FROM posting_set s
    JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id
    WHERE s.member_id = :member AND s.account_version >= :cut AND e.side = 'member'"""
_FROZEN_THEN: Final = """EXISTS (
    SELECT FROM account_freeze f WHERE f.member_id = :member AND f.frozen_at <= :at
        AND (f.lifted_at IS NULL OR f.lifted_at > :at))"""
_NOW: Final = text(_STANDING.format(kept=kept(OPEN_NOW), later=_NOTHING_LATER, frozen="a.frozen"))
_THEN: Final = text(_STANDING.format(kept=kept(OPEN_THEN), later=_LATER, frozen=_FROZEN_THEN))


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that end together: unspendable from the instant `expires_at` on, which begins the
    day `expires_on`; None is never. `points` are all of them, those a hold keeps among them.
    """

    expires_at: datetime | None
    expires_on: date | None
    last_usable_on: date | None
    points: int
    available: int
    pending: int
    held: int


@dataclass(frozen=True, slots=True)
class Balance:
    """`available` can be spent at `as_of`; `pending` has not begun; `held` is put aside by holds
    that run; `arrears` is owed; the next expiry is the first of the schedule."""

    member_id: UUID
    available: int
    pending: int
    held: int
    arrears: int
    frozen: bool
    next_expiry: Expiring | None
    as_of: datetime


def balance(uow: UnitOfWork, member_id: UUID, as_of: date | datetime | None = None) -> Balance:
    """What the member has now, or had at a moment past: an instant, or the end of a day (F6, F14).

    Raises NotFound `member_not_found`, RuleViolation `as_of_in_the_future`.
    """
    moment = None if as_of is None else moment_of(uow, member_id, as_of)
    return balance_at(uow, member_id, moment)


def balance_at(uow: UnitOfWork, member_id: UUID, moment: Moment | None) -> Balance:
    """As `balance`, of a moment found before. Raises NotFound `member_not_found`."""
    owed, frozen, parts = _standing(uow, member_id, moment)
    at = moment.at if moment else uow.now
    dated = [part for part in _schedule(parts, at) if part.expires_at]
    alive = sum(part.available for part in parts)
    return Balance(
        member_id=member_id,
        available=alive,
        pending=sum(part.pending for part in parts),
        held=sum(part.held for part in parts),
        arrears=owed,
        frozen=frozen,
        next_expiry=dated[0] if dated else None,
        as_of=at,
    )


def expiry_schedule(uow: UnitOfWork, member_id: UUID) -> list[Expiring]:
    """Every date on which points end, soonest first, never last; none of it overdue (F15).

    Raises NotFound `member_not_found`.
    """
    _, _, parts = _standing(uow, member_id, None)
    return _schedule(parts, uow.now)


def _schedule(parts: Sequence[Expiring], at: datetime) -> list[Expiring]:
    """Without what a hold still keeps of lots past their date: no release brings it back."""
    return [part for part in parts if not part.expires_at or part.expires_at > at]


def _standing(
    uow: UnitOfWork, member_id: UUID, moment: Moment | None
) -> tuple[int, bool, list[Expiring]]:
    """What is owed, whether frozen, and the points by date, arrears settled from the soonest."""
    given = {"member": member_id, "at": moment.at if moment else uow.now}
    if moment:
        rows = uow.session.execute(_THEN, given | {"cut": moment.cut}).all()
    else:
        rows = uow.session.execute(_NOW, given).all()
    if not rows:
        raise NotFound("member_not_found")
    owed, parts = int(rows[0].owed), []
    for row in rows:
        part = _expiring(row, uow.zone)
        paid = min(owed, part.available)
        owed -= paid
        part = replace(part, available=part.available - paid, points=part.points - paid)
        if part.points:
            parts.append(part)
    return owed, bool(rows[0].frozen), parts


def _expiring(row: Row[Any], zone: ZoneInfo) -> Expiring:
    available, pending, held = (int(n or 0) for n in (row.available, row.pending, row.held))
    end: datetime | None = row.expires_at
    return Expiring(
        expires_at=end,
        expires_on=business_day(end, zone) if end else None,
        last_usable_on=business_day(end - timedelta(microseconds=1), zone) if end else None,
        points=available + pending + held,
        available=available,
        pending=pending,
        held=held,
    )
