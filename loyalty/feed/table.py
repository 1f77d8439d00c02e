"""CSV as records: which rows hold anything, and whether the columns needed are there. Pure.

Cells are read `plain`: a file of refused rows was written with `inert` ones.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from kernel.errors import RuleViolation
from loyalty.feed.take_row import Record
from loyalty.formats.cells import plain


def records(text: str, *, after: int = 0) -> Iterator[Record]:
    """The rows that hold anything, numbered as a spreadsheet does, on from `after`.

    Raises RuleViolation `csv_broken` with the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, start=after + 1):
            if any(cell.strip() for cell in cells):
                yield Record(number, [plain(cell) for cell in cells])
    except csv.Error as error:
        raise RuleViolation("csv_broken", line=after + reader.line_num) from error


def lines(text: str, *, after: int = 0) -> Iterator[Record]:
    """The lines that hold anything, numbered on from `after`: a JSON object each (NDJSON)."""
    for number, line in enumerate(text.split("\n"), start=after + 1):
        if line.strip():
            yield Record(number, [line])


def header_of(
    cells: Sequence[str], needed: Sequence[str], optional: Sequence[str] = ()
) -> tuple[str, ...]:
    """The column names of a file's first row.

    Raises RuleViolation `columns_missing` for those that are needed, `columns_repeated`.
    """
    header = tuple(name.strip() for name in cells)
    if missing := [name for name in needed if name not in header]:
        raise RuleViolation("columns_missing", names=", ".join(missing))
    if repeated := [name for name in (*needed, *optional) if header.count(name) > 1]:
        raise RuleViolation("columns_repeated", names=", ".join(repeated))
    return header
