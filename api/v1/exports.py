"""Exports: the finance reports and a member's statement as CSV files for spreadsheets."""

from typing import Any
from uuid import UUID

from api.routes import Routes
from api.schemas import finance as shapes
from api.spreadsheet import MOST_ROWS, Table
from api.v1.access import own
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.finance import statements
from loyalty.finance.liability import liability
from loyalty.finance.trial_balance import trial_balance
from loyalty.points.queries import Filter, StatementLine, statement

routes = Routes("exports")
READERS = (Role.FINANCE, Role.DEALER_ADMIN, Role.AUDITOR)
ACCOUNTS = ("issuer_id", "side", "account", "points")
QUARTERS = ("issuer_id", "quarter", "points", "amount_fen", "exact_fen")
LINES = (
    *("posted_on", "posting_set_id", "kind", "lot_id"),
    *("points", "unit_cost_fen", "exact_fen"),
)
POSTINGS = (
    *("id", "posted_at", "business_on", "kind", "points"),
    *("source", "source_key", "rule_id", "rule_version", "reason"),
)
PAGE_ROWS = 1_000


@routes.export(
    "/v1/exports/trial-balance",
    summary="The trial balance as a file",
    roles=READERS,
    query=shapes.AsOfQuery,
    problems=("day_in_the_future",),
)
def export_trial_balance(uow: UnitOfWork, query: dict[str, Any]) -> Table:
    """One row for each issuer and account."""
    found = trial_balance(uow, as_of=query["as_of"] or uow.today)
    return Table(f"trial-balance-{found.as_of}.csv", ACCOUNTS, _cells(found.items, ACCOUNTS))


@routes.export(
    "/v1/exports/liability",
    summary="The liability as a file",
    roles=READERS,
    query=shapes.AsOfQuery,
    problems=("day_in_the_future",),
)
def export_liability(uow: UnitOfWork, query: dict[str, Any]) -> Table:
    """One row for each issuer and quarter; add up `exact_fen`, not the rounded amounts."""
    found = liability(uow, as_of=query["as_of"] or uow.today)
    rows = [
        (each.issuer_id, each.quarter, each.points, each.cost.amount_fen, each.cost.exact_fen)
        for each in found.items
    ]
    return Table(f"liability-{found.as_of}.csv", QUARTERS, rows)


@routes.export(
    "/v1/exports/settlement-lines/<uuid:settlement_id>",
    summary="A statement lot by lot as a file",
    roles=READERS,
    query=shapes.PostedQuery,
    problems=("settlement_not_found", "settlement_lines_elsewhere", "export_too_large"),
)
def export_settlement_lines(uow: UnitOfWork, settlement_id: UUID, query: dict[str, Any]) -> Table:
    """In the order of posting; `posted_from` and `posted_before` narrow it to some days."""
    found = statements.lines(uow, settlement_id, after=None, limit=MOST_ROWS + 1, **query)
    return Table(f"settlement-{settlement_id}.csv", LINES, _cells(found, LINES))


@routes.export(
    "/v1/exports/statements/<uuid:member_id>",
    summary="Everything that moved a member's points as a file",
    roles=(Role.OWNER, *READERS),
    query=shapes.PostedQuery,
    problems=("member_not_found", "export_too_large"),
)
def export_statement(uow: UnitOfWork, member_id: UUID, query: dict[str, Any]) -> Table:
    """Newest first; `posted_from` and `posted_before` narrow it to some days."""
    rows = _postings(uow, own(uow, member_id), Filter(**query))
    return Table(f"statement-{member_id}.csv", POSTINGS, _cells(rows, POSTINGS))


def _postings(uow: UnitOfWork, member_id: UUID, only: Filter) -> list[StatementLine]:
    """A page at a time, until there is no more, or more than an export gives."""
    rows = page = statement(uow, member_id, before=None, limit=PAGE_ROWS, only=only)
    while len(page) == PAGE_ROWS and len(rows) <= MOST_ROWS:
        page = statement(uow, member_id, before=page[-1].id, limit=PAGE_ROWS, only=only)
        rows = rows + page
    return rows


def _cells(rows: Any, columns: tuple[str, ...]) -> list[list[Any]]:
    return [[getattr(row, column) for column in columns] for row in rows]
