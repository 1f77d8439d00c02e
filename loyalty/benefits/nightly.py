"""The night's work on benefits: what is over ends, for every member with something due, in pages.

Reads and verbs see the same without it. Worked again, or after an interruption, it finds the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel.clock import business_day
from kernel.errors import DomainError
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.load import settled
from loyalty.benefits.save import save
from loyalty.points import ledger
from loyalty.points.nightly import MOST_FAILURES, Failure, TooManyFailuresError

Enter = Callable[[], AbstractContextManager[UnitOfWork]]

PAGE_MEMBERS: Final = 500
BEFORE_ALL: Final = UUID(int=0)
_DUE: Final = text("""
    SELECT member_id FROM (
        SELECT member_id FROM benefit_grant WHERE open AND valid_until <= :day
        UNION
        SELECT member_id FROM benefit_usage WHERE state = 'reserved' AND ends_at <= :as_of
        UNION
        SELECT g.member_id FROM benefit_grant g JOIN ownership o
            ON o.vehicle_id = g.vehicle_id AND o.member_id = g.member_id
        WHERE g.open AND o.owned_until <= :day AND o.owned_from <= g.period_from
            AND g.period_from < o.owned_until
            AND (g.valid_until IS NULL OR g.valid_until > o.owned_until)
    ) due
    WHERE member_id > :after ORDER BY member_id LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Done:
    """What a page or a night did: members settled, and moves of their units written."""

    members: int = 0
    moves: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(self.members + other.members, self.moves + other.moves)


def settle_all(
    entered: Enter, failures: list[Failure], *, as_of: datetime, page: int = PAGE_MEMBERS
) -> Done:
    """Settle every member for whom something was due by `as_of`, posted now.

    `failures` gets the members it fails for; the others have their night. Raises what is wrong
    with the database itself, and TooManyFailuresError.
    """
    return sum(pages(entered, failures, as_of=as_of, page=page), Done())


def pages(
    entered: Enter, failures: list[Failure], *, as_of: datetime, page: int = PAGE_MEMBERS
) -> Iterator[Done]:
    """The same page by page, a transaction each."""
    after = BEFORE_ALL
    while True:
        with entered() as uow:
            members = due_members(uow, as_of=as_of, after=after, most=page)
        if not members:
            return
        yield _work(entered, members, failures)
        after = members[-1]


def due_members(uow: UnitOfWork, *, as_of: datetime, after: UUID, most: int) -> list[UUID]:
    """The next members, by id, for whom something was over by `as_of` and stands open."""
    day = business_day(as_of, uow.zone)
    asked = {"day": day, "as_of": as_of, "after": after, "most": most}
    return list(uow.session.scalars(_DUE, asked))


def settle_members(uow: UnitOfWork, members: Sequence[UUID]) -> Done:
    """Write for these members what is due now; their accounts stay locked until the end.

    Raises NotFound `member_not_found`.
    """
    ledger.lock(uow, members)
    books = list(settled(uow, members).values())
    moves = sum(len(each.moves) for each in books)
    save(uow, books)
    return Done(len(members), moves)


def _work(entered: Enter, members: Sequence[UUID], failures: list[Failure]) -> Done:
    try:
        with entered() as uow:
            return settle_members(uow, members)
    except (DBAPIError, DomainError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        if len(members) == 1:
            failures.append(Failure(members[0], f"{type(error).__name__}: {error}".split("\n")[0]))
            if len(failures) > MOST_FAILURES:
                raise TooManyFailuresError(f"{len(failures)} members") from error
            return Done()
    half = len(members) // 2
    return _work(entered, members[:half], failures) + _work(entered, members[half:], failures)
