"""Import jobs (F16): documents sent in parts, in order; a part is one transaction.

A part told again is answered with its first result, so a sender may stop and go on anywhere.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.staging import move
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk import Draft, Refused, RowResult, take_documents
from loyalty.feed.models import ImportJob, ImportPart, ImportRowResult


class Format(StrEnum):
    """How the rows of a job are written."""

    CSV = "csv"
    NDJSON = "ndjson"


class State(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Part:
    """One portion of a job's text; with `last` the job is finished."""

    part_no: int
    content: str
    last: bool

    @property
    def hash(self) -> bytes:
        return sha256(b"%d\0" % self.last + self.content.encode()).digest()


@dataclass(frozen=True, slots=True)
class PartRows:
    """A part as read: its rows, the columns of the table, and how many lines were read so far."""

    rows: list[Draft | Refused]
    columns: tuple[str, ...] | None
    lines_read: int


_RESULT: Final = tuple(ImportRowResult.__table__.columns.keys())
PartReader = Callable[[ImportJob, str], PartRows]
"""Reads a part on from where the job stands. Raises RuleViolation: then nothing of it is taken."""


@dataclass(frozen=True, slots=True)
class PartView:
    """What became of the rows of one part."""

    job_id: UUID
    part_no: int
    new: int
    known: int
    failed: int


@dataclass(frozen=True, slots=True)
class JobView:
    """Where a job stands; `next_part` is the part it waits for."""

    id: UUID
    kind: str
    format: str
    source: str
    state: str
    next_part: int
    rows_done: int
    new: int
    known: int
    failed: int
    opened_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RowView:
    """What became of one row; `id` places it in the pages of its job."""

    id: UUID
    row_no: int
    outcome: str
    document_id: UUID | None
    points: int | None
    code: str | None
    pointer: str | None
    params: dict[str, Any] | None


def open_job(uow: UnitOfWork, *, kind: str, form: Format, source: str) -> JobView:
    """A job that waits for its first part; `source` names the references in a table."""
    job = ImportJob(
        id=new_id(),
        dealer_id=uow.dealer_id,
        kind=kind,
        format=form,
        source=source,
        state=State.OPEN,
        columns=None,
        parts=0,
        lines_read=0,
        rows_new=0,
        rows_known=0,
        rows_failed=0,
        opened_at=uow.now,
        ended_at=None,
    )
    uow.session.add(job)
    uow.audit("import_job.opened", job.id, kind=kind, format=form.value)
    return _view(job)


def take_part(
    uow: UnitOfWork, job_id: UUID, part: Part, readers: dict[Format, PartReader]
) -> tuple[PartView, bool]:
    """Take the rows of the next part. The flag tells whether it was new.

    Raises NotFound `import_job_not_found`, Conflict `part_changed` for another content than
    before, `part_out_of_order` with the part expected, `import_job_ended`.
    """
    job = _locked(uow, job_id)
    told = uow.session.get(ImportPart, (job_id, part.part_no))
    if told is not None:
        if told.content_hash != part.hash:
            raise Conflict("part_changed", pointer="/content", part_no=part.part_no)
        return _part_view(told), False
    if job.state != State.OPEN:
        raise Conflict("import_job_ended", state=job.state)
    if part.part_no != job.parts + 1:
        raise Conflict("part_out_of_order", pointer="/part_no", expected=job.parts + 1)
    read = readers[Format(job.format)](job, part.content)
    results = take_documents(uow, read.rows)
    _keep_results(uow, job_id, results)
    return _advance(uow, job, part, read, Counter(each.outcome for each in results)), True


def cancel_job(uow: UnitOfWork, job_id: UUID) -> JobView:
    """Take no further part; what was taken stays. Raises as `take_part`."""
    job = _locked(uow, job_id)
    if job.state != State.OPEN:
        raise Conflict("import_job_ended", state=job.state)
    job.state, job.ended_at = State.CANCELLED, uow.now
    uow.audit("import_job.cancelled", job_id)
    return _view(job)


def get_job(uow: UnitOfWork, job_id: UUID) -> JobView:
    """Raises NotFound `import_job_not_found`."""
    return _view(_found(uow, select(ImportJob).where(ImportJob.id == job_id)))


def list_rows(
    uow: UnitOfWork, job_id: UUID, *, outcome: str | None, after: int, limit: int
) -> list[RowView]:
    """Rows of a job in their order, on from row `after`. Raises NotFound as `get_job`."""
    get_job(uow, job_id)
    rows = select(ImportRowResult).where(
        ImportRowResult.job_id == job_id, ImportRowResult.row_no > after
    )
    if outcome is not None:
        rows = rows.where(ImportRowResult.outcome == outcome)
    found = uow.session.scalars(rows.order_by(ImportRowResult.row_no).limit(limit))
    return [
        RowView(
            UUID(int=row.row_no),
            row.row_no,
            row.outcome,
            row.document_id,
            row.points,
            row.code,
            row.pointer,
            row.params,
        )
        for row in found
    ]


def _advance(
    uow: UnitOfWork, job: ImportJob, part: Part, read: PartRows, outcomes: Counter[str]
) -> PartView:
    told = ImportPart(
        job_id=job.id,
        part_no=part.part_no,
        dealer_id=uow.dealer_id,
        content_hash=part.hash,
        rows_new=outcomes["new"],
        rows_known=outcomes["known"],
        rows_failed=outcomes["failed"],
        taken_at=uow.now,
    )
    uow.session.add(told)
    job.parts = part.part_no
    job.columns = None if read.columns is None else list(read.columns)
    job.lines_read = read.lines_read
    job.rows_new += told.rows_new
    job.rows_known += told.rows_known
    job.rows_failed += told.rows_failed
    if part.last:
        job.state, job.ended_at = State.FINISHED, uow.now
    uow.audit(
        "import_job.part_taken",
        job.id,
        part=part.part_no,
        new=told.rows_new,
        known=told.rows_known,
        failed=told.rows_failed,
    )
    return _part_view(told)


def _keep_results(uow: UnitOfWork, job_id: UUID, results: Sequence[RowResult]) -> None:
    rows = ((job_id, each.number, uow.dealer_id, *_told(each)) for each in results)
    move(uow.session, "import_row_result", _RESULT, rows)


def _told(result: RowResult) -> tuple[object, ...]:
    error = result.error
    if error is None:
        return result.outcome, result.document_id, result.points, None, None, None
    params = json.dumps(error.params, default=str)
    return result.outcome, None, None, error.code, error.pointer, params


def _locked(uow: UnitOfWork, job_id: UUID) -> ImportJob:
    return _found(uow, select(ImportJob).where(ImportJob.id == job_id).with_for_update())


def _found(uow: UnitOfWork, wanted: Select[ImportJob]) -> ImportJob:
    job = uow.session.scalar(wanted)
    if job is None:
        raise NotFound("import_job_not_found")
    return job


def _part_view(part: ImportPart) -> PartView:
    return PartView(part.job_id, part.part_no, part.rows_new, part.rows_known, part.rows_failed)


def _view(job: ImportJob) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        format=job.format,
        source=job.source,
        state=job.state,
        next_part=job.parts + 1,
        rows_done=job.rows_new + job.rows_known + job.rows_failed,
        new=job.rows_new,
        known=job.rows_known,
        failed=job.rows_failed,
        opened_at=job.opened_at,
        ended_at=job.ended_at,
    )
