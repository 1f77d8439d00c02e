"""What time alone does to referrals: calls, states, cases, promises, and what may be forgotten.

None of it pays. Run twice, the second finds nothing to do.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kernel.unit_of_work import UnitOfWork
from loyalty.members.phones import forget_former_phones
from loyalty.notices.collect import forget_notices
from referral.continue_calls import begin_second_calls, end_overdue_calls, replace_absent_agents
from referral.entropy import promise_entropy
from referral.evidence.retention import erase_old_photos
from referral.expire import expire_due
from referral.justice.appeal import lapse_appeals
from referral.justice.penalties import settle_penalties
from referral.shares import count_shares

Enter = Callable[[], AbstractContextManager[UnitOfWork]]
PAGE_PHOTOS: Final = 200


@dataclass(frozen=True, slots=True)
class Done:
    """How much was done, for the line of the dealer's night."""

    calls_ended: int
    expired: int
    agents_replaced: int
    second_calls: int


def referrals_night(entered: Enter) -> Done:
    """Everything due by the night of this dealer; a page is a transaction (referral.md, F53)."""
    ended = _pages(entered, end_overdue_calls)
    expired = _pages(entered, expire_due)
    replaced, begun = _once(entered, replace_absent_agents), _once(entered, begin_second_calls)
    for page in (lapse_appeals, settle_penalties):
        _pages(entered, page)
    for work in (promise_tomorrow, count_shares, forget_notices, forget_former_phones):
        _once(entered, work)
    _pages(entered, lambda uow: erase_old_photos(uow, limit=PAGE_PHOTOS))
    return Done(ended, expired, replaced, begun)


def promise_tomorrow(uow: UnitOfWork) -> int:
    """Keep the hash of tomorrow's secret of the draws before the day begins."""
    promise_entropy(uow, uow.today + timedelta(days=1))
    return 1


def _once(entered: Enter, work: Callable[[UnitOfWork], int]) -> int:
    with entered() as uow:
        return work(uow)


def _pages(entered: Enter, work: Callable[[UnitOfWork], int]) -> int:
    """How many there were in all; the last page finds nothing."""
    count, page = 0, -1
    while page:
        page = _once(entered, work)
        count += page
    return count
