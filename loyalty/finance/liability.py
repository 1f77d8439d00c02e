"""Liability (积分负债): what the outstanding points cost, at the end of any day (F17).

Every total is rounded from its own exact sum, never summed from rounded rows.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import end_of_day
from loyalty.finance.lots import Owed, owed_points, vintages
from loyalty.finance.rules.breakage import LEAST_LOTS, Rate, rate_of
from loyalty.finance.rules.rounding import Cost, cost_of, exact_sum, portion, shown
from loyalty.finance.trial_balance import arrears_by_issuer, balances, outstanding


@dataclass(frozen=True, slots=True)
class QuarterLiability:
    """Points whose last usable day lies in `quarter`, such as `2027-Q4`; None never ends."""

    issuer_id: UUID
    quarter: str | None
    points: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class IssuerLiability:
    """`arrears` are points members owe this issuer: a receivable, which no lot gives a cost."""

    issuer_id: UUID
    points: int
    cost: Cost
    arrears: int


@dataclass(frozen=True, slots=True)
class Breakage:
    """How much of the liability is expected to expire; all None without enough history.

    `rate` is `basis_points` as a fraction. It applies to points that can expire, `dated_points`.
    """

    rate: str | None
    basis_points: int | None
    reason: str | None
    least_lots: int
    vintages: int
    lots: int
    points: int
    expired: int
    dated_points: int
    before: Cost
    expected: Cost | None
    after: Cost | None


@dataclass(frozen=True, slots=True)
class Liability:
    """`past_date_points` are owed no more, though the trial balance has them until a job runs."""

    as_of: date
    items: list[QuarterLiability]
    issuers: list[IssuerLiability]
    points: int
    cost: Cost
    arrears: int
    past_date_points: int
    breakage: Breakage

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a closed month: plain JSON values."""
        return asdict(
            self,
            dict_factory=lambda pairs: {
                name: str(value) if isinstance(value, UUID | date) else value
                for name, value in pairs
            },
        )


def liability(uow: UnitOfWork, *, as_of: date) -> Liability:
    """At the end of a day of the dealer's zone, by issuer and quarter of the last usable day.

    Raises RuleViolation `day_in_the_future`.
    """
    until = end_of_day(uow, as_of)
    books, owed = balances(uow, until), owed_points(uow, until)
    arrears = {issuer: points for issuer, points in arrears_by_issuer(books).items() if points}
    points = sum(each.points for each in owed)
    return Liability(
        as_of=as_of,
        items=[
            QuarterLiability(
                each.issuer_id, _quarter(each.quarter), each.points, cost_of(each.exact_fen)
            )
            for each in owed
        ],
        issuers=[
            _issuer(issuer, owed, arrears.get(issuer, 0))
            for issuer in sorted({each.issuer_id for each in owed} | set(arrears))
        ],
        points=points,
        cost=_total(owed),
        arrears=sum(arrears.values()),
        past_date_points=outstanding(books) - points,
        breakage=_breakage(rate_of(vintages(uow, until)), owed),
    )


def _issuer(issuer: UUID, owed: Sequence[Owed], arrears: int) -> IssuerLiability:
    mine = [each for each in owed if each.issuer_id == issuer]
    return IssuerLiability(issuer, sum(each.points for each in mine), _total(mine), arrears)


def _breakage(rate: Rate, owed: Sequence[Owed]) -> Breakage:
    dated = [each for each in owed if each.quarter is not None]
    before = exact_sum(each.exact_fen for each in owed)
    lost = None
    if rate.basis_points is not None:
        lost = portion(exact_sum(each.exact_fen for each in dated), rate.basis_points)
    return Breakage(
        rate=None if rate.basis_points is None else shown(portion(Decimal(1), rate.basis_points)),
        basis_points=rate.basis_points,
        reason=rate.reason,
        least_lots=LEAST_LOTS,
        vintages=rate.vintages,
        lots=rate.lots,
        points=rate.points,
        expired=rate.expired,
        dated_points=sum(each.points for each in dated),
        before=cost_of(before),
        expected=None if lost is None else cost_of(lost),
        after=None if lost is None else cost_of(exact_sum((before, lost.copy_negate()))),
    )


def _total(owed: Sequence[Owed]) -> Cost:
    return cost_of(exact_sum(each.exact_fen for each in owed))


def _quarter(begins_on: date | None) -> str | None:
    return f"{begins_on.year}-Q{(begins_on.month + 2) // 3}" if begins_on else None
