"""A run over one file of the feed (F16): a page is one transaction, a row one savepoint, but
for documents, which are taken set by set.

`rows_done` moves with the rows it counts, so a run continues exactly where it stopped.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, DomainError
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk import Draft, Refused, take_documents
from loyalty.feed.models import ImportFault, ImportRun
from loyalty.feed.take_row import Feed, Outcome, Record, Work, in_lock_order, read_row, reference_of
from loyalty.members.queries import by_references

_TOLD: Final = (Outcome.NEW, Outcome.KNOWN, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run stands; `finished` says that no row of the file is left."""

    id: UUID
    rows_done: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the row of this number was refused; `pointer` names its column, if it is one."""

    row_no: int
    code: str
    pointer: str | None
    params: dict[str, Any]


def begin(uow: UnitOfWork, feed: Feed) -> Run:
    """Start the run of this file, or find where the earlier one stopped (F16)."""
    key = new_id()
    started = uow.session.scalar(
        insert(ImportRun)
        .values(
            id=key,
            dealer_id=uow.dealer_id,
            kind=feed.kind,
            file_hash=_file_hash(feed),
            rows_done=0,
            started_at=uow.now,
        )
        .on_conflict_do_nothing(index_elements=["dealer_id", "kind", "file_hash"])
        .returning(ImportRun.id)
    )
    if started is not None:
        uow.audit("import.started", key, kind=feed.kind)
    row = uow.session.scalars(select(ImportRun).where(*_is_of(uow, feed))).one()
    return Run(row.id, row.rows_done, row.finished_at is not None)


def take_page(
    uow: UnitOfWork, run_id: UUID, feed: Feed, page: Sequence[Record], *, after: int
) -> Counter[Outcome]:
    """Take the rows that follow the first `after`; how many came out how.

    A row its use case refuses is kept as a fault and stops no other. Raises Conflict
    `import_running_elsewhere` when the run has moved on since the caller looked.
    """
    run = _locked(uow, run_id)
    if run.rows_done != after:
        raise Conflict("import_running_elsewhere")
    members = by_references(uow, feed.source, {reference_of(feed, record) for record in page})
    works: list[tuple[int, Work]] = []
    outcomes = Counter[Outcome]()
    for record in in_lock_order(feed, page, members):
        try:
            works.append((record.number, read_row(feed, record, members)))
        except DomainError as error:
            outcomes[_refuse(uow, run_id, record.number, error)] += 1
    taken = _together(uow, works)
    outcomes += _one_by_one(uow, run_id, works) if taken is None else taken
    run.rows_done = after + len(page)
    return outcomes


def take_chunk(
    uow: UnitOfWork, run_id: UUID, rows: Sequence[Draft | Refused], *, after: int
) -> Counter[Outcome]:
    """As `take_page`, for documents that were read already."""
    run = _locked(uow, run_id)
    if run.rows_done != after:
        raise Conflict("import_running_elsewhere")
    results = take_documents(uow, rows)
    refused = [_fault(uow, run_id, row.number, row.error) for row in results if row.error]
    if refused:
        uow.session.execute(insert(ImportFault), refused)
    outcomes = Counter(Outcome(row.outcome) for row in results)
    counts = {outcome.value: outcomes[outcome] for outcome in _TOLD}
    uow.audit("import.documents_taken", run_id, after=after, **counts)
    run.rows_done = after + len(rows)
    return outcomes


def finish(uow: UnitOfWork, run_id: UUID) -> None:
    """Mark the run as done once every row has been taken or refused; a second call is nothing."""
    run = _locked(uow, run_id)
    if run.finished_at is None:
        run.finished_at = uow.now
        failed = select(func.count()).select_from(ImportFault).where(ImportFault.run_id == run_id)
        uow.audit("import.finished", run_id, rows=run.rows_done, failed=uow.session.scalar(failed))


def faults(uow: UnitOfWork, run_id: UUID) -> list[Fault]:
    """The rows refused so far, in the order of the file."""
    found = uow.session.scalars(
        select(ImportFault).where(ImportFault.run_id == run_id).order_by(ImportFault.row_no)
    )
    return [Fault(row.row_no, row.code, row.pointer, row.params) for row in found]


def _together(uow: UnitOfWork, works: Sequence[tuple[int, Work]]) -> Counter[Outcome] | None:
    """The usual case, a page without a fault: a third of the statements. None undid it all."""
    try:
        with uow.session.begin_nested(), uow.session.no_autoflush:
            return Counter(work(uow) for _, work in works)
    except DomainError:
        return None


def _one_by_one(
    uow: UnitOfWork, run_id: UUID, works: Sequence[tuple[int, Work]]
) -> Counter[Outcome]:
    outcomes = Counter[Outcome]()
    for number, work in works:
        try:
            with uow.session.begin_nested():
                outcome = work(uow)
        except DomainError as error:
            outcome = _refuse(uow, run_id, number, error)
        outcomes[outcome] += 1
    return outcomes


def _refuse(uow: UnitOfWork, run_id: UUID, number: int, error: DomainError) -> Outcome:
    uow.session.add(ImportFault(**_fault(uow, run_id, number, error)))
    return Outcome.FAILED


def _fault(uow: UnitOfWork, run_id: UUID, number: int, error: DomainError) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "row_no": number,
        "dealer_id": uow.dealer_id,
        "code": error.code,
        "pointer": error.pointer,
        "params": error.params,
    }


def _locked(uow: UnitOfWork, run_id: UUID) -> ImportRun:
    return uow.session.scalars(
        select(ImportRun).where(ImportRun.id == run_id).with_for_update()
    ).one()


def _is_of(uow: UnitOfWork, feed: Feed) -> tuple[ColumnElement[bool], ...]:
    return (
        ImportRun.dealer_id == uow.dealer_id,
        ImportRun.kind == feed.kind,
        ImportRun.file_hash == _file_hash(feed),
    )


def _file_hash(feed: Feed) -> bytes:
    """The same bytes told for another source system are another feed."""
    return sha256(feed.source.encode() + b"\0" + feed.digest).digest()
