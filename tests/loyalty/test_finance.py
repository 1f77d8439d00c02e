"""The finance lead's month: books that balance, points in money, who owes whom, and the close."""

import csv
import io
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from api import spreadsheet
from api.commands.dealer import dealer
from api.service import Service
from api.spreadsheet import Table, as_csv
from api.v1 import exports
from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from loyalty.finance.proof import CHECKS
from loyalty.formats.cells import inert
from loyalty.points import ledger
from loyalty.points.ledger import Credit, DebtPolicy
from loyalty.points.proof import prove
from tests.support import finance, story
from tests.support.clock import TestClock
from tests.support.finance import burn, cancel, close, give, to_next_month, work
from tests.support.shop import Shop, open_shop

PARTNER = uuid.UUID("01939d5e-7c00-7000-8000-00000000000b")
OEM = uuid.UUID("01939d5e-7c00-7000-8000-00000000000c")


def days_later(shop: Shop, days: int) -> dict[str, Any]:
    """Terms of points that end in so many days."""
    return {"expires_at": shop.service.clock() + timedelta(days=days)}


def found(shop: Shop) -> dict[str, int]:
    """What the proof of closed months finds among this dealer's rows."""
    with work(shop) as uow:
        return {each.number: each.count for each in prove(uow.session, CHECKS) if each.count}


def table(answer: Any) -> list[dict[str, str]]:
    """The rows of an export."""
    assert answer.status_code == 200, answer.json
    sent = answer.get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(sent, newline="")))


# The trial balance.


def test_what_members_gained_is_what_the_programme_gave_issuer_by_issuer(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 500)
    give(shop, member, 40, issuer=PARTNER, **days_later(shop, 5))
    burn(shop, member, 100)
    burn(shop, member, 50, at=PARTNER)
    assert finance.accounts(shop, shop.dealer_id) == {
        "issued": -500,
        "available": 390,
        "redeemed": 60,
        "payable": 50,
    }
    assert finance.accounts(shop, PARTNER) == {"issued": -40, "available": 0, "payable": 40}
    books = finance.trial_balance(shop)
    assert (books["points"], books["transferred"], books["balanced"]) == (0, 0, True)
    assert [each["points"] for each in books["issuers"]] == [0, 0]


def test_a_day_of_the_books_holds_what_was_posted_before_the_next_began(
    shop: Shop, clock: TestClock
) -> None:
    member, first = story.member(shop), finance.today(shop)
    give(shop, member, 100)
    clock.add(days=1)
    burn(shop, member, 30)
    assert finance.accounts(shop, shop.dealer_id, as_of=f"{first}")["available"] == 100
    assert finance.accounts(shop, shop.dealer_id)["available"] == 70
    before = first - timedelta(days=1)
    assert finance.trial_balance(shop, as_of=f"{before}")["items"] == []
    tomorrow = shop.get("finance", "/v1/trial-balance", as_of=f"{first + timedelta(days=2)}")
    assert (tomorrow.status_code, tomorrow.json["code"]) == (422, "day_in_the_future")


def test_points_given_to_another_member_leave_the_clearing_account_at_zero(shop: Shop) -> None:
    giver, taker = story.member(shop), story.member(shop)
    give(shop, giver, 100)
    with work(shop) as uow:
        ledger.transfer(uow, from_member=giver, to_member=taker, points=60, source=finance.source())
    assert finance.accounts(shop, shop.dealer_id) == {
        "issued": -100,
        "available": 100,
        "transferred": 0,
    }
    assert finance.trial_balance(shop)["balanced"] is True


