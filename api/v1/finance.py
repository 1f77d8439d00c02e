"""Finance: trial balance, liability, settlement between dealers, month closes. Ids, never names."""

from typing import Any
from uuid import UUID

from api.routes import Page, Routes
from api.schemas import finance as shapes
from api.schemas.paging import page_of
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.finance import close_month as closing
from loyalty.finance import statements
from loyalty.finance.days import month_of
from loyalty.finance.liability import Liability, liability
from loyalty.finance.trial_balance import TrialBalance, trial_balance

routes = Routes("finance")
READERS = (Role.FINANCE, Role.DEALER_ADMIN, Role.AUDITOR)


@routes.get(
    "/v1/trial-balance",
    summary="Every account of every issuer at the end of a day",
    roles=READERS,
    answer=shapes.TrialBalanceOut,
    query=shapes.AsOfQuery,
    problems=("day_in_the_future",),
)
def get_trial_balance(uow: UnitOfWork, query: dict[str, Any]) -> TrialBalance:
    """Of everything posted before the next day began; today, which is not over, by default."""
    return trial_balance(uow, as_of=query["as_of"] or uow.today)


@routes.get(
    "/v1/liability",
    summary="What the outstanding points cost at the end of a day",
    roles=READERS,
    answer=shapes.LiabilityOut,
    query=shapes.AsOfQuery,
    problems=("day_in_the_future",),
)
def get_liability(uow: UnitOfWork, query: dict[str, Any]) -> Liability:
    """By issuer and quarter of the last usable day, each total rounded once; with breakage."""
    return liability(uow, as_of=query["as_of"] or uow.today)


@routes.get(
    "/v1/settlements",
    summary="Who owes whom for a month",
    roles=READERS,
    answer=page_of(shapes.SettlementOut),
    query=shapes.MonthQuery,
    paged=True,
    problems=("cursor_invalid",),
)
def list_settlements(
    uow: UnitOfWork, query: dict[str, Any], page: Page
) -> list[statements.Statement]:
    """One statement for each debtor and creditor; `open` until the month is closed."""
    month = query["month"] or month_of(uow.now, uow.zone)
    return statements.statements(uow, month, after=page.position, limit=page.fetch)


@routes.get(
    "/v1/settlements/<uuid:settlement_id>/lines",
    summary="A statement lot by lot",
    roles=READERS,
    answer=page_of(shapes.SettlementLineOut),
    paged=True,
    problems=("settlement_not_found", "settlement_lines_elsewhere", "cursor_invalid"),
)
def list_settlement_lines(
    uow: UnitOfWork, settlement_id: UUID, page: Page
) -> list[statements.StatementLine]:
    """In the order of posting; a cancelled burn is a negative line of the month of cancelling."""
    return statements.lines(uow, settlement_id, after=page.position, limit=page.fetch)


@routes.post(
    "/v1/month-closes",
    summary="Close a month",
    roles=(Role.FINANCE,),
    body=shapes.MonthCloseIn,
    answer=shapes.MonthCloseOut,
    problems=("month_already_closed", "month_not_over", "month_out_of_order"),
    example={"month": "2026-10"},
)
def create_month_close(uow: UnitOfWork, body: dict[str, Any]) -> closing.Closed:
    """Numbers the month and its statements and keeps them for good; ten minutes after it ended."""
    return closing.get_close(uow, closing.close_month(uow, body["month"]))


@routes.get(
    "/v1/month-closes",
    summary="The closed months",
    roles=READERS,
    answer=page_of(shapes.MonthCloseOut),
    paged=True,
    problems=("cursor_invalid",),
)
def list_month_closes(uow: UnitOfWork, page: Page) -> list[closing.Closed]:
    """Oldest first."""
    return closing.closes(uow, after=page.position, limit=page.fetch)
