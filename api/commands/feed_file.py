"""Files of the CRM feed: how their bytes become rows, and how refused rows become a file again.

A cell that a spreadsheet would run as a formula leaves this module with an apostrophe before it.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.messages import catalogue
from kernel.errors import RuleViolation
from loyalty.feed.run import Fault
from loyalty.feed.take_row import Record

MOST_MIB: Final = 64
ENCODINGS: Final = ("utf-8", "gb18030")
FAULT_COLUMNS: Final = ("row", "code", "column", "message_zh", "message_en")
_BYTE_ORDER_MARK: Final = "\ufeff"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A readable file with every column it needs; `rows` counts those that hold anything."""

    header: tuple[str, ...]
    digest: bytes
    rows: int
    text: str

    def records(self) -> Iterator[Record]:
        """The rows below the header that hold anything."""
        return (record for record in _records(self.text) if record.number > 1)


def read_feed(path: Path, columns: Sequence[str]) -> FeedFile:
    """Read a CSV in UTF-8 or GB18030 whole; columns beyond those needed do no harm.

    Raises RuleViolation `file_too_large`, `file_not_text`, `csv_broken`, `columns_missing`,
    `columns_repeated`, always before a row is taken.
    """
    if path.stat().st_size > MOST_MIB * 1024 * 1024:
        raise RuleViolation("file_too_large", most_mib=MOST_MIB)
    data = path.read_bytes()
    text = decoded(data)
    header: tuple[str, ...] = ()
    rows = 0
    for record in _records(text):
        if record.number == 1:
            header = tuple(name.strip() for name in record.cells)
        else:
            rows += 1
    _check_columns(header, columns)
    return FeedFile(header, sha256(data).digest(), rows, text)


def decoded(data: bytes) -> str:
    """The text of bytes that are wholly UTF-8, else wholly GB18030, without byte order mark.

    Raises RuleViolation `file_not_text` otherwise, and for a NUL, which no text holds.
    """
    for encoding in ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix(_BYTE_ORDER_MARK)
    raise RuleViolation("file_not_text")


def inert(cell: str) -> str:
    """The cell as a spreadsheet shows it without running it."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def plain(cell: str) -> str:
    """The cell before `inert`, so that a corrected file of faults can itself be imported."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


def write_faults(source: Path, file: FeedFile, faults: Sequence[Fault]) -> Path | None:
    """Write the refused rows with their reasons beside the file, for the operator's eyes only.

    UTF-8 with byte order mark, which spreadsheets need to show Chinese. None if there are none:
    then one left by an earlier content of the file goes too.
    """
    path = source.with_name(f"{source.name}.errors.csv")
    path.unlink(missing_ok=True)
    if not faults:
        return None
    reasons = {fault.row_no: fault for fault in faults}
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([*FAULT_COLUMNS, *map(inert, file.header)])
        for record in file.records():
            if fault := reasons.get(record.number):
                writer.writerow([*_reason(fault), *map(inert, record.cells)])
    return path


def _records(text: str) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield Record(number, [plain(cell) for cell in cells])
    except csv.Error as error:
        raise RuleViolation("csv_broken", line=reader.line_num) from error


def _check_columns(header: Sequence[str], columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in header]:
        raise RuleViolation("columns_missing", names=", ".join(missing))
    if repeated := [name for name in columns if header.count(name) > 1]:
        raise RuleViolation("columns_repeated", names=", ".join(repeated))


def _reason(fault: Fault) -> tuple[str, ...]:
    message = catalogue().get(fault.code) or catalogue()["request_refused"]
    return (
        str(fault.row_no),
        fault.code,
        (fault.pointer or "").removeprefix("/"),
        message.detailed("zh-CN", fault.params),
        message.detailed("en", fault.params),
    )