def test_books_after_a_close_continue_those_before_it(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    give(shop, member, 100)
    to_next_month(shop, clock)
    burn(shop, member, 10, at=PARTNER)
    before = finance.trial_balance(shop)
    story.ok(close(shop, finance.this_month(shop).previous))
    assert finance.trial_balance(shop) == before
    assert found(shop) == {}


# Liability.


def test_three_lots_of_a_third_of_a_fen_cost_one_fen_and_not_none(shop: Shop) -> None:
    member, third = story.member(shop), Decimal("0.3333")
    for days in (1, 100, 200):
        give(shop, member, 1, unit_cost_fen=third, **days_later(shop, days + 100))
    owed = finance.liability(shop)
    assert {row["cost"]["amount_fen"] for row in owed["items"]} <= {0, 1}
    assert (owed["points"], owed["cost"]["exact_fen"]) == (3, "0.9999")
    assert owed["cost"]["amount_fen"] == owed["issuers"][0]["cost"]["amount_fen"] == 1


def test_liability_is_told_by_issuer_and_quarter_of_the_last_usable_day(shop: Shop) -> None:
    member = story.member(shop)
    year = finance.today(shop).year + 2
    new_year = story.instant(f"{year}-01-01T00:00:00+08:00")
    give(shop, member, 100, expires_at=new_year, unit_cost_fen=Decimal("1.2500"))
    give(shop, member, 10, expires_at=new_year + timedelta(seconds=1))
    give(shop, member, 7)
    give(shop, member, 9, issuer=PARTNER, unit_cost_fen=Decimal("0.5000"))
    told = {
        (row["issuer_id"], row["quarter"]): (row["points"], row["cost"]["exact_fen"])
        for row in finance.liability(shop)["items"]
    }
    home = str(shop.dealer_id)
    assert told == {
        (home, f"{year - 1}-Q4"): (100, "125.0000"),
        (home, f"{year}-Q1"): (10, "10.0000"),
        (home, None): (7, "7.0000"),
        (str(PARTNER), None): (9, "4.5000"),
    }
    by_issuer = {row["issuer_id"]: row for row in finance.liability(shop)["issuers"]}
    assert by_issuer[home]["cost"]["amount_fen"] == 142
    assert by_issuer[str(PARTNER)]["cost"]["amount_fen"] == 5


def test_points_past_their_date_are_owed_no_more_though_no_job_has_run(
    shop: Shop, clock: TestClock
) -> None:
    member, first = story.member(shop), finance.today(shop)
    give(shop, member, 100, **days_later(shop, 3))
    give(shop, member, 20)
    clock.add(days=4)
    owed = finance.liability(shop)
    assert (owed["points"], owed["past_date_points"]) == (20, 100)
    assert finance.liability(shop, as_of=f"{first}")["points"] == 120
    burn(shop, member, 1)
    owed = finance.liability(shop)
    assert (owed["points"], owed["past_date_points"]) == (19, 0)
    assert finance.liability(shop, as_of=f"{first}")["points"] == 120


def test_a_hold_keeps_points_owed_past_their_date_until_it_runs_out(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    give(shop, member, 100, **days_later(shop, 2))
    with work(shop) as uow:
        ledger.hold(uow, member, 60, hold_id=new_id(), expires_at=uow.now + timedelta(days=10))
    assert finance.liability(shop)["points"] == 100
    clock.add(days=5)
    assert finance.liability(shop)["points"] == 60
    clock.add(days=6)
    assert finance.liability(shop)["points"] == 0


def test_points_waiting_for_an_event_are_owed_until_it_can_come_no_more(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    give(
        shop,
        member,
        100,
        available_at=None,
        awaits="delivery",
        cancel_at=shop.service.clock() + timedelta(days=5),
    )
    assert finance.liability(shop)["points"] == 100
    clock.add(days=6)
    assert finance.liability(shop)["points"] == 0


def test_what_members_owe_is_a_receivable_beside_the_liability(shop: Shop) -> None:
    member, other = story.member(shop), story.member(shop)
    earned = give(shop, member, 100)
    give(shop, other, 30)
    burn(shop, member, 100)
    with work(shop) as uow:
        ledger.claw_back(
            uow,
            member,
            40,
            undone=earned,
            lots=[],
            issuer_id=shop.dealer_id,
            policy=DebtPolicy.ARREARS,
            source=finance.source(),
            reason="the order was cancelled",
        )
    owed = finance.liability(shop)
    assert (owed["points"], owed["arrears"]) == (30, 40)
    assert owed["issuers"][0]["arrears"] == 40


# Breakage.


def test_no_breakage_is_estimated_without_history(shop: Shop) -> None:
    give(shop, story.member(shop), 100, **days_later(shop, 400))
    estimate = finance.liability(shop)["breakage"]
    assert (estimate["basis_points"], estimate["reason"]) == (None, "no_finished_vintage")
    assert (estimate["expected"], estimate["after"]) == (None, None)
    assert estimate["before"]["amount_fen"] == 100


def test_breakage_is_what_finished_quarters_let_expire(shop: Shop, clock: TestClock) -> None:
    """100 lots of 10 points: 250 spent, 750 expired; of 1000 outstanding, 200 never expire."""
    member = story.member(shop)
    with work(shop) as uow:
        lasting = finance.terms(
            uow, business_on=date(2024, 5, 1), expires_at=uow.now + timedelta(days=3)
        )
        lots = [Credit(10, shop.dealer_id, lasting) for _ in range(100)]
        ledger.credit(uow, member, lots, source=finance.source())
    burn(shop, member, 250)
    give(shop, member, 800, **days_later(shop, 400))
    give(shop, member, 200)
    assert finance.liability(shop)["breakage"]["reason"] == "no_finished_vintage"
    clock.add(days=4)
    estimate = finance.liability(shop)["breakage"]
    facts = ("rate", "basis_points", "vintages", "lots", "points", "expired", "dated_points")
    assert [estimate[each] for each in facts] == ["0.7500", 7_500, 1, 100, 1_000, 750, 800]
    costs = [estimate[each]["amount_fen"] for each in ("before", "expected", "after")]
    assert costs == [1_000, 600, 400]


# Settlement.


def test_a_burn_elsewhere_is_owed_by_each_issuer_lot_by_lot(shop: Shop) -> None:
    """At the partner: 100 of ours at 1.25 fen, 30 of the OEM's at 0.5; his own settle nothing."""
    member = story.member(shop)
    give(shop, member, 30, issuer=OEM, unit_cost_fen=Decimal("0.5"), **days_later(shop, 1))
    give(shop, member, 8, issuer=PARTNER, **days_later(shop, 2))
    give(shop, member, 60, unit_cost_fen=Decimal("1.25"), **days_later(shop, 3))
    give(shop, member, 60, unit_cost_fen=Decimal("1.25"), **days_later(shop, 4))
    burn(shop, member, 138, at=PARTNER)
    told = {row["debtor_id"]: row for row in finance.statements(shop)}
    assert {row["creditor_id"] for row in told.values()} == {str(PARTNER)}
    assert set(told) == {str(shop.dealer_id), str(OEM)}
    ours, theirs = told[str(shop.dealer_id)], told[str(OEM)]
    assert (ours["points"], ours["cost"]["exact_fen"], ours["lots"]) == (100, "125.0000", 2)
    assert (theirs["points"], theirs["cost"]["amount_fen"], theirs["lots"]) == (30, 15, 1)
    assert (ours["state"], ours["number"]) == ("open", None)
    path = f"/v1/settlements/{ours['id']}/lines"
    first = story.ok(shop.get("auditor", path, limit="1"), 200)
    assert [row["points"] for row in first["items"]] in ([60], [40])
    rest = story.ok(shop.get("auditor", path, limit="1", cursor=first["next_cursor"]), 200)
    lines = first["items"] + rest["items"]
    assert sorted((row["points"], row["exact_fen"]) for row in lines) == [
        (40, "50.0000"),
        (60, "75.0000"),
    ]
    assert {row["kind"] for row in lines} == {"redemption"}
    assert (rest["has_more"], lines[0]["posted_on"]) == (False, f"{finance.today(shop)}")


def test_a_statement_is_rounded_once_for_all_its_lots(shop: Shop) -> None:
    member = story.member(shop)
    for days in (1, 2, 3):
        give(shop, member, 1, unit_cost_fen=Decimal("0.3333"), **days_later(shop, days))
    burn(shop, member, 3, at=PARTNER)
    assert [row["cost"]["amount_fen"] for row in finance.statements(shop)] == [1]


def test_a_burn_cancelled_later_is_corrected_in_the_month_of_its_cancellation(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    give(shop, member, 100, unit_cost_fen=Decimal("1.5"))
    burnt = burn(shop, member, 70, at=PARTNER)
    month = to_next_month(shop, clock)
    closed = story.ok(close(shop, month))
    assert (closed["number"], closed["statements"]) == (f"{month.name}/0001", 1)
    cancel(shop, member, burnt)
    burn(shop, member, 10, at=PARTNER)
    [before], [after] = finance.statements(shop, month), finance.statements(shop)
    assert (before["points"], before["cost"]["amount_fen"]) == (70, 105)
    assert (before["state"], before["number"]) == ("closed", f"{month.name}/0001-01")
    assert (after["points"], after["cost"]["amount_fen"], after["state"]) == (-60, -90, "open")
    assert after["id"] != before["id"]
    path = f"/v1/settlements/{after['id']}/lines"
    lines = story.ok(shop.get("finance", path), 200)["items"]
    assert [(row["kind"], row["points"]) for row in lines] == [
        ("reversal", -70),
        ("redemption", 10),
    ]
    to_next_month(shop, clock)
    again = story.ok(close(shop, month.next))
    assert (again["number"], again["statements"]) == (f"{month.next.name}/0002", 1)
    assert found(shop) == {}


def test_the_id_of_a_statement_outlives_its_close(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    give(shop, member, 10)
    burn(shop, member, 10, at=PARTNER)
    month = finance.this_month(shop)
    [statement] = finance.statements(shop)
    path = f"/v1/settlements/{statement['id']}/lines"
    lines = story.ok(shop.get("finance", path), 200)
    to_next_month(shop, clock)
    story.ok(close(shop, month))
    assert [row["id"] for row in finance.statements(shop, month)] == [statement["id"]]
    assert story.ok(shop.get("finance", path), 200) == lines


# The close.


def test_a_month_is_closed_only_when_no_posting_of_it_can_be_under_way(
    shop: Shop, clock: TestClock
) -> None:
    give(shop, story.member(shop), 10)
    month = finance.this_month(shop)
    early = close(shop, month)
    assert (early.status_code, early.json["code"]) == (409, "month_not_over")
    to_next_month(shop, clock, minutes=9)
    assert close(shop, month).json["code"] == "month_not_over"
    assert int(close(shop, month).headers["Retry-After"]) <= 60
    clock.add(minutes=2)
    assert close(shop, month).status_code == 201


def test_months_are_closed_one_after_the_other_and_each_once(shop: Shop, clock: TestClock) -> None:
    give(shop, story.member(shop), 10)
    first = to_next_month(shop, clock)
    second = to_next_month(shop, clock)
    skipped = close(shop, second)
    assert (skipped.status_code, skipped.json["code"]) == (409, "month_out_of_order")
    assert skipped.json["errors"][0]["params"] == {"due": first.name}
    assert close(shop, first.previous).json["code"] == "month_out_of_order"
    numbers = [story.ok(close(shop, month))["number"] for month in (first, second)]
    assert numbers == [f"{first.name}/0001", f"{second.name}/0002"]
    repeated = close(shop, first)
    assert (repeated.status_code, repeated.json["code"]) == (409, "month_already_closed")
    kept = story.ok(shop.get("auditor", "/v1/month-closes"), 200)["items"]
    assert [(row["number"], row["liability_points"]) for row in kept] == [
        (numbers[0], 10),
        (numbers[1], 10),
    ]


def test_a_dealer_without_postings_closes_the_month_before(shop: Shop) -> None:
    month = finance.this_month(shop).previous
    assert close(shop, month.previous).json["code"] == "month_out_of_order"
    closed = story.ok(close(shop, month))
    assert (closed["number"], closed["statements"]) == (f"{month.name}/0001", 0)


def test_two_people_who_close_a_month_at_once_close_it_once(shop: Shop, clock: TestClock) -> None:
    give(shop, story.member(shop), 10)
    month = to_next_month(shop, clock)
    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(lambda _: close(shop, month), range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    assert found(shop) == {}


class Undone(Exception):
    """Ends a trial that must leave no trace."""


def test_a_posting_smuggled_into_a_closed_month_is_found(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    give(shop, member, 100)
    inside = shop.service.clock()
    month = to_next_month(shop, clock)
    story.ok(close(shop, month))
    assert found(shop) == {}
    with suppress(Undone), work(shop, now=inside) as uow:
        ledger.burn(uow, member, 5, source=finance.source(), honoured_by=PARTNER)
        broken = {each.number for each in prove(uow.session, CHECKS) if each.count}
        raise Undone
    assert broken == {"S1", "S3"}


@pytest.mark.parametrize("name", ["month_close", "month_balance", "settlement"])
def test_what_a_close_wrote_cannot_be_changed_even_by_the_owner_of_the_tables(
    shop: Shop, clock: TestClock, name: str
) -> None:
    member = story.member(shop)
    give(shop, member, 10)
    burn(shop, member, 10, at=PARTNER)
    story.ok(close(shop, to_next_month(shop, clock)))
    engine = create_engine(shop.service.settings.database_url)
    try:
        with engine.connect() as owner, pytest.raises(Exception, match="append-only"):
            owner.execute(
                text(f"DELETE FROM {name} WHERE dealer_id = :dealer"), {"dealer": shop.dealer_id}
            )
    finally:
        engine.dispose()


# The other side.


def test_a_partner_reads_the_closed_statement_he_is_a_party_of(
    shop: Shop, other_shop: Shop, app: Flask, service: Service, clock: TestClock
) -> None:
    third = open_shop(app, service)
    member = story.member(shop)
    give(shop, member, 100)
    burn(shop, member, 40, at=other_shop.dealer_id)
    month = finance.this_month(shop)
    assert finance.statements(other_shop) == []
    to_next_month(shop, clock)
    story.ok(close(shop, month))
    [ours], [theirs] = finance.statements(shop, month), finance.statements(other_shop, month)
    assert ours == theirs
    assert (theirs["dealer_id"], theirs["points"]) == (str(shop.dealer_id), 40)
    path = f"/v1/settlements/{theirs['id']}/lines"
    elsewhere = other_shop.get("finance", path)
    assert (elsewhere.status_code, elsewhere.json["code"]) == (404, "settlement_lines_elsewhere")
    assert finance.statements(third, month) == []
    assert third.get("finance", path).json["code"] == "settlement_not_found"


def test_partners_are_entered_for_both_and_may_be_renamed(shop: Shop, other_shop: Shop) -> None:
    codes = [f"t-{each.dealer_id.hex}" for each in (shop, other_shop)]
    for name in ("南店", "城南店"):
        done = CliRunner().invoke(dealer, ["partner", *codes, "--name", name])
        assert done.exit_code == 0, done.output
    for home, name in ((shop, "城南店"), (other_shop, "测试店")):
        with work(home) as uow:
            rows = uow.session.execute(text("SELECT partner_id, name FROM dealer_partner")).all()
        away = other_shop if home is shop else shop
        assert rows == [(away.dealer_id, name)]
    himself = CliRunner().invoke(dealer, ["partner", codes[0], codes[0]])
    assert (himself.exit_code, "same dealer" in himself.output) == (1, True)


# Files for spreadsheets.


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+8613800138000", "'+8613800138000"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        (" =1", "' =1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠A1", "'＠A1"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("-5", "-5"),
        ("-0.3333", "-0.3333"),
        ("12", "12"),
        ("-5\n", "'-5\n"),
        ("-５", "'-５"),
        ("-1e5", "'-1e5"),
        ("", ""),
        ("洗车", "洗车"),
        ("SO-1", "SO-1"),
    ],
)
def test_no_cell_of_ours_is_run_as_a_formula(cell: str, shown: str) -> None:
    assert inert(cell) == shown
    sent = as_csv(Table("x.csv", ["a", "b"], [[cell, "end"]])).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(sent, newline="")))[1] == [shown, "end"]


def test_a_file_opens_in_a_spreadsheet_with_its_chinese_and_its_line_ends() -> None:
    day = story.instant("2026-11-01T00:00:00+00:00").astimezone(UTC)
    sent = as_csv(Table("x.csv", ["门店", "at"], [['说 "好", 了', day], [None, day.date()]]))
    assert (
        sent
        == ('\ufeff门店,at\r\n"说 ""好"", 了",2026-11-01T00:00:00.000Z\r\n,2026-11-01\r\n').encode()
    )


def test_the_reports_are_files_with_a_name(shop: Shop) -> None:
    member, day = story.member(shop), finance.today(shop)
    give(shop, member, 100, unit_cost_fen=Decimal("1.5"))
    burn(shop, member, 10, at=PARTNER)
    answer = shop.get("auditor", "/v1/exports/trial-balance")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    wanted = f'attachment; filename="trial-balance-{day}.csv"'
    assert answer.headers["Content-Disposition"] == wanted
    assert {row["account"]: row["points"] for row in table(answer)} == {
        "available": "90",
        "issued": "-100",
        "payable": "10",
    }
    [owed] = table(shop.get("finance", "/v1/exports/liability", as_of=f"{day}"))
    assert (owed["quarter"], owed["points"], owed["exact_fen"]) == ("", "90", "135.0000")
    [statement] = finance.statements(shop)
    path = f"/v1/exports/settlement-lines/{statement['id']}"
    [line] = table(shop.get("finance", path))
    assert (line["posted_on"], line["points"], line["exact_fen"]) == (f"{day}", "10", "15.0000")
    assert table(shop.get("finance", path, posted_before=f"{day}")) == []
    later = day + timedelta(days=1)
    assert len(table(shop.get("finance", path, posted_from=f"{day}"))) == 1
    assert table(shop.get("finance", path, posted_from=f"{later}")) == []


def test_a_document_named_like_a_formula_is_harmless_in_the_statement(shop: Shop) -> None:
    member = story.member(shop)
    name = "=cmd|' /C calc'!A0"
    story.earn(shop, member, 5, external_ref={"source": "crm", "id": name})
    burn(shop, member, 2)
    path = f"/v1/exports/statements/{member}"
    rows = table(shop.get("owner", path, subject=member))
    assert [row["points"] for row in rows] == ["-2", "5"]
    assert rows[1]["source_key"] == f"'{name}"
    other = story.member(shop)
    assert shop.get("owner", path, subject=other).status_code == 404


def test_an_export_of_too_many_rows_is_refused_and_says_how_to_narrow(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (spreadsheet, exports):
        monkeypatch.setattr(module, "MOST_ROWS", 2)
    monkeypatch.setattr(exports, "PAGE_ROWS", 1)
    member = story.member(shop)
    path = f"/v1/exports/statements/{member}"
    for _ in range(2):
        give(shop, member, 1)
    assert len(table(shop.get("finance", path))) == 2
    give(shop, member, 1)
    refused = shop.get("finance", path)
    assert (refused.status_code, refused.json["code"]) == (422, "export_too_large")
    assert "posted_from" in refused.json["detail"]


# Whatever happens.

VERBS = st.sampled_from(["give", "give partner", "burn", "burn there", "hold", "cancel", "claw"])


@pytest.fixture(scope="module")
def crowd(app: Flask, service: Service, clock: TestClock) -> Iterator[Shop]:
    clock.reset()
    yield open_shop(app, service)
    clock.reset()


def play(shop: Shop, member: uuid.UUID, verb: str, points: int, burnt: list[uuid.UUID]) -> None:
    """One act, refused or not."""
    with suppress(Conflict, RuleViolation):
        if verb.startswith("give"):
            issuer = PARTNER if "partner" in verb else shop.dealer_id
            give(shop, member, points, issuer=issuer, unit_cost_fen=Decimal("0.3333"))
        elif verb.startswith("burn"):
            burnt.append(burn(shop, member, points, at=PARTNER if "there" in verb else None))
        elif verb == "cancel" and burnt:
            cancel(shop, member, burnt.pop())
        elif verb == "hold":
            with work(shop) as uow:
                until = uow.now + timedelta(days=3)
                ledger.hold(uow, member, points, hold_id=new_id(), expires_at=until)
        elif verb == "claw":
            with work(shop) as uow:
                ledger.claw_back(
                    uow,
                    member,
                    points,
                    undone=new_id(),
                    lots=[],
                    issuer_id=shop.dealer_id,
                    policy=DebtPolicy.ARREARS,
                    source=finance.source(),
                    reason="test",
                )


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(VERBS, st.integers(1, 50)), max_size=8), st.data())
def test_the_books_balance_and_a_past_day_reads_the_same_whatever_comes_after(
    crowd: Shop, clock: TestClock, acts: list[tuple[str, int]], data: st.DataObject
) -> None:
    member, burnt = story.member(crowd), list[uuid.UUID]()
    cut = data.draw(st.integers(0, len(acts)))
    for act in acts[:cut]:
        play(crowd, member, *act, burnt)
    day = f"{finance.today(crowd)}"
    reports = [finance.trial_balance(crowd, as_of=day), finance.liability(crowd, as_of=day)]
    clock.add(days=1)
    for act in acts[cut:]:
        play(crowd, member, *act, burnt)
    again = [finance.trial_balance(crowd, as_of=day), finance.liability(crowd, as_of=day)]
    assert again == reports
    books, owed = finance.trial_balance(crowd), finance.liability(crowd)
    assert books["balanced"] is True
    held = sum(row["points"] for row in books["items"] if row["side"] == "member")
    assert owed["points"] - owed["arrears"] + owed["past_date_points"] == held
