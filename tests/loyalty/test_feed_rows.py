"""Rows of the CRM feed: what a cell may say, and what is refused, without a database."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.earning.document import Document
from loyalty.earning.opening import OpeningBalance
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import JobType, Line, Payer
from loyalty.feed import rows
from loyalty.feed.rows import COLUMNS, FeedKind, Row
from loyalty.members.enroll import Enrolment
from loyalty.members.vehicles import OwnedVehicle

OWNER = UUID("01939d5e-7c00-7000-8000-000000000001")
MEMBER: Row = dict(
    zip(
        COLUMNS[FeedKind.MEMBERS],
        ("M1", "阿依古丽·艾合买提", "138 0013 8000", "建材", "2024-05-01"),
        strict=True,
    )
)
CAR: Row = dict(
    zip(
        COLUMNS[FeedKind.VEHICLES],
        (
            *("M1", "LFV2A21K8A3000001", "京A12345", "速腾", "白色"),
            *("automatic", "2024-05-01", "2026.05.01", "非营运"),
        ),
        strict=True,
    )
)
PAPER: Row = dict(
    zip(
        COLUMNS[FeedKind.DOCUMENTS],
        ("M1", "SO-1", "service_order", "2026年3月1日", "customer", "1280.50"),
        strict=True,
    )
)
BALANCE: Row = dict(
    zip(
        COLUMNS[FeedKind.BALANCES],
        ("M1", "OB-1", "1200", "2025-03-31", "2027-04-01"),
        strict=True,
    )
)
VISIT: Row = dict(
    zip(COLUMNS[FeedKind.FACTS], ("M1", "VISIT-1", "visit", "2026-03-01"), strict=True)
)


def taken(paper: Row) -> Document:
    return rows.document(paper, source="crm", member_id=OWNER)


def yuan(amount: str) -> int:
    return taken({**PAPER, "amount_yuan": amount}).lines[0].amount_fen


def test_a_row_of_members_is_an_enrolment() -> None:
    assert rows.enrolment(MEMBER, source="dms") == Enrolment(
        source="dms",
        external_id="M1",
        name="阿依古丽·艾合买提",
        phone="138 0013 8000",
        joined_on=date(2024, 5, 1),
        occupation="建材",
    )
    assert rows.enrolment({**MEMBER, "occupation": " "}, source="dms").occupation is None


def test_a_row_of_vehicles_is_a_car_and_a_period_of_ownership() -> None:
    assert rows.owned_vehicle(CAR) == OwnedVehicle(
        vin="LFV2A21K8A3000001",
        plate="京A12345",
        model="速腾",
        colour="白色",
        transmission="automatic",
        use_nature="非营运",
        owned_from=date(2024, 5, 1),
        owned_until=date(2026, 5, 1),
    )
    still_owned = rows.owned_vehicle({**CAR, "plate": "", "owned_until": ""})
    assert (still_owned.plate, still_owned.owned_until) == (None, None)
    assert rows.member_reference(CAR) == "M1"


def test_a_row_of_documents_is_a_document_of_one_line() -> None:
    assert taken(PAPER) == Document(
        source="crm",
        source_event_id="SO-1",
        kind=DocumentKind.SERVICE_ORDER,
        member_id=OWNER,
        occurred_on=date(2026, 3, 1),
        lines=[Line(Payer.CUSTOMER, 128_050)],
    )


def test_what_only_some_systems_tell_may_be_left_out_or_empty() -> None:
    told = taken({**PAPER, "job_type": "maintenance", "vin": "LFV2A21K8A3000001", "campaign": "S1"})
    assert told.lines == [Line(Payer.CUSTOMER, 128_050, JobType.MAINTENANCE)]
    assert (told.vin, told.campaign) == ("LFV2A21K8A3000001", "S1")
    assert taken({**PAPER, "job_type": " ", "vin": "", "campaign": ""}) == taken(PAPER)


def test_a_row_of_balances_is_a_lot_with_its_dates() -> None:
    assert rows.opening_balance(BALANCE, source="old", member_id=OWNER) == OpeningBalance(
        source="old",
        balance_id="OB-1",
        member_id=OWNER,
        points=1200,
        business_on=date(2025, 3, 31),
        expires_on=date(2027, 4, 1),
    )


def test_blanks_around_a_cell_make_no_other_member() -> None:
    assert rows.enrolment({**MEMBER, "external_id": "\u3000M1 "}, source="crm").external_id == "M1"


@pytest.mark.parametrize(
    ("amount", "fen"),
    [("0", 0), ("0.01", 1), ("0.1", 10), ("12", 1_200), ("8.29", 829), ("99999999.99", 10**10 - 1)],
)
def test_an_amount_in_yuan_becomes_fen(amount: str, fen: int) -> None:
    assert yuan(amount) == fen


@given(st.integers(min_value=0, max_value=10**10 - 1))
def test_no_fen_is_ever_lost_on_the_way(fen: int) -> None:
    assert yuan(str(Decimal(fen).scaleb(-2))) == fen
    assert yuan(f"{fen // 100}.{fen % 100:02d}") == fen


def test_a_refund_is_left_to_the_use_case_to_refuse() -> None:
    assert yuan("-12.50") == -1_250


@pytest.mark.parametrize(
    "amount",
    [
        *("1.005", "1,280.00", "¥12", "12元", "+12", "1e3", "0x10", "1_000", "1 000", ".5", "5."),
        *("NaN", "Infinity", "１２.００", "١٢", "100000000", "--1", "1.2.3", "一百"),
    ],
)
def test_an_amount_that_is_not_plain_yuan_is_refused(amount: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        yuan(amount)
    assert (refused.value.code, refused.value.pointer) == ("amount_invalid", "/amount_yuan")


def read(kind: str, cells: Row) -> None:
    row = rows.labelled(tuple(cells), tuple(cells.values()))
    if kind == "members":
        rows.enrolment(row, source="crm")
    elif kind == "vehicles":
        rows.owned_vehicle(row)
        rows.member_reference(row)
    elif kind == "balances":
        rows.opening_balance(row, source="crm", member_id=OWNER)
        rows.member_reference(row)
    elif kind == "facts":
        rows.told_fact(row, source="crm", member_id=OWNER)
        rows.member_reference(row)
    else:
        taken(row)
        rows.member_reference(row)


GOOD = {"members": MEMBER, "vehicles": CAR, "documents": PAPER, "balances": BALANCE, "facts": VISIT}
OPTIONAL = {"occupation", "plate", "owned_until", "expires_on"}


@pytest.mark.parametrize(
    ("kind", "column"),
    [(kind, column) for kind, columns in COLUMNS.items() for column in columns],
)
def test_an_empty_cell_is_refused_by_the_name_of_its_column(kind: str, column: str) -> None:
    row = {**GOOD[kind], column: "  "}
    if column in OPTIONAL:
        read(kind, row)
        return
    with pytest.raises(RuleViolation) as refused:
        read(kind, row)
    assert refused.value.code == "value_missing"
    assert refused.value.params == {"column": column}
    assert refused.value.pointer == f"/{column}"


@pytest.mark.parametrize(
    ("kind", "column", "value", "code"),
    [
        ("members", "joined_on", "2024-02-30", "date_invalid"),
        ("members", "joined_on", "01/05/2024", "date_invalid"),
        ("vehicles", "owned_until", "soon", "date_invalid"),
        ("documents", "occurred_on", "45413", "date_invalid"),
        ("documents", "kind", "refund", "choice_invalid"),
        ("documents", "kind", "SERVICE_ORDER", "choice_invalid"),
        ("documents", "payer", "客户", "choice_invalid"),
        ("documents", "job_type", "oil", "choice_invalid"),
        ("documents", "campaign", "S" * 65, "field_length"),
        ("balances", "points", "1,200", "points_invalid"),
        ("balances", "points", "12.5", "points_invalid"),
        ("balances", "points", "-5", "points_invalid"),
        ("balances", "expires_on", "never", "date_invalid"),
        ("facts", "kind", "call", "choice_invalid"),
        ("facts", "marks", "101", "marks_invalid"),
        ("facts", "marks", "９", "marks_invalid"),
        ("facts", "grade", "g" * 31, "field_length"),
        ("members", "external_id", "M" * 81, "field_length"),
        ("members", "name", "王" * 61, "field_length"),
        ("members", "external_id", "M\u200b1", "field_characters"),
        ("members", "name", "王\n伟", "field_characters"),
        ("documents", "document_id", "SO\x07-1", "field_characters"),
        ("documents", "document_id", "SО-1", "reference_invalid"),
        ("vehicles", "member_external_id", "M  1", "reference_invalid"),
        ("members", "external_id", "㍻" * 41, "field_length"),
    ],
)
def test_an_unusable_cell_is_refused_without_repeating_it(
    kind: str, column: str, value: str, code: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        read(kind, {**GOOD[kind], column: value})
    assert (refused.value.code, refused.value.pointer) == (code, f"/{column}")
    assert value not in refused.value.params.values()


@pytest.mark.parametrize("cells", [["M1"], ["M1", "王伟", "1", "", "2024-05-01", "x"], []])
def test_a_row_of_another_width_is_refused_with_both_counts(cells: list[str]) -> None:
    with pytest.raises(RuleViolation) as refused:
        rows.labelled(COLUMNS[FeedKind.MEMBERS], cells)
    assert refused.value.code == "row_width_wrong"
    assert refused.value.params == {"expected": 5, "found": len(cells)}
