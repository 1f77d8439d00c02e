"""The file of refused rows: why each was refused, safe to open, and itself fit for import."""

import csv
from pathlib import Path

import pytest

from tests.support.desk import Desk, faults_of
from tests.support.shop import Shop

WANG = "M1,王伟,13800138000,教师,2024-05-01"


def paper(number: int, yuan: str) -> str:
    return f"M1,SO-{number},service_order,2026-03-01,customer,{yuan}"


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Desk:
    return Desk(shop, tmp_path)


def test_reasons_lost_with_their_file_are_written_again(desk: Desk) -> None:
    file = desk.file("members", WANG, "M9,陈晨,12345,,2024-05-01")
    desk.run("members", file)
    first = faults_of(file)
    file.with_name(f"{file.name}.errors.csv").unlink()
    before = desk.counts()
    assert desk.run("members", file).exit_code == 1
    assert faults_of(file) == first
    assert desk.counts() == before


def test_a_file_mended_in_place_leaves_no_old_reasons_behind(desk: Desk) -> None:
    file = desk.file("members", WANG, "M9,陈晨,12345,,2024-05-01")
    desk.run("members", file)
    file.write_text(file.read_text("utf-8").replace("12345", "13600136000"), "utf-8")
    assert desk.run("members", file).stdout.startswith("members: 2 rows, 2 taken (1 new, 1 known")
    assert not file.with_name(f"{file.name}.errors.csv").exists()


def test_a_changed_document_is_refused_and_kept_among_the_errors(desk: Desk) -> None:
    desk.take("members", WANG)
    desk.take("documents", paper(1, "100.00"))
    file = desk.file("documents", paper(2, "7"), paper(1, "900.00"))
    assert desk.run("documents", file).exit_code == 1
    (fault,) = faults_of(file)
    assert (fault["row"], fault["code"]) == ("3", "document_changed")
    assert (fault["document_id"], fault["amount_yuan"]) == ("SO-1", "900.00")
    assert desk.points("M1") == 107


def test_formulas_in_refused_rows_are_inert(desk: Desk) -> None:
    cells = '=HYPERLINK("http://x"),+8612,@SUM(A1),-1+2'
    evil = 'M9,"=HYPERLINK(""http://x"")",+8612,@SUM(A1),-1+2'
    file = desk.file("members", evil, "M8,\t=1,１３６００１３６０００,＝1+1,2024-05-01,,,")
    desk.run("members", file)
    with file.with_name(f"{file.name}.errors.csv").open(encoding="utf-8-sig", newline="") as made:
        written = [row[5:] for row in csv.reader(made)]
    assert written[1] == ["M9", *(f"'{cell}" for cell in cells.split(","))]
    assert written[2][1:4] == ["'\t=1", "１３６００１３６０００", "'＝1+1"]


def test_a_corrected_errors_file_can_be_imported_itself(desk: Desk) -> None:
    file = desk.file("members", "M9,陈晨,+8613600136000,,2024-02-30")
    desk.run("members", file)
    errors = file.with_name(f"{file.name}.errors.csv")
    assert errors.stat().st_mode & 0o077 == 0
    errors.write_text(errors.read_text("utf-8-sig").replace("02-30", "02-29"), "utf-8")
    assert desk.run("members", errors).exit_code == 0
    assert desk.people("M9") == [("陈晨", "+8613600136000", None, "2024-02-29")]
