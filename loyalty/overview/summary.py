"""What an owner sees first: points, tier, what is missing, what ends next; in one trip.

Nothing is ever stale: every read asks the database, which says whether what a cache holds is still
true. What time alone brings about, `until` tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from math import ceil
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from kernel.cache import Cache
from kernel.database import Database
from kernel.errors import Forbidden, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import bodies
from loyalty.benefits.load import DAYS_BACK, Moment, settled_from
from loyalty.benefits.queries import left_in
from loyalty.benefits.rules.books import Books
from loyalty.dealers.directory import Stranger
from loyalty.dealers.roles import MFA_ROLES, Role
from loyalty.overview.rules.units import Units, units_left
from loyalty.tiers.rules.ladder import Ladder
from loyalty.tiers.rules.progress import Held, Progress, progress
from loyalty.tiers.rules.scheme import Scheme, parse
from loyalty.tiers.scheme_life import scheme_on

_SCHEME: Final = "SELECT summary_scheme(%s, %s)"
_BODIES: Final = "SELECT benefit_bodies(%s, %s)::text"
_SCHEMES_KNOWN: Final = 256


class _Row(NamedTuple):
    """The answer of `member_summary`."""

    outcome: str
    role: Role
    stamp: str
    until: datetime
    today: date
    available: int
    pending: int
    held: int
    arrears: int
    frozen: bool
    ending: int
    ends_at: datetime | None
    ends_on: date | None
    last_usable_on: date | None
    tier: str | None
    earned_tier: str | None
    since_on: date | None
    below_since: date | None
    score: int | None
    scheme: int | None
    models: list[str]
    zone: str
    books: str | None


_SUMMARY: Final = (
    f"SELECT {', '.join(_Row._fields)} FROM"  # noqa: S608 (names of this module)
    " member_summary(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, as his token says; the directory is asked in the same trip."""

    dealer_id: UUID
    kind: str
    subject: str
    token_id: str
    mfa: bool
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """As a balance: what can be spent now, has not begun, is put aside, is owed."""

    available: int
    pending: int
    held: int
    arrears: int
    frozen: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """The points that end next, unspendable from `expires_at` on."""

    points: int
    expires_at: datetime
    expires_on: date | None
    last_usable_on: date | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What an owner sees first."""

    member_id: UUID
    on: date
    balance: Points
    next_expiry: Ending | None
    tier: Progress
    benefits: list[Units]


def summary(
    database: Database,
    cache: Cache,
    reader: Reader,
    member_id: UUID,
    *,
    now: datetime,
) -> tuple[Role, bytes]:
    """The role the reader acts in, and the summary as JSON.

    Raises Stranger `token_withdrawn`, `token_subject_unknown`, `token_mfa_required`, Forbidden
    `role_lacks`, NotFound `member_not_found`.
    """
    key = f"summary/{reader.dealer_id}/{member_id}"
    stamp, known = _still_good(cache.get(key), now)
    asked = _asked(reader, member_id, now, stamp)
    row = _Row._make(database.call(_SUMMARY, asked))
    _refuse(row, reader)
    if known is not None and row.stamp == stamp:
        return row.role, known

    def ask(unread: list[UUID]) -> str:
        said: str = database.call(_BODIES, (reader.dealer_id, unread))[0]
        return said

    ladder = None if row.scheme is None else _ladder(database, reader.dealer_id, row.scheme)
    told = _as_json(_shown(row, ladder, _books(member_id, row, now, ask)))
    head = f"{row.stamp} {now.isoformat()} {row.until.isoformat()}\n".encode()
    cache.put(key, head + told, seconds=ceil((row.until - now).total_seconds()))
    return row.role, told


@dataclass(frozen=True, slots=True)
class Seen:
    """A summary with what it was made of: his units, and the scheme in force."""

    summary: Summary
    books: Books
    scheme: Scheme | None


def summary_in(uow: UnitOfWork, member_id: UUID) -> Seen:
    """The same for an owner whose request has its transaction already.

    Raises NotFound `member_not_found`.
    """
    owner = Reader(uow.dealer_id, Role.OWNER, uow.actor.id, "", False, (Role.OWNER,))
    asked = _asked(owner, member_id, uow.now, None)
    row = _Row._make(uow.session.connection().exec_driver_sql(_SUMMARY, asked).one())
    _refuse(row, owner)
    known = scheme_on(uow, uow.today)
    scheme = known.scheme if known else None
    books = _books(member_id, row, uow.now, partial(bodies, uow))
    return Seen(_shown(row, scheme.ladder if scheme else None, books), books, scheme)


def _books(member_id: UUID, row: _Row, now: datetime, ask: Callable[[list[UUID]], str]) -> Books:
    if row.books is None:
        return Books(member_id, [], [])
    moment = Moment(now, row.today, ZoneInfo(row.zone))
    return settled_from(row.books, moment, ask)[member_id]


def _asked(reader: Reader, member_id: UUID, now: datetime, stamp: str | None) -> tuple[Any, ...]:
    return (
        reader.dealer_id, reader.kind, reader.subject, reader.token_id, _array(reader.roles),
        member_id, now, DAYS_BACK, stamp,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _array(roles: tuple[Role, ...]) -> str:
    """As PostgreSQL writes an array; a list is put together anew at every call."""
    return f"{{{','.join(roles)}}}"


def _still_good(kept: bytes | None, now: datetime) -> tuple[str | None, bytes | None]:
    """The stamp and the body of what a cache holds, unless time has made it untrue, or it cannot be
    read at all."""
    head, _, body = (kept or b"").partition(b"\n")
    try:
        stamp, since, until = head.decode().split(" ")
        good = datetime.fromisoformat(since) <= now < datetime.fromisoformat(until)
    except (ValueError, TypeError):
        return None, None
    return (stamp, body) if good else (None, None)


def _refuse(row: _Row, reader: Reader) -> None:
    if row.outcome == "withdrawn":
        raise Stranger("token_withdrawn")
    if row.outcome == "nobody":
        raise Stranger("token_subject_unknown")
    if row.outcome == "role_lacks":
        raise Forbidden("role_lacks")
    if row.role in MFA_ROLES and not reader.mfa:
        raise Stranger("token_mfa_required")
    if row.outcome != "done":
        raise NotFound("member_not_found")


@lru_cache(maxsize=_SCHEMES_KNOWN)
def _ladder(database: Database, dealer_id: UUID, version: int) -> Ladder:
    """What was published never changes, so that a process asks once."""
    return parse(database.call(_SCHEME, (dealer_id, version))[0]).ladder


def _shown(row: _Row, ladder: Ladder | None, books: Books) -> Summary:
    held = Held(row.tier, row.earned_tier, row.since_on, row.below_since, row.score, row.models)
    return Summary(
        member_id=books.member_id,
        on=row.today,
        balance=Points(row.available, row.pending, row.held, row.arrears, row.frozen),
        next_expiry=_ending(row),
        tier=progress(ladder, held),
        benefits=units_left(left_in(books), row.today),
    )


def _ending(row: _Row) -> Ending | None:
    if row.ends_at is None:
        return None
    return Ending(row.ending, row.ends_at, row.ends_on, row.last_usable_on)


def _as_json(shown: Summary) -> bytes:
    """As the shape of the summary says it, at a tenth of its cost."""
    return orjson.dumps(shown, default=_said, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _said(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
