"""Pages of a dealer's members, by ranges of their ids: a statement over all would end in a timeout.

The last page ends after everybody, so that who is enrolled meanwhile is in it.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, Uuid, and_, bindparam, select

from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member

PAGE_MEMBERS: Final = 20_000
BEFORE_ALL: Final = UUID(int=0)
AFTER_ALL: Final = UUID(int=2**128 - 1)
_AFTER: Final = bindparam("after", type_=Uuid)
_LAST: Final = bindparam("last", type_=Uuid)

Range = dict[str, UUID]
"""The values of a page for a statement that asks `of_page`."""


def of_page(column: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    """A condition for the members of a page: one statement for all pages, with a `Range` each.
    It is large, and making it takes longer than a page's start."""
    return and_(column > _AFTER, column <= _LAST)


def page_after(uow: UnitOfWork, after: UUID, page: int) -> Range:
    """The next page of so many members."""
    found = select(Member.id).where(Member.id > after).order_by(Member.id).offset(page - 1).limit(1)
    return {"after": after, "last": uow.session.scalar(found) or AFTER_ALL}


def pages_of(uow: UnitOfWork, page: int) -> Iterator[Range]:
    """All pages, in one transaction."""
    after = BEFORE_ALL
    while after != AFTER_ALL:
        found = page_after(uow, after, page)
        yield found
        after = found["last"]
