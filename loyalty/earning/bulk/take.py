"""A chunk of documents in one transaction, reckoned row by row in the order of the file.

What `take_document` says of a row this says too: a property test holds them together.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, DomainError, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk import found
from loyalty.earning.bulk.found import Known
from loyalty.earning.bulk.reckon import Reckoner, reckoner
from loyalty.earning.bulk.rows import (
    FAILED,
    KNOWN,
    NEW,
    Draft,
    Ready,
    Reference,
    Refused,
    RowResult,
)
from loyalty.earning.bulk.write import write
from loyalty.earning.document import check, fingerprint, vin_index
from loyalty.points import ledger

_TRIES: Final = 3
_FENCE: Final = "uq_source_document_event"


def take_documents(uow: UnitOfWork, rows: Sequence[Draft | Refused]) -> list[RowResult]:
    """Take the documents of these rows; what became of each, in their order.

    A row that is refused stops no other. Accounts are locked in the order of their ids, then
    budgets, until the transaction ends.
    """
    results = {
        row.number: _failed(row.number, row.error) for row in rows if isinstance(row, Refused)
    }
    drafts = [row for row in rows if isinstance(row, Draft)]
    ready: list[Ready] = []
    members = found.members_of(uow, drafts)
    for draft in drafts:
        try:
            ready.append(_ready(uow, draft, members))
        except DomainError as error:
            results[draft.number] = _failed(draft.number, error)
    for result in _retried(uow, ready):
        results[result.number] = result
    return [results[row.number] for row in rows]


def _ready(uow: UnitOfWork, draft: Draft, members: Mapping[UUID | Reference, UUID]) -> Ready:
    member = members.get(draft.member)
    if isinstance(draft.member, UUID):
        check(uow, document := draft.finish(draft.member))
        if member is None:
            raise NotFound("member_not_found")
    elif member is None:
        raise NotFound("member_not_found", pointer=draft.member.pointer)
    else:
        check(uow, document := draft.finish(member))
    return Ready(draft.number, document, fingerprint(uow, document), vin_index(uow, document))


def _retried(uow: UnitOfWork, ready: Sequence[Ready]) -> list[RowResult]:
    """Reckoned again when another transaction took one of the documents meanwhile, for another
    member: the locks of the accounts keep out only those for the same."""
    for left in reversed(range(_TRIES)):
        try:
            with uow.session.begin_nested():
                return _taken(uow, ready)
        except IntegrityError as error:
            if violated(error) != _FENCE or not left:
                raise
    raise AssertionError("unreachable")


def _taken(uow: UnitOfWork, ready: Sequence[Ready]) -> list[RowResult]:
    if not ready:
        return []
    ledger.lock(uow, [row.document.member_id for row in ready])
    known = found.documents_of(uow, (_key(row) for row in ready))
    chunk = reckoner(uow, ready)
    results = [_one(chunk, known, row) for row in ready]
    write(uow, chunk.taken)
    return results


def _one(chunk: Reckoner, known: dict[tuple[str, str], Known], row: Ready) -> RowResult:
    before = known.get(_key(row))
    try:
        if before is None:
            taken = chunk.reckon(row)
            points = taken.weighed.points
            known[_key(row)] = Known(taken.id, points, row.fingerprint)
            return RowResult(row.number, NEW, taken.id, points)
        if before.fingerprint != row.fingerprint:
            raise Conflict("document_changed")
    except DomainError as error:
        return _failed(row.number, error)
    return RowResult(row.number, KNOWN, before.id, before.points)


def _key(row: Ready) -> tuple[str, str]:
    return row.document.source, row.document.source_event_id


def _failed(number: int, error: DomainError) -> RowResult:
    return RowResult(number, FAILED, error=error)
