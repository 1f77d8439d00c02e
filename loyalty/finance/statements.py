"""Settlement between dealers (经销商结算, F18): who owes whom for points honoured elsewhere.

A month that is not closed is shown as it stands, `open`; a closed one is read as it was written.
A burn that is cancelled later counts in the month of its cancellation.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import Row, func, select, text

from kernel.clock import start_of_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import Month, month_of
from loyalty.finance.models import MonthClose, Settlement
from loyalty.finance.rules.rounding import Cost, cost_of, shown, times
from loyalty.points.models import PostingSet

_PAYABLES: Final = """
    FROM posting_set s
    JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id
        AND e.account = 'payable'
    JOIN point_lot l ON l.member_id = e.member_id AND l.id = e.lot_id
    WHERE s.dealer_id = :dealer AND s.posted_at >= :from AND s.posted_at < :until
"""
_PAIRS: Final = text(
    "SELECT e.issuer_id AS debtor_id, e.counterparty_id AS creditor_id, sum(e.points) AS points,"
    " sum(e.points * l.unit_cost_fen) AS exact_fen, count(DISTINCT e.lot_id) AS lots"
    f" {_PAYABLES} GROUP BY 1, 2 ORDER BY 1, 2"
)
# The id of a line is made of its posting set and its place there; lines are in order of time.
_LINES: Final = text(
    "WITH line AS (SELECT md5(e.posting_set_id::text || '/' || e.line)::uuid AS id,"  # noqa: S608
    " s.posted_at,"
    " s.id AS posting_set_id, s.kind, e.lot_id, e.points, l.unit_cost_fen"
    f" {_PAYABLES} AND e.issuer_id = :debtor AND e.counterparty_id = :creditor)"
    " SELECT * FROM line WHERE CAST(:after AS uuid) IS NULL OR (posted_at, id) >"
    " (SELECT posted_at, id FROM line WHERE id = :after)"
    " ORDER BY posted_at, id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """What one dealer owes another over a period; points are negative when cancelled."""

    debtor_id: UUID
    creditor_id: UUID
    points: int
    exact_fen: Decimal
    lots: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One pair's month. `dealer_id` is the dealer whose members spent; `number` comes with the
    close, `id` stays the same through it."""

    id: UUID
    dealer_id: UUID
    month: str
    state: str
    number: str | None
    debtor_id: UUID
    creditor_id: UUID
    points: int
    cost: Cost
    lots: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one posting took from one lot for this pair, exact to a ten-thousandth of a fen."""

    id: UUID
    posted_on: date
    posting_set_id: UUID
    kind: str
    lot_id: UUID
    points: int
    unit_cost_fen: str
    exact_fen: str


def pairs(uow: UnitOfWork, starts_at: datetime, ends_at: datetime) -> list[Pair]:
    """Every pair of dealers with something payable posted in a half-open period."""
    asked = {"dealer": uow.dealer_id, "from": starts_at, "until": ends_at}
    return [
        Pair(row.debtor_id, row.creditor_id, int(row.points), row.exact_fen, row.lots)
        for row in uow.session.execute(_PAIRS, asked)
    ]


def statement_id(dealer_id: UUID, month: Month, pair: Pair) -> UUID:
    """The same before and after the close, so that a statement can be looked at all the time."""
    return uuid5(dealer_id, f"{month.name}/{pair.debtor_id}/{pair.creditor_id}")


def statements(uow: UnitOfWork, month: Month, *, after: UUID | None, limit: int) -> list[Statement]:
    """A month's statements by id: closed ones in which the dealer is a party, whosever members
    spent, and his own members' month as it stands while it is open."""
    closed = select(Settlement).where(Settlement.month == month.begins_on)
    found = [_closed(row) for row in uow.session.scalars(closed)]
    if not _is_closed(uow, month):
        found += _open(uow, month)
    return sorted(
        (each for each in found if after is None or each.id > after), key=lambda each: each.id
    )[:limit]


