"""How an endpoint is declared: method, path, who may, what comes in, what goes out.

The handler gets a unit of work and plain values; a route without roles cannot be declared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema

from api.schemas.base import Strict
from kernel.cache import Cache
from kernel.database import Database
from kernel.idempotency import Claim
from loyalty.dealers.roles import MFA_ROLES, Role

Handler = Callable[..., Any]
Prepare = Callable[..., Callable[[], Any]]
"""Gets the service, a unit of work, the bytes and the ids of the path; writes nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint, as the pipeline runs it and as the OpenAPI document shows it.

    `decision` marks what a person decides after looking at a screen: it needs If-Match, and the
    handler gets `version`. `paged` handlers get a `page` and return one row more than it shows.
    `repeatable` ones answer a document told again with 200 and the first result. Without
    `keeps_answer` a call needs no Idempotency-Key, is never replayed and runs afresh each time.
    The handler of one `in_one_trip` gets no unit of work but a `Trip`: one call of a server-side
    function admits the caller, takes the key, acts and keeps the answer. It sees no second factor,
    so a role that needs one may not call it. That of a read gets a `Look`, whose function admits
    the caller and reads; it returns the role and the answer as bytes.
    A `one_moment` read is told from one snapshot, so that its parts agree with one another.
    One with `prepare` takes a picture as its body, not JSON. What `prepare` returns does the slow
    work, such as reading the picture, while no transaction is open; its result is the `body`.
    A `csv` one answers a file for spreadsheets: its handler returns a `spreadsheet.Table`.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    roles: tuple[Role, ...]
    answer: type[Schema]
    status: int = 200
    body: type[Strict] | None = None
    query: type[Strict] | None = None
    decision: bool = False
    paged: bool = False
    repeatable: bool = False
    keeps_answer: bool = True
    in_one_trip: bool = False
    one_moment: bool = False
    csv: bool = False
    prepare: Prepare | None = None
    problems: tuple[str, ...] = ()
    example: dict[str, Any] | None = None

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def name(self) -> str:
        return self.handler.__name__


@dataclass(frozen=True, slots=True)
class Trip:
    """What the handler of an operation in one trip gets: the caller as his token says, and the
    claim; the database itself admits him."""

    database: Database
    claim: Claim
    kind: str
    subject: str
    token_id: str
    roles: tuple[Role, ...]
    request_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What the handler of a read in one trip gets: the caller as his token says, and a cache; the
    database itself admits him, and has the last word on what the cache holds."""

    database: Database
    cache: Cache
    dealer_id: UUID
    kind: str
    subject: str
    token_id: str
    mfa: bool
    roles: tuple[Role, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts; ask the database for `fetch` rows, one more than is shown."""

    position: UUID | None
    limit: int

    @property
    def fetch(self) -> int:
        return self.limit + 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A handler's result with another status than the declared one, such as 200 for a repeat."""

    value: Any
    status: int


class Routes:
    """The operations of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def get(
        self,
        path: str,
        *,
        summary: str,
        roles: Sequence[Role],
        answer: type[Schema],
        query: type[Strict] | None = None,
        paged: bool = False,
        in_one_trip: bool = False,
        one_moment: bool = False,
        problems: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a read. With `query`, the handler gets `query`; with `paged`, `page`."""
        return self._declare(
            method="GET",
            path=path,
            summary=summary,
            roles=tuple(roles),
            answer=answer,
            query=query,
            paged=paged,
            in_one_trip=in_one_trip,
            one_moment=one_moment,
            problems=tuple(problems),
        )

    def export(
        self,
        path: str,
        *,
        summary: str,
        roles: Sequence[Role],
        query: type[Strict],
        problems: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a read that answers a CSV file. The handler gets `query`."""
        return self._declare(
            method="GET",
            path=path,
            summary=summary,
            roles=tuple(roles),
            answer=Schema,
            query=query,
            csv=True,
            problems=tuple(problems),
        )

    def post(
        self,
        path: str,
        *,
        summary: str,
        roles: Sequence[Role],
        body: type[Strict],
        answer: type[Schema],
        status: int = 201,
        decision: bool = False,
        repeatable: bool = False,
        keeps_answer: bool = True,
        in_one_trip: bool = False,
        problems: Sequence[str] = (),
        example: dict[str, Any] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a write: the handler gets `body`; see Operation for the flags."""
        return self._declare(
            method="POST",
            path=path,
            summary=summary,
            roles=tuple(roles),
            body=body,
            answer=answer,
            status=status,
            decision=decision,
            repeatable=repeatable,
            keeps_answer=keeps_answer,
            in_one_trip=in_one_trip,
            problems=tuple(problems),
            example=example,
        )

    def receive(
        self,
        path: str,
        *,
        summary: str,
        roles: Sequence[Role],
        answer: type[Schema],
        prepare: Prepare,
        problems: Sequence[str] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a write whose body is a picture; sent again it is answered with 200."""
        return self._declare(
            method="POST",
            path=path,
            summary=summary,
            roles=tuple(roles),
            answer=answer,
            status=201,
            repeatable=True,
            prepare=prepare,
            problems=tuple(problems),
        )

    def _declare(self, *, roles: tuple[Role, ...], **facts: Any) -> Callable[[Handler], Handler]:
        if not roles:
            raise TypeError(f"{facts['path']}: say who may")
        writes = facts["method"] != "GET"
        if writes and facts.get("in_one_trip") and not MFA_ROLES.isdisjoint(roles):
            raise TypeError(f"{facts['path']}: the database sees no second factor")

        def keep(handler: Handler) -> Handler:
            self.operations.append(Operation(handler=handler, tag=self.tag, roles=roles, **facts))
            return handler

        return keep
