"""The night's work on points (ledger.md): what time alone brings about, in pages of members.

The same function does it that every spending verb calls for its own member. A page's locks are
taken by a statement of their own; whoever reads lots before holds stale ones.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from kernel.errors import DomainError, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import act_json
from loyalty.points.ledger.values import Source

Enter = Callable[[], AbstractContextManager[UnitOfWork]]
T = TypeVar("T")

PAGE_MEMBERS: Final = 1_500
MOST_FAILURES: Final = 100
BEFORE_ALL: Final = UUID(int=0)
_NIGHT: Final = Source("nightly", "nightly")
_SETTINGS: Final = text(
    "SELECT set_config('synchronous_commit', 'off', true),"
    " set_config('statement_timeout', '30s', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true)"
)
_LEG: Final = (
    "(SELECT DISTINCT member_id FROM {0} WHERE member_id > :after AND {1}"
    " ORDER BY member_id LIMIT :most)"
)
_LEGS: Final = (
    _LEG.format("point_lot", "open AND expires_at <= :as_of"),
    _LEG.format("point_lot", "open AND NOT activated AND available_at <= :as_of"),
    _LEG.format(
        "point_lot", "open AND NOT activated AND available_at IS NULL AND cancel_at <= :as_of"
    ),
    _LEG.format("point_hold", "state = 'open' AND expires_at <= :as_of"),
)
_DUE: Final = f"({' UNION '.join(_LEGS)}) due"


@dataclass(frozen=True, slots=True)
class Done:
    """What a page or a night did: members looked at, holds released, members whose points were
    activated, cancelled and expired, debts settled."""

    members: int = 0
    released: int = 0
    activated: int = 0
    cancelled: int = 0
    expired: int = 0
    settled: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items())


@dataclass(frozen=True, slots=True)
class Failure:
    """A member whose night failed, and why, told without values of rows."""

    member_id: UUID
    why: str


class TooManyFailuresError(Exception):
    """What fails for so many members is no matter of theirs."""


def work_pages(
    entered: Enter, failures: list[Failure], *, as_of: datetime, page: int = PAGE_MEMBERS
) -> Iterator[Done]:
    """Work through the members who are due, a transaction a page; interrupted, run it again.

    A page that fails is halved until the members are found it fails for: `failures` gets them, and
    the others have their night (P12). Raises what is wrong with the database itself, and
    TooManyFailuresError.
    """
    after = BEFORE_ALL
    while True:
        with entered() as uow:
            members = due_members(uow, as_of=as_of, after=after, most=page)
        if not members:
            return
        done = work_apart(
            entered, members, failures, lambda uow, some: catch_up(uow, some, as_of=as_of)
        )
        yield sum(done, Done())
        after = members[-1]


def work_apart(
    entered: Enter,
    members: Sequence[UUID],
    failures: list[Failure],
    work: Callable[[UnitOfWork, Sequence[UUID]], T],
) -> list[T]:
    """What the work on these members answered, a transaction for all of them; if that fails, for
    each half, down to the members it fails for.

    Raises what is wrong with the database itself, and TooManyFailuresError.
    """
    try:
        with entered() as uow:
            return [work(uow, members)]
    except (DBAPIError, DomainError) as error:
        if not is_matter_of_members(error):
            raise
        if len(members) == 1:
            failures.append(Failure(members[0], _first_line(error)))
            if len(failures) > MOST_FAILURES:
                raise TooManyFailuresError(f"{len(failures)} members") from error
            return []
    half = len(members) // 2
    first = work_apart(entered, members[:half], failures, work)
    return first + work_apart(entered, members[half:], failures, work)


def is_matter_of_members(error: DBAPIError | DomainError) -> bool:
    """Not when the connection is gone, the server stops or has no room (SQLSTATE 08, 57P, 53)."""
    if isinstance(error, DomainError):
        return True
    state = getattr(error.orig, "sqlstate", None) or "08"
    return not state.startswith(("08", "53", "57P"))


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).splitlines()[:1])}"


def due_members(uow: UnitOfWork, *, as_of: datetime, after: UUID, most: int) -> list[UUID]:
    """The next members, by id, for whom time has left something to write by `as_of`."""
    values = {"as_of": as_of, "after": after, "most": most}
    page = f"SELECT member_id FROM {_DUE} ORDER BY member_id LIMIT :most"  # noqa: S608 (constants)
    return list(uow.session.scalars(text(page), values))


def count_due(uow: UnitOfWork, *, as_of: datetime) -> int:
    """How many members the whole night will look at."""
    values = {"as_of": as_of, "after": BEFORE_ALL, "most": None}
    whole = f"SELECT count(*) FROM {_DUE}"  # noqa: S608 (constants)
    return int(uow.session.scalars(text(whole), values).one())


def catch_up(uow: UnitOfWork, members: Sequence[UUID], *, as_of: datetime) -> Done:
    """Write for these members what was due by `as_of`, posted now; done before, it does nothing.

    Their accounts stay locked until the transaction ends. It need not reach the disk at once: what
    a crash loses, the next run does again. Raises NotFound `member_not_found`.
    """
    uow.session.execute(_SETTINGS)
    locked = uow.session.scalars(select(func.point_lock(list(members)))).one()
    if locked != len(members):
        raise NotFound("member_not_found")
    row = uow.session.execute(
        text(
            "SELECT * FROM point_catch_up("
            "jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb)), :members, :as_of)"
        ),
        {"act": act_json(uow, _NIGHT, None), "members": list(members), "as_of": as_of},
    ).one()
    return Done(len(members), *row)