def lines(
    uow: UnitOfWork,
    settlement_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    posted_from: date | None = None,
    posted_before: date | None = None,
) -> list[StatementLine]:
    """A statement lot by lot in order of time, of some days only if asked.

    Raises NotFound `settlement_not_found`, and `settlement_lines_elsewhere` for a statement on
    another dealer's members: their postings are his.
    """
    month, debtor_id, creditor_id = _find(uow, settlement_id)
    starts_at, ends_at = month.starts_at(uow.zone), month.ends_at(uow.zone)
    if posted_from:
        starts_at = max(starts_at, start_of_day(posted_from, uow.zone))
    if posted_before:
        ends_at = min(ends_at, start_of_day(posted_before, uow.zone))
    asked = {"dealer": uow.dealer_id, "from": starts_at, "until": ends_at}
    asked |= {"debtor": debtor_id, "creditor": creditor_id, "after": after, "limit": limit}
    return [_line(uow, row) for row in uow.session.execute(_LINES, asked)]


def first_open_month(uow: UnitOfWork) -> Month | None:
    """The month after the last closed one, else that of the first posting; None without any."""
    last = uow.session.scalar(
        select(func.max(MonthClose.month)).where(MonthClose.dealer_id == uow.dealer_id)
    )
    if last is not None:
        return Month(last).next
    first = uow.session.scalar(
        select(func.min(PostingSet.posted_at)).where(PostingSet.dealer_id == uow.dealer_id)
    )
    return month_of(first, uow.zone) if first else None


def _is_closed(uow: UnitOfWork, month: Month) -> bool:
    found = select(MonthClose.id).where(
        MonthClose.dealer_id == uow.dealer_id, MonthClose.month == month.begins_on
    )
    return uow.session.scalar(found) is not None


def _find(uow: UnitOfWork, settlement_id: UUID) -> tuple[Month, UUID, UUID]:
    row = uow.session.get(Settlement, settlement_id)
    if row is not None and row.dealer_id != uow.dealer_id:
        raise NotFound("settlement_lines_elsewhere")
    if row is not None:
        return Month(row.month), row.debtor_id, row.creditor_id
    month, last = first_open_month(uow), month_of(uow.now, uow.zone)
    while month is not None and month.begins_on <= last.begins_on:
        for each in _open(uow, month):
            if each.id == settlement_id:
                return month, each.debtor_id, each.creditor_id
        month = month.next
    raise NotFound("settlement_not_found")


def _open(uow: UnitOfWork, month: Month) -> list[Statement]:
    return [
        Statement(
            id=statement_id(uow.dealer_id, month, pair),
            dealer_id=uow.dealer_id,
            month=month.name,
            state="open",
            number=None,
            debtor_id=pair.debtor_id,
            creditor_id=pair.creditor_id,
            points=pair.points,
            cost=cost_of(pair.exact_fen),
            lots=pair.lots,
        )
        for pair in pairs(uow, month.starts_at(uow.zone), month.ends_at(uow.zone))
    ]


def _closed(row: Settlement) -> Statement:
    return Statement(
        id=row.id,
        dealer_id=row.dealer_id,
        month=Month(row.month).name,
        state="closed",
        number=row.number,
        debtor_id=row.debtor_id,
        creditor_id=row.creditor_id,
        points=row.points,
        cost=Cost(row.amount_fen, shown(row.exact_fen)),
        lots=row.lots,
    )


def _line(uow: UnitOfWork, row: Row[tuple[object, ...]]) -> StatementLine:
    return StatementLine(
        id=row.id,
        posted_on=row.posted_at.astimezone(uow.zone).date(),
        posting_set_id=row.posting_set_id,
        kind=row.kind,
        lot_id=row.lot_id,
        points=row.points,
        unit_cost_fen=shown(row.unit_cost_fen),
        exact_fen=shown(times(row.unit_cost_fen, row.points)),
    )
