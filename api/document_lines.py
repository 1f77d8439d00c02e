"""Rows of an import of documents as text: tables, and JSON lines as strict as request bodies."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from marshmallow import ValidationError

from api import strict_json
from api.document_body import document_of
from api.problems import problem_of
from api.schemas.imports import DocumentRowIn
from kernel.errors import DomainError, RuleViolation
from loyalty.earning.bulk import Draft, Reference
from loyalty.earning.document import Document
from loyalty.feed.documents import read_all, table_reader
from loyalty.feed.jobs import Format, PartReader, PartRows
from loyalty.feed.models import ImportJob
from loyalty.feed.rows import COLUMNS, OPTIONAL_COLUMNS, FeedKind
from loyalty.feed.table import header_of, lines, records
from loyalty.feed.take_row import Record

_ROW: Final = DocumentRowIn()


def read_line(record: Record) -> Draft:
    """A document in a line of JSON. Raises RuleViolation with the first thing that is wrong."""
    try:
        body = _ROW.load(strict_json.read(record.cells[0].encode()))
    except (ValidationError, DomainError) as error:
        raise _first_of(error) from error
    member, reference = body["member_id"], body["member_ref"]
    if (member is None) == (reference is None):
        raise RuleViolation("member_by_exactly_one", pointer="/member_ref")
    named = UUID(member) if member else Reference(**reference, pointer="/member_ref")
    return Draft(record.number, named, partial(_document, body))


def read_table(job: ImportJob, content: str) -> PartRows:
    """A part of a CSV; the first one names the columns. Raises RuleViolation `csv_broken`,
    `columns_missing`, `columns_repeated`."""
    found = list(records(content, after=job.lines_read))
    columns = tuple(job.columns or ())
    if job.parts == 0:
        head = found.pop(0).cells if found and found[0].number == 1 else ()
        columns = header_of(head, COLUMNS[FeedKind.DOCUMENTS], OPTIONAL_COLUMNS[FeedKind.DOCUMENTS])
    reader = table_reader(columns, job.source)
    return PartRows(read_all(reader, found), columns, _last(job, found, at_least=1))


def read_lines(job: ImportJob, content: str) -> PartRows:
    """A part of JSON lines."""
    found = list(lines(content, after=job.lines_read))
    return PartRows(read_all(read_line, found), None, _last(job, found, at_least=0))


READERS: Final[dict[Format, PartReader]] = {Format.CSV: read_table, Format.NDJSON: read_lines}


def _last(job: ImportJob, found: list[Record], *, at_least: int) -> int:
    return max(job.lines_read, at_least, *(record.number for record in found[-1:]))


def _document(body: dict[str, Any], member_id: UUID) -> Document:
    return document_of({**body, "member_id": str(member_id)})


def _first_of(error: Exception) -> RuleViolation:
    problem = problem_of(error)
    if not problem.errors:
        return RuleViolation(problem.code, **problem.params)
    first = problem.errors[0]
    return RuleViolation(first.code, pointer=first.pointer or None, **_told(first.params))


def _told(params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in ("code", "pointer")}
