"""Documents of the feed, read before any transaction and taken chunk by chunk.

A row of a table is a document of one line; documents of several lines come as JSON.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from kernel.errors import DomainError
from loyalty.earning.bulk import Draft, Reference, Refused
from loyalty.earning.document import Document
from loyalty.feed import rows
from loyalty.feed.take_row import Record

Reader = Callable[[Record], Draft]


def table_reader(columns: Sequence[str], source: str) -> Reader:
    """Reads rows of these columns; references are those of the system `source`."""

    def read(record: Record) -> Draft:
        row = rows.labelled(columns, record.cells)
        member = Reference(source, rows.member_reference(row), "/member_external_id")
        return Draft(record.number, member, partial(_document, row, source))

    return read


def read_all(reader: Reader, records: Iterable[Record]) -> list[Draft | Refused]:
    """Every record read, or what refused it."""
    return [_read(reader, record) for record in records]


def _read(reader: Reader, record: Record) -> Draft | Refused:
    try:
        return reader(record)
    except DomainError as error:
        return Refused(record.number, error)


def _document(row: rows.Row, source: str, member_id: UUID) -> Document:
    return rows.document(row, source=source, member_id=member_id)
