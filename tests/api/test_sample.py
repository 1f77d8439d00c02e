"""The sample data: repeatable, valid by our own rules, and shaped like a real dealer's export."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from api.commands import sample_dice, sample_shares
from api.commands.sample import write_sample
from loyalty.formats import colour, mobile, names, plate, vin

TODAY = date(2026, 3, 31)
MEMBERS = 500
YEAR_CODES = dict(zip(range(2001, 2031), "123456789ABCDEFGHJKLMNPRSTVWXY", strict=True))
Rows = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("sample") / "new" / "folder"
    paths = write_sample(folder, dealer="shanghai-1", members=MEMBERS, seed=7, today=TODAY)
    return {name: list(read(path)) for name, path in paths.items()}


def read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def column(rows: Rows, file: str, name: str) -> list[str]:
    return [row[name] for row in rows[file]]


def bytes_of(folder: Path, *, dealer: str = "d", seed: int = 1, today: date = TODAY) -> list[bytes]:
    paths = write_sample(folder, dealer=dealer, members=40, seed=seed, today=today)
    assert paths == {n: folder / f"{n}.csv" for n in ("members", "vehicles", "documents")}
    return [path.read_bytes() for path in paths.values()]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_another_seed_dealer_or_day_gives_other_files(tmp_path: Path) -> None:
    usual = bytes_of(tmp_path)
    others = [
        bytes_of(tmp_path, seed=2),
        bytes_of(tmp_path, dealer="e"),
        bytes_of(tmp_path, today=TODAY - timedelta(days=1)),
    ]
    for other in others:
        assert all(mine != yours for mine, yours in zip(usual, other, strict=True))


@pytest.mark.parametrize("members", [0, 1, 4, 5])
def test_a_tiny_dealer_has_files_too(tmp_path: Path, members: int) -> None:
    paths = write_sample(tmp_path, dealer="d", members=members, seed=3, today=TODAY)
    counts = {name: len(list(read(path))) for name, path in paths.items()}
    assert counts == {
        "members": members,
        "vehicles": members + members // 5,
        "documents": members * 9 // 5,
    }


def test_500_members_come_with_2000_rows_in_the_promised_columns(rows: Rows) -> None:
    assert {name: len(content) for name, content in rows.items()} == {
        "members": 500,
        "vehicles": 600,
        "documents": 900,
    }
    assert {name: ",".join(content[0]) for name, content in rows.items()} == {
        "members": "external_id,name,phone,occupation,joined_on",
        "vehicles": "member_external_id,vin,plate,model,colour,transmission,"
        "owned_from,owned_until,use_nature",
        "documents": "member_external_id,document_id,kind,occurred_on,payer,amount_yuan",
    }


@pytest.mark.parametrize(
    ("file", "name", "canonical"),
    [
        ("members", "phone", lambda value: mobile.canonical(value).removeprefix("+86")),
        ("members", "name", names.display),
        ("vehicles", "vin", vin.canonical),
        ("vehicles", "plate", plate.canonical),
    ],
    ids=["phone", "name", "vin", "plate"],
)
def test_every_value_is_already_canonical(
    rows: Rows, file: str, name: str, canonical: Callable[[str], str]
) -> None:
    values = column(rows, file, name)
    assert [canonical(value) for value in values] == values


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("members", "external_id"),
        ("members", "phone"),
        ("vehicles", "vin"),
        ("vehicles", "plate"),
        ("documents", "document_id"),
    ],
)
def test_no_key_is_given_out_twice(rows: Rows, file: str, name: str) -> None:
    values = column(rows, file, name)
    assert len(set(values)) == len(values)


def test_a_number_drawn_a_second_time_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_dice, "_DIGITS", "01")
    dice = sample_dice.Dice("few numbers")
    phones = [dice.phone() for _ in range(1_000)]
    assert len(set(phones)) == 1_000


def test_no_car_is_older_than_its_model(rows: Rows) -> None:
    since = {model.name: model.since for model in sample_shares.MODELS}
    for row in rows["vehicles"]:
        assert int(row["owned_from"][:4]) >= since[row["model"]]


def test_every_car_and_document_belongs_to_a_member_of_the_file(rows: Rows) -> None:
    members = column(rows, "members", "external_id")
    assert members == [f"M{number:06d}" for number in range(1, MEMBERS + 1)]
    assert set(column(rows, "vehicles", "member_external_id")) == set(members)
    assert set(column(rows, "documents", "member_external_id")) <= set(members)


def test_a_vin_and_a_plate_fit_the_car_and_its_age(rows: Rows) -> None:
    for row in rows["vehicles"]:
        assert row["vin"][8] == vin.check_digit(row["vin"])
        assert row["vin"][9] == YEAR_CODES[int(row["owned_from"][:4])]
        if row["model"] in {"ID.3", "ID.4 CROZZ", "Model 3"}:
            assert (len(row["plate"]), row["plate"][2] in "DABCE") == (8, True)
            assert row["transmission"] == "automatic"
    maker = {row["model"]: row["vin"][:3] for row in rows["vehicles"]}
    assert (maker["速腾"], maker["朗逸"], maker["伊兰特"]) == ("LFV", "LSV", "LBE")


def test_cars_are_owned_one_after_the_other_or_side_by_side(rows: Rows) -> None:
    ended = [row for row in rows["vehicles"] if row["owned_until"]]
    assert 20 <= len(ended) <= 80
    assert all(row["owned_from"] < row["owned_until"] <= TODAY.isoformat() for row in ended)
    assert max(column(rows, "vehicles", "owned_from")) <= TODAY.isoformat()


def test_documents_lie_within_20_months_and_not_before_membership(rows: Rows) -> None:
    joined = dict(
        zip(
            column(rows, "members", "external_id"),
            column(rows, "members", "joined_on"),
            strict=True,
        )
    )
    for row in rows["documents"]:
        earliest = max("2024-07-31", joined[row["member_external_id"]])
        assert earliest <= row["occurred_on"] <= TODAY.isoformat()


def test_kinds_payers_and_amounts_are_ones_the_import_knows(rows: Rows) -> None:
    kinds = Counter(column(rows, "documents", "kind"))
    assert set(kinds) == {"service_order", "accessory_sale", "insurance_renewal", "car_purchase"}
    assert kinds.most_common(1)[0][0] == "service_order"
    assert set(column(rows, "documents", "payer")) == {"customer", "warranty", "insurer"}
    for row in rows["documents"]:
        yuan, _, fen = row["amount_yuan"].partition(".")
        assert int(yuan) > 0
        assert len(fen) == 2
        assert fen.isdigit()
        assert row["payer"] == "customer" or row["kind"] == "service_order"


def test_most_cars_are_white_private_and_automatic(rows: Rows) -> None:
    usual = {"colour": "白色", "use_nature": "非营运", "transmission": "automatic"}
    for name, value in usual.items():
        assert Counter(column(rows, "vehicles", name)).most_common(1)[0][0] == value
    assert {colour.canonical(word) for word in column(rows, "vehicles", "colour")} >= set("ABEHJ")
    assert set(column(rows, "vehicles", "transmission")) == {"automatic", "manual"}


def test_some_members_have_minority_names_and_two_cars(rows: Rows) -> None:
    assert any("·" in name for name in column(rows, "members", "name"))
    assert max(Counter(column(rows, "vehicles", "member_external_id")).values()) == 2


def test_no_cell_is_a_spreadsheet_formula(rows: Rows) -> None:
    cells = [cell for content in rows.values() for row in content for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
