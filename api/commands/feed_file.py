"""Files of the CRM feed: how their bytes become rows, and how refused rows become a file again.

A cell that a spreadsheet would run as a formula leaves this module with an apostrophe before it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from api.messages import catalogue
from kernel.errors import RuleViolation
from loyalty.feed.run import Fault
from loyalty.feed.table import header_of, lines, records
from loyalty.feed.take_row import Record
from loyalty.formats.cells import inert

MOST_MIB: Final = 64
LINE: Final = ("line",)
"""The header of a file of JSON lines, each of which is one cell."""
ENCODINGS: Final = ("utf-8", "gb18030")
FAULT_COLUMNS: Final = ("row", "code", "column", "message_zh", "message_en")
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A readable file with every column it needs; `rows` counts those that hold anything."""

    header: tuple[str, ...]
    digest: bytes
    rows: int
    text: str

    def records(self) -> Iterator[Record]:
        """The rows below the header that hold anything."""
        if self.header == LINE:
            return lines(self.text)
        return (record for record in records(self.text) if record.number > 1)


def read_feed(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> FeedFile:
    """Read a CSV in UTF-8 or GB18030 whole; columns beyond those named do no harm.

    Raises RuleViolation `file_too_large`, `file_not_text`, `csv_broken`, `columns_missing`,
    `columns_repeated`, always before a row is taken.
    """
    data, text = _content(path)
    head: Sequence[str] = ()
    rows = 0
    for record in records(text):
        if record.number == 1:
            head = record.cells
        else:
            rows += 1
    return FeedFile(header_of(head, needed, optional), sha256(data).digest(), rows, text)


def read_json_lines(path: Path) -> FeedFile:
    """Read a file of JSON objects, one a line. Raises as `read_feed`."""
    data, text = _content(path)
    return FeedFile(LINE, sha256(data).digest(), sum(1 for _ in lines(text)), text)


def _content(path: Path) -> tuple[bytes, str]:
    if path.stat().st_size > MOST_MIB * 1024 * 1024:
        raise RuleViolation("file_too_large", most_mib=MOST_MIB)
    data = path.read_bytes()
    return data, decoded(data)


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


def _reason(fault: Fault) -> tuple[str, ...]:
    message = catalogue().get(fault.code) or catalogue()["request_refused"]
    return (
        str(fault.row_no),
        fault.code,
        (fault.pointer or "").removeprefix("/"),
        message.detailed("zh-CN", fault.params),
        message.detailed("en", fault.params),
    )
