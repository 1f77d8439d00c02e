"""The night's work on tiers (F26): every member of a dealer, in pages. Again, nothing moves.

A page is read without a lock; those who move are locked and decided again, a batch a transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, bindparam, select

from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member
from loyalty.tiers.assess import move, movers
from loyalty.tiers.scheme_life import InForce, scheme_on

Enter = Callable[[], AbstractContextManager[UnitOfWork]]

PAGE_MEMBERS: Final = 20_000
BATCH_MEMBERS: Final = 1_500
BEFORE_ALL: Final = UUID(int=0)
AFTER_ALL: Final = UUID(int=2**128 - 1)


def assess_all(entered: Enter, *, as_of: datetime, page: int = PAGE_MEMBERS) -> int:
    """Give every member what the day of an instant brings; how many got another tier."""
    return sum(pages(entered, as_of=as_of, page=page))


def pages(entered: Enter, *, as_of: datetime, page: int = PAGE_MEMBERS) -> Iterator[int]:
    """The same page by page; interrupted, run it again."""
    with entered() as uow:
        on = business_day(as_of, uow.zone)
        known = scheme_on(uow, on)
    if known is None:
        return
    asked = _movers_between(known, on)
    after = BEFORE_ALL
    while after != AFTER_ALL:
        with entered() as uow:
            last = _end_of_page(uow, after, page)
            found = list(uow.session.scalars(asked, {"after": after, "last": last}))
        yield sum(_moved(entered, known, on, batch) for batch in _batches(found))
        after = last


def _movers_between(known: InForce, on: date) -> Select[Any]:
    """One statement for all pages: it is large, and making it takes longer than a page's start."""
    after, last = bindparam("after", type_=Uuid), bindparam("last", type_=Uuid)
    return movers(known, on, lambda column: and_(column > after, column <= last))


def _moved(entered: Enter, known: InForce, on: date, members: Sequence[UUID]) -> int:
    with entered() as uow:
        return move(uow, known, on, members)


def _end_of_page(uow: UnitOfWork, after: UUID, page: int) -> UUID:
    """The last member of a full page; the last page ends after everybody."""
    found = select(Member.id).where(Member.id > after).order_by(Member.id).offset(page - 1).limit(1)
    return uow.session.scalar(found) or AFTER_ALL


def _batches(members: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(members), BATCH_MEMBERS):
        yield members[start : start + BATCH_MEMBERS]
