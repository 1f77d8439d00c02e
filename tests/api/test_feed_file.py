"""Bytes of the CRM feed: which are text with the right columns, and which are no file of ours."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.commands import feed_file
from api.messages import catalogue
from kernel.errors import RuleViolation
from loyalty.feed.rows import COLUMNS, FeedKind
from loyalty.feed.run import Fault
from loyalty.feed.take_row import Record
from loyalty.formats import cells
from tests.support.desk import HEADER

FORMULA = re.compile(r"[ \u00a0\u3000\ufeff]*[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
MEMBERS = HEADER["members"].encode()
UNUSABLE = {
    "empty": (b"", "columns_missing"),
    "semicolons": (MEMBERS.replace(b",", b";"), "columns_missing"),
    "no-dates": (b"external_id,name,phone,occupation\nM1,x,y,z\n", "columns_missing"),
    "two-phones": (b"phone," + MEMBERS, "columns_repeated"),
    "open-quote": (MEMBERS + b'\nM1,"Wang,1,,\nM2,Li,2,,\n', "csv_broken"),
    "utf-16": (HEADER["members"].encode("utf-16"), "file_not_text"),
    "utf-16-without-mark": (HEADER["members"].encode("utf-16-le"), "file_not_text"),
    "broken-bytes": (MEMBERS + b"\nM1,\xff\xff,,,\n", "file_not_text"),
    "large": (MEMBERS + b"\n" * 2**20, "file_too_large"),
}


@pytest.mark.parametrize(("content", "code"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_refused_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, code: str
) -> None:
    monkeypatch.setattr(feed_file, "MOST_MIB", 1)
    file = tmp_path / "members.csv"
    file.write_bytes(content)
    with pytest.raises(RuleViolation) as refused:
        feed_file.read_feed(file, COLUMNS[FeedKind.MEMBERS])
    assert refused.value.code == code


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_text_is_the_same_in_every_encoding(words: str) -> None:
    told = f"{words}姓名"
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert feed_file.decoded(told.encode(encoding)) == told
    assert feed_file.decoded(f"\ufeff{told}".encode("gb18030")) == told


@given(st.text() | st.from_regex(r"[ \u3000]*[-=+＝]\S*", fullmatch=True))
def test_no_cell_ever_starts_a_formula_and_none_is_lost(cell: str) -> None:
    shown = cells.inert(cell)
    assert NUMBER.fullmatch(shown) or not FORMULA.match(shown)
    if not cell.startswith("'"):
        assert cells.plain(shown) == cell


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b'a,b\r\n1,"two\nlines"\r\n\r\n, \r\n5,\'+86\r\n')
    read = feed_file.read_feed(file, ["a", "b"])
    assert read.rows == 2
    assert list(read.records()) == [Record(2, ["1", "two\nlines"]), Record(5, ["5", "+86"])]


def test_a_reason_whose_code_is_no_longer_known_still_has_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n2\n", "utf-8")
    read = feed_file.read_feed(file, ["a"])
    written = feed_file.write_faults(file, read, [Fault(3, "code_of_long_ago", None, {})])
    assert written is not None
    (fault,) = csv.DictReader(written.read_text("utf-8-sig").splitlines())
    assert (fault["row"], fault["code"], fault["a"]) == ("3", "code_of_long_ago", "2")
    assert fault["message_en"] == catalogue()["request_refused"].detailed("en", {})
