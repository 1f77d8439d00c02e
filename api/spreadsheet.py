"""Tables as CSV that a spreadsheet opens without harm: no cell of ours is ever run as a formula.

UTF-8 with byte order mark, which spreadsheets need to show Chinese; CRLF, as RFC 4180 has it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from kernel.errors import RuleViolation
from loyalty.formats.cells import inert

MOST_ROWS: Final = 100_000
CONTENT_TYPE: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Table:
    """What an export answers; `file_name` is plain ASCII without spaces or quotes."""

    file_name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def most_rows(rows: Sequence[Any]) -> Sequence[Any]:
    """The rows, when they are not more than an export gives: fetch one more to know.

    Raises RuleViolation `export_too_large`.
    """
    if len(rows) > MOST_ROWS:
        raise RuleViolation("export_too_large", most=MOST_ROWS)
    return rows


def as_csv(table: Table) -> bytes:
    """The file's bytes. Raises RuleViolation `export_too_large`."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(table.columns)
    for row in most_rows(table.rows):
        writer.writerow([inert(_text(value)) for value in row])
    return target.getvalue().encode("utf-8-sig")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)
