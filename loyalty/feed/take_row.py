"""One row of the feed and the use case it goes to.

Rows are taken in the order of what they lock, never in the order of the file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from kernel.errors import NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.opening import take_opening
from loyalty.feed import rows
from loyalty.feed.rows import FeedKind, Row
from loyalty.formats import reference, vin
from loyalty.members.enroll import enroll
from loyalty.members.vehicles import add_ownership
from loyalty.tiers.facts import tell_fact

_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Feed:
    """A file: its kind, the system whose references it uses, its header, the SHA-256 of it."""

    kind: FeedKind
    source: str
    columns: tuple[str, ...]
    digest: bytes


class Record(NamedTuple):
    """The cells of a row and its number as a spreadsheet shows it: the header is row 1."""

    number: int
    cells: Sequence[str]


class Outcome(StrEnum):
    """TAKEN is said of rows whose use case does not tell new from known."""

    NEW = "new"
    KNOWN = "known"
    TAKEN = "taken"
    FAILED = "failed"


Members = dict[str, UUID]
Work = Callable[[UnitOfWork], Outcome]


def read_row(feed: Feed, record: Record, members: Members) -> Work:
    """What is to be done for a row; `members` are those the page names, by reference.

    Raises the RuleViolations of `rows` and NotFound `member_not_found`; what is returned, the
    errors of the use case (enroll, add_ownership, take_opening, tell_fact). Documents go another
    way.
    """
    return _READERS[feed.kind](feed, rows.labelled(feed.columns, record.cells), members)


def reference_of(feed: Feed, record: Record) -> str:
    """The member reference in a row that may be broken in any way; empty when there is none."""
    cells = dict(zip(feed.columns, record.cells, strict=False))
    own = feed.kind is FeedKind.MEMBERS
    try:
        return reference.canonical(cells.get("external_id" if own else "member_external_id", ""))
    except RuleViolation:
        return ""


def in_lock_order(feed: Feed, page: Sequence[Record], members: Members) -> Sequence[Record]:
    """The page as it is taken, so that no two files wait for one another: accounts by id
    (ledger.md, lock order), vehicles by VIN (车架号), new members by reference."""
    if feed.kind in (FeedKind.BALANCES, FeedKind.FACTS):
        return sorted(page, key=lambda record: members.get(reference_of(feed, record), _NOBODY))
    if feed.kind is FeedKind.VEHICLES:
        return sorted(page, key=lambda record: _vin_of(feed, record))
    return sorted(page, key=lambda record: reference_of(feed, record))


def _vin_of(feed: Feed, record: Record) -> str:
    """The VIN in a row that may be broken in any way; empty when it is none."""
    try:
        return vin.canonical(dict(zip(feed.columns, record.cells, strict=False)).get("vin", ""))
    except RuleViolation:
        return ""


def _member(feed: Feed, row: Row, members: Members) -> Work:
    person = rows.enrolment(row, source=feed.source)

    def work(uow: UnitOfWork) -> Outcome:
        before = members.get(person.external_id)
        now = members[person.external_id] = enroll(uow, person)
        return Outcome.KNOWN if now == before else Outcome.NEW

    return work


def _vehicle(_feed: Feed, row: Row, members: Members) -> Work:
    owner, car = _owner(row, members), rows.owned_vehicle(row)

    def work(uow: UnitOfWork) -> Outcome:
        add_ownership(uow, owner, car)
        return Outcome.TAKEN

    return work


def _balance(feed: Feed, row: Row, members: Members) -> Work:
    balance = rows.opening_balance(row, source=feed.source, member_id=_owner(row, members))

    def work(uow: UnitOfWork) -> Outcome:
        _, new = take_opening(uow, balance)
        return Outcome.NEW if new else Outcome.KNOWN

    return work


def _fact(feed: Feed, row: Row, members: Members) -> Work:
    told = rows.told_fact(row, source=feed.source, member_id=_owner(row, members))

    def work(uow: UnitOfWork) -> Outcome:
        _, new = tell_fact(uow, told, at_once=False)
        return Outcome.NEW if new else Outcome.KNOWN

    return work


def _owner(row: Row, members: Members) -> UUID:
    reference = rows.member_reference(row)
    if reference not in members:
        raise NotFound("member_not_found", pointer="/member_external_id")
    return members[reference]


_READERS: Final[Mapping[FeedKind, Callable[[Feed, Row, Members], Work]]] = MappingProxyType(
    {
        FeedKind.MEMBERS: _member,
        FeedKind.VEHICLES: _vehicle,
        FeedKind.BALANCES: _balance,
        FeedKind.FACTS: _fact,
    }
)
