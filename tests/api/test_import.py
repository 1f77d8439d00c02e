"""The CRM feed: whole files, broken rows, interruptions, and what an operator is told."""

import csv
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.commands import feed as command
from api.commands.feed import import_
from api.commands.sample import write_sample
from api.messages import catalogue
from kernel.errors import Conflict
from loyalty.earning.bulk import take_documents
from loyalty.feed.documents import read_all, table_reader
from loyalty.feed.rows import COLUMNS, FeedKind
from loyalty.feed.run import begin, finish, take_chunk
from loyalty.feed.take_row import Feed, Record, in_lock_order
from loyalty.members.queries import vehicles_of
from tests.support import earning, tiers
from tests.support.desk import HEADER, TABLES, Desk, faults_of
from tests.support.shop import Shop

WANG, LI = "M1,王伟,13800138000,教师,2024-05-01", "M2,李娜,13900139000,,2025-01-31"
SAGITAR = "M1,LFV2A21K8A3000001,京A12345,速腾,白色,automatic,2024-05-01,,非营运"


def paper(number: int, yuan: str = "100.99", *, member: str = "M1", payer: str = "customer") -> str:
    return f"{member},SO-{number},service_order,2026-03-01,{payer},{yuan}"


@pytest.fixture
def desk(shop: Shop, tmp_path: Path) -> Desk:
    return Desk(shop, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_gb18030_file_gives_the_same_members_as_a_utf8_file(desk: Desk, encoding: str) -> None:
    rare = "M3,𠮷田·阿依古丽,13700137000,個體經營,2025-02-01"
    done = desk.run("members", desk.file("members", WANG, LI, rare, encoding=encoding))
    assert (done.exit_code, done.stdout) == (
        0,
        "members: 3 rows, 3 taken (3 new, 0 known before), 0 refused\n",
    )
    assert desk.people("M1", "M2", "M3") == [
        ("王伟", "+8613800138000", "教师", "2024-05-01"),
        ("李娜", "+8613900139000", None, "2025-01-31"),
        ("𠮷田·阿依古丽", "+8613700137000", "個體經營", "2025-02-01"),
    ]


def test_a_car_comes_to_its_owner_and_a_document_to_his_points(desk: Desk) -> None:
    desk.take("members", WANG)
    assert desk.take("vehicles", SAGITAR).stdout == "vehicles: 1 rows, 1 taken, 0 refused\n"
    assert desk.take("documents", paper(1), paper(2, payer="warranty")).exit_code == 0
    (car,) = desk.read(lambda uow: vehicles_of(uow, desk.member(uow, "M1")))
    assert (car.vin, car.plate, car.colour) == ("LFV2A21K8A3000001", "京A12345", "A")
    assert desk.points("M1") == 100


def test_facts_are_taken_once_and_the_night_moves_whom_they_raise(desk: Desk) -> None:
    tiers.publish_scheme(desk.shop)
    desk.take("members", WANG)
    member = desk.read(lambda uow: desk.member(uow, "M1"))
    today = earning.day(desk.shop)
    file = desk.file(
        "facts",
        f"M1,CALL-1,callback,{today},95,",
        f"M1,SURVEY-1,satisfaction,{today},100,",
        f"M1,REGION-1,region,{today},,urban",
        f"M1,CALL-2,callback,{today},,good",
        more=",marks,grade",
    )
    done = desk.run("facts", file)
    assert (done.exit_code, done.stdout.partition(";")[0]) == (
        1,
        "facts: 4 rows, 3 taken (3 new, 0 known before), 1 refused",
    )
    assert [fault["code"] for fault in faults_of(file)] == ["fact_does_not_fit"]
    before = tiers.standing(desk.shop, member)["tier"]
    tiers.night(desk.shop)
    after = tiers.standing(desk.shop, member)
    assert (before, after["tier"], after["score"]) == (None, "base", 3000)


def test_a_broken_row_is_reported_by_its_number_and_stops_no_other(desk: Desk) -> None:
    file = desk.file("members", WANG, "", "M9,陈晨,12345,,2024-05-01", LI, "M8,林琳,13600136000")
    done = desk.run("members", file)
    assert done.exit_code == 1
    assert "4 rows, 2 taken (2 new, 0 known before), 2 refused; see " in done.stdout
    assert desk.people("M1", "M2")[1][0] == "李娜"
    mobile, width = faults_of(file)
    assert (mobile["row"], mobile["code"], mobile["name"]) == ("4", "mobile_invalid", "陈晨")
    assert mobile["message_zh"] == catalogue()["mobile_invalid"].detailed("zh-CN", {})
    assert mobile["message_en"] == catalogue()["mobile_invalid"].detailed("en", {})
    assert (width["row"], width["code"], width["phone"]) == ("6", "row_width_wrong", "13600136000")
    assert "5" in width["message_en"]
    assert "3" in width["message_en"]


REFUSED = {
    "members": [
        ("M5,王伟,13800138000,,2098-05-01", "joined_in_the_future", "joined_on"),
        ("M5,王伟,13800138000,,2024-02-30", "date_invalid", "joined_on"),
        ("M1,王大伟,13800138000,,2024-05-01", "member_changed", ""),
    ],
    "vehicles": [
        (SAGITAR.replace("M1", "M7"), "member_not_found", "member_external_id"),
        (SAGITAR.replace("8A3", "7A3"), "vin_check_digit", ""),
        (SAGITAR.replace("auto", "semiauto"), "transmission_unknown", "transmission"),
    ],
    "documents": [
        (paper(1, "１２.００"), "amount_invalid", "amount_yuan"),
        (paper(1, "-12.00"), "negative_amount", "lines"),
        (paper(1, payer="friend"), "choice_invalid", "payer"),
        (paper(1, "10000001"), "points_out_of_range", ""),
        (paper(1, member=""), "value_missing", "member_external_id"),
    ],
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_names_its_code_and_its_column_but_keeps_no_value(desk: Desk, kind: str) -> None:
    desk.take("members", WANG)
    before = desk.counts()
    lines = [line for line, _, _ in REFUSED[kind]]
    file = desk.file(kind, *lines)
    assert desk.run(kind, file).exit_code == 1
    assert [(fault["code"], fault["column"]) for fault in faults_of(file)] == [
        (code, column) for _, code, column in REFUSED[kind]
    ]
    said = {str(value) for row in desk.rows("import_error") for value in row.params.values()}
    assert said.isdisjoint(cell for line in lines for cell in line.split(",") if cell)
    after = desk.counts()
    assert {table: after[table] for table in TABLES} == {table: before[table] for table in TABLES}


def dying(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """The process dies in the middle of a transaction, after this many chunks of documents."""
    calls = count(1)

    def take(*given: Any) -> Any:
        results = take_documents(*given)
        if next(calls) > after:
            raise KeyboardInterrupt
        return results

    monkeypatch.setattr("loyalty.feed.run.take_documents", take)


def test_an_import_killed_in_its_second_chunk_is_resumed_and_counts_every_row_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "CHUNK_ROWS", 20)
    desk.take("members", WANG, LI)
    lines = [paper(n, "1", member="M2" if n % 3 else "M1") for n in range(1, 46)]
    file = desk.file("documents", paper(0, "x"), *lines)
    with monkeypatch.context() as patch:
        dying(patch, after=1)
        killed = desk.run("documents", file)
    assert (killed.exit_code, "Aborted!" in killed.stderr) == (1, True)
    assert desk.number("SELECT rows_done FROM import_run WHERE finished_at IS NULL") == 20
    assert desk.points("M1") + desk.points("M2") == 19

    assert "46 rows, 45 taken (26 new, 0 known" in desk.run("documents", file).stdout
    assert (desk.points("M1"), desk.points("M2")) == (15, 30)
    assert desk.counts()["source_document"] == desk.counts()["posting_set"] == 45
    runs = sorted((run.rows_done, run.finished_at is None) for run in desk.rows("import_run"))
    assert runs == [(2, False), (46, False)]
    assert [fault["row"] for fault in faults_of(file)] == ["2"]


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    files = {
        "members": desk.file("members", WANG, LI),
        "vehicles": desk.file("vehicles", SAGITAR),
        "documents": desk.file("documents", paper(1), paper(2)),
    }
    for kind, file in files.items():
        desk.run(kind, file)
    before = desk.counts()
    for kind, file in files.items():
        again = desk.run(kind, file)
        assert again.exit_code == 0
        assert "this file was imported before, nothing has changed" in again.stdout
    assert desk.counts() == before


def test_the_same_rows_in_another_file_earn_nothing_again(desk: Desk) -> None:
    desk.take("members", WANG)
    desk.take("documents", paper(1), paper(2))
    again = desk.take("documents", paper(2), paper(1), paper(3))
    assert "3 rows, 3 taken (1 new, 2 known before), 0 refused" in again.stdout
    assert desk.points("M1") == 300


def test_a_member_taken_beside_a_refused_row_still_counts_as_new(desk: Desk) -> None:
    done = desk.take("members", WANG, WANG.replace("王伟", "王大伟"), LI, LI)
    assert "4 rows, 3 taken (2 new, 1 known before), 1 refused" in done.stdout
    assert desk.number("SELECT count(*) FROM point_account") == 2
    assert desk.number("SELECT count(*) FROM outbox_event WHERE kind = 'member.enrolled'") == 2


def test_an_operator_with_an_unusable_file_is_told_why_in_both_languages(desk: Desk) -> None:
    file = desk.folder / "members.csv"
    file.write_text(HEADER["vehicles"], "utf-8")
    done = desk.run("members", file)
    assert (done.exit_code, done.stdout) == (2, "")
    missing = "external_id, name, phone, occupation, joined_on"
    assert done.stderr == f"缺少这些列：{missing}。\nThese columns are missing: {missing}.\n"
    assert desk.counts()["import_run"] == 0


def test_further_columns_in_any_order_do_no_harm(desk: Desk) -> None:
    file = desk.folder / "members.csv"
    file.write_text(
        "备注,joined_on, phone ,name,occupation,external_id\r\n"
        "VIP,2024-05-01,13800138000,王伟,,M1\r\n",
        "utf-8",
    )
    assert desk.run("members", file).exit_code == 0
    assert desk.people("M1") == [("王伟", "+8613800138000", None, "2024-05-01")]


def test_a_dealer_is_named_by_code_or_uuid_and_must_exist(desk: Desk) -> None:
    file = desk.file("members", WANG)
    unknown = UUID(int=desk.shop.dealer_id.int ^ 1)
    for name, status in ((str(desk.shop.dealer_id), 0), ("nobody", 2), (str(unknown), 2)):
        done = CliRunner().invoke(import_, ["members", str(file), "--dealer", name])
        assert done.exit_code == status
        assert (catalogue()["dealer_not_found"].detail["zh"] in done.stderr) == (status == 2)
    assert desk.counts()["member"] == 1


def test_a_dealers_rows_are_seen_by_no_other(desk: Desk, other_shop: Shop) -> None:
    neighbour = Desk(other_shop, desk.folder)
    desk.take("members", WANG)
    file = neighbour.file("documents", paper(1))
    assert neighbour.run("documents", file).exit_code == 1
    assert faults_of(file)[0]["code"] == "member_not_found"


def test_one_file_told_for_two_systems_is_two_feeds(desk: Desk) -> None:
    file = desk.file("members", WANG)
    desk.run("members", file)
    assert "1 new" in desk.run("members", file, "--source", "dms").stdout
    assert desk.people("M1", source="dms") == desk.people("M1", source="crm")
    assert desk.counts()["member"] == 2


def test_two_imports_of_a_file_never_take_a_page_twice(desk: Desk) -> None:
    desk.take("members", WANG)
    feed = Feed(FeedKind.DOCUMENTS, "crm", COLUMNS[FeedKind.DOCUMENTS], b"a file")
    reader = table_reader(COLUMNS[FeedKind.DOCUMENTS], "crm")
    rows = read_all(reader, [Record(2, paper(1).split(","))])
    run = desk.read(lambda uow: begin(uow, feed))
    desk.read(lambda uow: take_chunk(uow, run.id, rows, after=run.rows_done))
    with pytest.raises(Conflict, match="import_running_elsewhere"):
        desk.read(lambda uow: take_chunk(uow, run.id, rows, after=run.rows_done))
    assert desk.points("M1") == 100
    desk.read(lambda uow: finish(uow, run.id))
    before = desk.counts()
    desk.read(lambda uow: finish(uow, run.id))
    assert desk.counts() == before


def test_balances_of_a_page_lock_accounts_by_id_and_keep_each_members_order() -> None:
    members = {"M1": UUID(int=9), "M2": UUID(int=4)}
    page = [
        Record(n, f"{m},B-{n},100,2026-01-01,".split(",")) for n, m in enumerate(("M1", "M2", "M1"))
    ]
    feed = Feed(FeedKind.BALANCES, "crm", COLUMNS[FeedKind.BALANCES], b"")
    assert [record.number for record in in_lock_order(feed, page, members)] == [1, 0, 2]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [("members", [WANG, LI]), ("vehicles", [SAGITAR, SAGITAR.replace("8A3", "5A4").lower()])],
)
def test_two_files_with_the_same_rows_in_another_order_lock_them_in_one_order(
    kind: str, lines: list[str]
) -> None:
    feed = Feed(FeedKind(kind), "crm", COLUMNS[FeedKind(kind)], b"")
    files = ([*lines, "x"], ["x", *reversed(lines)])
    taken = [
        [",".join(row.cells) for row in in_lock_order(feed, page, {})]
        for page in ([Record(0, line.split(",")) for line in file] for file in files)
    ]
    assert taken[0] == taken[1]
    assert sorted(taken[0]) == sorted(files[0])


def test_a_car_told_again_without_plate_or_end_keeps_what_is_known(desk: Desk) -> None:
    ended = SAGITAR.replace(",,非", ",2025-05-01,非")
    sparse = SAGITAR.replace("京A12345", "").replace("白色", "红色")
    desk.take("members", WANG)
    for line in (SAGITAR, ended, sparse):
        assert desk.take("vehicles", line).exit_code == 0
    (car,) = desk.read(lambda uow: vehicles_of(uow, desk.member(uow, "M1")))
    assert (car.plate, car.colour, str(car.owned_until)) == ("京A12345", "E", "2025-05-01")
    file = desk.file("vehicles", ended.replace("2025-05-01", "2026-05-01"))
    assert desk.run("vehicles", file).exit_code == 1
    assert faults_of(file)[0]["code"] == "ownership_closed"


def test_one_document_in_four_spellings_earns_once(desk: Desk) -> None:
    desk.take("members", WANG)
    spellings = ("SO-1", " SO-1", "SO-1　", "ＳＯ－１")
    lines = [paper(1).replace("SO-1", spelling) for spelling in spellings]
    done = desk.take("documents", *lines, paper(2).replace("M1", "Ｍ1 "))
    assert "5 rows, 5 taken (2 new, 3 known before), 0 refused" in done.stdout
    assert desk.points("M1") == 200


def test_a_feed_cannot_pass_for_the_services_own_postings(desk: Desk) -> None:
    desk.run("members", desk.file("members", WANG), "--source", "redemption")
    file = desk.file("documents", paper(1))
    assert desk.run("documents", file, "--source", "Redemption").exit_code == 1
    assert desk.run("documents", file, "--source", "redemption").exit_code == 1
    assert faults_of(file)[0]["code"] == "source_reserved"
    assert desk.counts()["posting_set"] == 0


def test_a_busy_database_is_told_without_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT", {"name": "王伟"}, Exception("lock timeout"))

    file = desk.file("members", WANG)
    with monkeypatch.context() as patch:
        patch.setattr(command, "take_page", busy)
        done = desk.run("members", file)
    assert done.exit_code == 1
    assert catalogue()["import_interrupted"].detail["en"] in done.stderr
    assert "王伟" not in done.output
    assert desk.run("members", file).exit_code == 0


def test_the_sample_is_taken_whole_and_pays_whole_yuan_of_customers(desk: Desk) -> None:
    today = desk.read(lambda uow: uow.today)
    files = write_sample(desk.folder, dealer="north", members=60, seed=1, today=today)
    for kind, file in files.items():
        done = desk.run(kind, file)
        assert (done.exit_code, done.stdout.count(", 0 refused")) == (0, 1)
    assert desk.counts() | {"member": 60, "vehicle": 72, "source_document": 108} == desk.counts()
    earned: Counter[str] = Counter()
    with files["documents"].open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            if row["payer"] == "customer":
                earned[row["member_external_id"]] += int(row["amount_yuan"].partition(".")[0])
    stored = "SELECT external_id, available FROM member JOIN point_account ON member_id = id"
    balances = desk.read(lambda uow: uow.session.execute(text(stored)).all())
    assert {who: points for who, points in balances if points} == dict(earned)
    assert sum(earned.values()) > 1_000
