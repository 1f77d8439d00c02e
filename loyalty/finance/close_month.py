"""Close a month (月结): number, trial balance, liability and statements, written once (F18).

A posting's time is the server's at the start of its transaction, and it may be seen only when that
commits: one that began before midnight may commit after. So a month is closed some time after its
end, longer than the service lets any transaction last; what comes later has a later time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, insert, select, text

from kernel.errors import Conflict, TooSoon
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import Month, month_of
from loyalty.finance.liability import liability
from loyalty.finance.models import MonthBalance, MonthClose, Settlement
from loyalty.finance.rules.rounding import Cost, whole_fen
from loyalty.finance.statements import first_open_month, pairs, statement_id
from loyalty.finance.trial_balance import AccountBalance, balances

WAITS: Final = timedelta(minutes=10)
"""Longer than statement and idle time-outs (kernel/database.py) together let a request last."""
_ONE_AT_A_TIME: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed month. `liability` points and cost are those at its end, arrears aside."""

    id: UUID
    number: str
    month: str
    ends_at: datetime
    closed_at: datetime
    closed_by: str
    liability_points: int
    liability_cost: Cost
    arrears: int
    statements: int


def close_month(uow: UnitOfWork, month: Month) -> UUID:
    """Close the oldest open month, which has ended.

    Raises Conflict `month_already_closed`, `month_out_of_order`, TooSoon `month_not_over`.
    """
    uow.session.execute(_ONE_AT_A_TIME, {"key": f"month_close/{uow.dealer_id}"})
    number = _next_number(uow, month)
    last_day = month.next.begins_on - timedelta(days=1)
    books = balances(uow, month.ends_at(uow.zone))
    row = MonthClose(
        id=new_id(),
        dealer_id=uow.dealer_id,
        number=number,
        month=month.begins_on,
        starts_at=month.starts_at(uow.zone),
        ends_at=month.ends_at(uow.zone),
        liability=liability(uow, as_of=last_day).as_json(),
        closed_at=uow.now,
        closed_by=uow.actor.id,
    )
    uow.session.add(row)
    uow.session.flush()
    _keep_balances(uow, row, books)
    count = _write_statements(uow, row, month)
    uow.emit("month.closed", row.id, month=month.name, number=label(row), statements=count)
    uow.audit("month.closed", row.id, month=month.name, number=label(row), statements=count)
    return row.id


def label(row: MonthClose) -> str:
    """The number people quote: the month and the dealer's count of closes, `2026-11/0007`."""
    return f"{Month(row.month).name}/{row.number:04}"


def closes(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Closed]:
    """The closed months, oldest first."""
    rows = select(MonthClose).where(MonthClose.dealer_id == uow.dealer_id).order_by(MonthClose.id)
    if after:
        rows = rows.where(MonthClose.id > after)
    found = list(uow.session.scalars(rows.limit(limit)))
    counts = _counts(uow, [row.id for row in found])
    return [_view(row, counts.get(row.id, 0)) for row in found]


def get_close(uow: UnitOfWork, close_id: UUID) -> Closed:
    """One closed month that is known to be there."""
    row = uow.session.get_one(MonthClose, close_id)
    return _view(row, _counts(uow, [close_id]).get(close_id, 0))


def _next_number(uow: UnitOfWork, month: Month) -> int:
    known = select(MonthClose).where(MonthClose.dealer_id == uow.dealer_id)
    closed = uow.session.scalar(known.where(MonthClose.month == month.begins_on))
    if closed is not None:
        raise Conflict("month_already_closed", number=label(closed))
    opens_at = month.ends_at(uow.zone) + WAITS
    if uow.now < opens_at:
        wait = int((opens_at - uow.now).total_seconds()) + 1
        raise TooSoon(
            "month_not_over", retry_after_s=wait, closes_from=opens_at.isoformat(timespec="minutes")
        )
    due = first_open_month(uow) or month_of(uow.now, uow.zone).previous
    if month != due:
        raise Conflict("month_out_of_order", due=due.name)
    last = uow.session.scalar(
        select(func.max(MonthClose.number)).where(MonthClose.dealer_id == uow.dealer_id)
    )
    return (last or 0) + 1


def _keep_balances(uow: UnitOfWork, close: MonthClose, books: Sequence[AccountBalance]) -> None:
    rows = [
        {
            "month_close_id": close.id,
            "dealer_id": uow.dealer_id,
            "issuer_id": each.issuer_id,
            "side": each.side,
            "account": each.account,
            "points": each.points,
        }
        for each in books
    ]
    if rows:
        uow.session.execute(insert(MonthBalance), rows)


def _write_statements(uow: UnitOfWork, close: MonthClose, month: Month) -> int:
    found = pairs(uow, close.starts_at, close.ends_at)
    uow.session.add_all(
        Settlement(
            id=statement_id(uow.dealer_id, month, pair),
            dealer_id=uow.dealer_id,
            month_close_id=close.id,
            place=place,
            month=month.begins_on,
            debtor_id=pair.debtor_id,
            creditor_id=pair.creditor_id,
            points=pair.points,
            exact_fen=pair.exact_fen,
            amount_fen=whole_fen(pair.exact_fen),
            lots=pair.lots,
            number=f"{label(close)}-{place:02}",
        )
        for place, pair in enumerate(found, start=1)
    )
    uow.session.flush()
    return len(found)


def _counts(uow: UnitOfWork, keys: Sequence[UUID]) -> dict[UUID, int]:
    rows = uow.session.execute(
        select(Settlement.month_close_id, func.count())
        .where(Settlement.month_close_id.in_(keys))
        .group_by(Settlement.month_close_id)
    )
    return {row[0]: row[1] for row in rows}


def _view(row: MonthClose, statements: int) -> Closed:
    kept = row.liability
    return Closed(
        id=row.id,
        number=label(row),
        month=Month(row.month).name,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        liability_points=kept["points"],
        liability_cost=Cost(**kept["cost"]),
        arrears=kept["arrears"],
        statements=statements,
    )
