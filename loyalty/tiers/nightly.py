"""The night's work on tiers (F26): every member of a dealer, in pages. Again, nothing moves.

A page is read without a lock; those who move are locked and decided again, a batch a transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError

from kernel.clock import business_day
from kernel.errors import DomainError
from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member
from loyalty.points.nightly import Failure, is_matter_of_members, work_apart
from loyalty.tiers.assess import assess_by, move, movers
from loyalty.tiers.pages import AFTER_ALL, BEFORE_ALL, PAGE_MEMBERS, Range, of_page, page_after
from loyalty.tiers.scheme_life import InForce, scheme_on

Enter = Callable[[], AbstractContextManager[UnitOfWork]]

BATCH_MEMBERS: Final = 1_500


def assess_all(
    entered: Enter, failures: list[Failure], *, as_of: datetime, page: int = PAGE_MEMBERS
) -> int:
    """Give every member what the day of an instant brings; how many got another tier.

    `failures` gets the members it fails for; the others have their night (P12). Raises what is
    wrong with the database itself, and TooManyFailuresError.
    """
    return sum(pages(entered, failures, as_of=as_of, page=page))


def pages(
    entered: Enter, failures: list[Failure], *, as_of: datetime, page: int = PAGE_MEMBERS
) -> Iterator[int]:
    """The same page by page; interrupted, run it again."""
    with entered() as uow:
        on = business_day(as_of, uow.zone)
        known = scheme_on(uow, on)
    if known is None:
        return
    asked = movers(known, on, of_page)
    after = BEFORE_ALL
    while after != AFTER_ALL:
        with entered() as uow:
            part = page_after(uow, after, page)
        yield _page(entered, failures, known, on, (asked, part))
        after = part["last"]


def _page(
    entered: Enter,
    failures: list[Failure],
    known: InForce,
    on: date,
    asked: tuple[Select[Any], Range],
) -> int:
    """Who cannot be read is looked for among all of the page."""
    try:
        with entered() as uow:
            found, work = list(uow.session.scalars(*asked)), partial(_move, known, on)
    except (DBAPIError, DomainError) as error:
        if not is_matter_of_members(error):
            raise
        found, work = _members(entered, asked[1]), partial(_assess, known, on)
    return sum(sum(work_apart(entered, batch, failures, work)) for batch in _batches(found))


def _move(known: InForce, on: date, uow: UnitOfWork, members: Sequence[UUID]) -> int:
    return move(uow, known, on, members)


def _assess(known: InForce, on: date, uow: UnitOfWork, members: Sequence[UUID]) -> int:
    return assess_by(uow, known, on, members)


def _members(entered: Enter, part: Range) -> list[UUID]:
    with entered() as uow:
        found = select(Member.id).where(of_page(Member.id)).order_by(Member.id)
        return list(uow.session.scalars(found, part))


def _batches(members: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(members), BATCH_MEMBERS):
        yield members[start : start + BATCH_MEMBERS]
