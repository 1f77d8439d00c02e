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

from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.load import settled
from loyalty.benefits.save import save
from loyalty.points import ledger
from loyalty.points.nightly import Failure, work_apart

Enter = Callable[[], AbstractContextManager[UnitOfWork]]

PAGE_MEMBERS: Final = 500
BEFORE_ALL: Final = UUID(int=0)
_LEG: Final = """(
    SELECT DISTINCT due.member_id FROM {0} due
    WHERE due.dealer_id = :dealer AND due.member_id > :after AND {1}
    ORDER BY due.member_id LIMIT :most
)"""
_OWNED: Final = """
    SELECT FROM ownership owned,
        benefit_owned_until(
            owned.vehicle_id, owned.member_id, owned.owned_from, owned.owned_until
        ) until
    WHERE owned.member_id = due.member_id AND owned.vehicle_id = due.vehicle_id
        AND owned.owned_from <= due.period_from AND COALESCE(until > :day, true)
"""
_LEGS: Final = (
    _LEG.format("benefit_grant", "open AND valid_until <= :day"),
    _LEG.format("benefit_usage", "state = 'reserved' AND ends_at <= :as_of"),
    _LEG.format("benefit_grant", f"open AND vehicle_id IS NOT NULL AND NOT EXISTS ({_OWNED})"),
)
DUE: Final = text(
    f"SELECT member_id FROM ({' UNION '.join(_LEGS)}) due"  # noqa: S608 (constants)
    " ORDER BY member_id LIMIT :most"
)


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
        yield sum(work_apart(entered, members, failures, settle_members), Done())
        after = members[-1]


def due_members(uow: UnitOfWork, *, as_of: datetime, after: UUID, most: int) -> list[UUID]:
    """The next members, by id, for whom something was over by `as_of` and stands open."""
    day = business_day(as_of, uow.zone)
    asked = {
        "dealer": uow.dealer_id,
        "day": day,
        "as_of": as_of,
        "after": after,
        "most": most,
    }
    return list(uow.session.scalars(DUE, asked))


def settle_members(uow: UnitOfWork, members: Sequence[UUID]) -> Done:
    """Write for these members what is due now; their accounts stay locked until the end.

    Raises NotFound `member_not_found`.
    """
    ledger.lock(uow, members)
    books = list(settled(uow, members).values())
    moves = sum(len(each.moves) for each in books)
    save(uow, books)
    return Done(len(members), moves)
