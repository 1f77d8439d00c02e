"""A past moment of one account, as a cut through the order of its acts.

A posting that waited for the account's lock carries the time at which it began, so times alone
could split what belongs together; the account's version never does.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.clock import start_of_day
from kernel.errors import NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointAccount, PostingSet

_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` is the instant; posting sets with an `account_version` below `cut` were posted then."""

    at: datetime
    cut: int


def instant_of(uow: UnitOfWork, as_of: date | datetime) -> datetime:
    """The last instant meant: of the millisecond that answers show, or of the dealer's day.

    Raises RuleViolation `as_of_in_the_future` when it has not come, or the day is not over.
    """
    if isinstance(as_of, datetime):
        if as_of > uow.now:
            raise RuleViolation("as_of_in_the_future", pointer="/as_of")
        whole = as_of.replace(microsecond=as_of.microsecond // 1000 * 1000)
        return min(uow.now, whole + timedelta(milliseconds=1) - _TICK)
    if as_of >= uow.today:
        raise RuleViolation("as_of_in_the_future", pointer="/as_of")
    return start_of_day(as_of + timedelta(days=1), uow.zone) - _TICK


def moment_of(uow: UnitOfWork, member_id: UUID, as_of: date | datetime | None) -> Moment:
    """The moment meant, or the present one, of this account (F14).

    Raises NotFound `member_not_found`, RuleViolation `as_of_in_the_future`.
    """
    at = uow.now if as_of is None else instant_of(uow, as_of)
    next_set = (
        select(func.min(PostingSet.account_version))
        .where(PostingSet.member_id == member_id, PostingSet.posted_at > at)
        .scalar_subquery()
    )
    cut = uow.session.scalar(
        select(func.coalesce(next_set, PointAccount.version + 1)).where(
            PointAccount.member_id == member_id
        )
    )
    if cut is None:
        raise NotFound("member_not_found")
    return Moment(at, cut)
