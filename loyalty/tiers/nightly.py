"""The night's work on tiers (F26): every member of a dealer, in pages. Again, nothing moves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, select

from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member
from loyalty.members.queries import Who
from loyalty.tiers.assess import assess_by
from loyalty.tiers.scheme_life import scheme_on

Enter = Callable[[], AbstractContextManager[UnitOfWork]]

PAGE_MEMBERS: Final = 5_000
BEFORE_ALL: Final = UUID(int=0)


def assess_all(entered: Enter, *, as_of: datetime, page: int = PAGE_MEMBERS) -> int:
    """Give every member what the day of an instant brings; how many got another tier."""
    return sum(pages(entered, as_of=as_of, page=page))


def pages(entered: Enter, *, as_of: datetime, page: int = PAGE_MEMBERS) -> Iterator[int]:
    """The same page by page, a transaction each; interrupted, run it again."""
    after: UUID | None = BEFORE_ALL
    while after is not None:
        with entered() as uow:
            on = business_day(as_of, uow.zone)
            known = scheme_on(uow, on)
            if known is None:
                return
            last = _last_of_page(uow, after, page)
            moved = assess_by(uow, known, on, _between(after, last))
        yield moved
        after = last


def _last_of_page(uow: UnitOfWork, after: UUID, page: int) -> UUID | None:
    """The last member of a full page; None when this is the last page."""
    found = select(Member.id).where(Member.id > after).order_by(Member.id).offset(page - 1).limit(1)
    return uow.session.scalar(found)


def _between(after: UUID, last: UUID | None) -> Who:
    if last is None:
        return lambda column: column > after
    return lambda column: and_(column > after, column <= last)
