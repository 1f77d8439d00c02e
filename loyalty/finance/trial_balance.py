"""The trial balance (试算平衡表): every account of every issuer, at the end of any day (F17).

It starts from the last closed month before that day, whose balance was kept, and adds what was
posted since: `proof.py` proves that this is the sum of all entries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import end_of_day
from loyalty.finance.models import MonthClose

TRANSFERRED: Final = "transferred"
ARREARS: Final = "arrears"
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)
# The close is looked up before: with the instant itself in hand, the plan is made for its rows.
_BALANCES: Final = text("""
    SELECT issuer_id, side, account, sum(points) AS points FROM (
        SELECT issuer_id, side, account, points FROM month_balance
        WHERE month_close_id = :close
        UNION ALL
        SELECT e.issuer_id, e.side, e.account, sum(e.points)
        FROM posting_set s
        JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id
        WHERE s.dealer_id = :dealer AND s.posted_at >= :since AND s.posted_at < :until
        GROUP BY e.issuer_id, e.side, e.account
    ) moved
    GROUP BY issuer_id, side, account ORDER BY issuer_id, side, account
""")


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Points on one account: the members' side gains what the programme's side loses."""

    issuer_id: UUID
    side: str
    account: str
    points: int


@dataclass(frozen=True, slots=True)
class IssuerSum:
    """All accounts of one issuer together: zero in a sound ledger."""

    issuer_id: UUID
    points: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """`points` is the sum of everything; `transferred`, a clearing account, is zero too."""

    as_of: date
    items: list[AccountBalance]
    issuers: list[IssuerSum]
    points: int
    transferred: int
    balanced: bool


def trial_balance(uow: UnitOfWork, *, as_of: date) -> TrialBalance:
    """At the end of a day of the dealer's zone, or now, if the day is not over.

    Raises RuleViolation `day_in_the_future`.
    """
    items = balances(uow, end_of_day(uow, as_of))
    issuers = [
        IssuerSum(issuer, _sum(each for each in items if each.issuer_id == issuer))
        for issuer in dict.fromkeys(each.issuer_id for each in items)
    ]
    clearing = [each for each in items if each.account == TRANSFERRED]
    return TrialBalance(
        as_of=as_of,
        items=items,
        issuers=issuers,
        points=_sum(items),
        transferred=_sum(clearing),
        balanced=not any([each.points for each in issuers] + [each.points for each in clearing]),
    )


def balances(uow: UnitOfWork, until: datetime) -> list[AccountBalance]:
    """Every account that was ever moved, with what was posted before an instant."""
    last = (
        select(MonthClose.id, MonthClose.ends_at)
        .where(MonthClose.dealer_id == uow.dealer_id, MonthClose.ends_at <= until)
        .order_by(MonthClose.ends_at.desc())
        .limit(1)
    )
    base = uow.session.execute(last).first()
    close, since = (base.id, base.ends_at) if base else (None, _EVER)
    asked = {"dealer": uow.dealer_id, "close": close, "since": since, "until": until}
    rows = uow.session.execute(_BALANCES, asked)
    return [AccountBalance(row.issuer_id, row.side, row.account, int(row.points)) for row in rows]


def arrears_by_issuer(items: Sequence[AccountBalance]) -> dict[UUID, int]:
    """What members owe, as a positive number."""
    return {each.issuer_id: -each.points for each in items if each.account == ARREARS}


def outstanding(items: Sequence[AccountBalance]) -> int:
    """What the members' accounts hold, arrears aside."""
    return _sum(each for each in items if each.side == "member" and each.account != ARREARS)


def _sum(items: Iterable[AccountBalance]) -> int:
    return sum(each.points for each in items)
