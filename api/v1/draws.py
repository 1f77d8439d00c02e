"""The draws of a month, published: how often the buyer was drawn and how often the owner."""

from typing import Any

from api.routes import Routes
from api.schemas import draws as shapes
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.finance.days import month_of
from referral.draw_split import DrawSplit, draw_split

routes = Routes("draws")


@routes.get(
    "/v1/draw-split",
    summary="How the draws of a month fell on buyers and owners",
    roles=(Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN, Role.AUDITOR),
    answer=shapes.DrawSplitOut,
    query=shapes.DrawMonthQuery,
)
def get_draw_split(uow: UnitOfWork, query: dict[str, Any]) -> DrawSplit:
    """By agent and for all, this month by default. `alert`: a fair draw is hardly so uneven."""
    return draw_split(uow, query["month"] or month_of(uow.now, uow.zone))
