"""Any balance, entry or refusal explained over HTTP (F14, F15), told as stories with dates."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from api.commands.work import unit_of_work
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger, queries
from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop


@contextmanager
def work(shop: Shop) -> Iterator[UnitOfWork]:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        yield uow


def look(shop: Shop, member: uuid.UUID, what: str, **query: str) -> dict[str, Any]:
    """What the member sees of himself."""
    path = f"/v1/members/{member}/{what}"
    return story.ok(shop.get("owner", path, subject=member, **query), 200)


def source() -> ledger.Source:
    return ledger.Source("test", uuid.uuid4().hex)


def promise(shop: Shop, member: uuid.UUID, points: int, **terms: Any) -> uuid.UUID:
    """Pending points, for a number of days or until an event; their posting set."""
    with work(shop) as uow:
        given = {
            "rule_id": "test",
            "rule_version": 3,
            "business_on": uow.today,
            "available_at": None,
            "expires_at": None,
            "unit_cost_fen": Decimal(1),
        }
        made = ledger.Terms(**{**given, **terms})
        posted = ledger.accrue(
            uow, member, points, issuer_id=uow.dealer_id, source=source(), terms=made
        )
    return posted.posting_set_id


def hold(shop: Shop, member: uuid.UUID, points: int, *, hours: int = 2) -> uuid.UUID:
    key = new_id()
    with work(shop) as uow:
        ledger.hold(uow, member, points, hold_id=key, expires_at=uow.now + timedelta(hours=hours))
    return key


def redeem(shop: Shop, member: uuid.UUID, points: int) -> Any:
    body = {"member_id": str(member), "reward_id": story.reward(shop, points=points)}
    return shop.post("owner", "/v1/redemptions", body, subject=member)


def claw_back(shop: Shop, member: uuid.UUID, document: dict[str, Any], points: int) -> None:
    with work(shop) as uow:
        ledger.claw_back(
            uow,
            member,
            points,
            undone=uuid.UUID(document["posting_set_id"]),
            lots=[],
            issuer_id=uow.dealer_id,
            policy=ledger.DebtPolicy.ARREARS,
            source=source(),
            reason="退单",
        )


def test_a_balance_of_a_past_day_is_explained_lot_by_lot(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    first = story.earn(shop, member, 4_000)
    second = story.earn(shop, member, 500)
    spent = story.ok(redeem(shop, member, 290))
    day = story.today(shop)
    clock.add(days=2)
    story.earn(shop, member, 7)
    why = look(shop, member, "balance-explanation", as_of=day)
    assert (why["available"], why["adds_up"], why["lots_in_all"]) == (4_210, True, 2)
    one, other = why["lots"]
    assert [(lot["available"], lot["points"]) for lot in (one, other)] == [
        (3_710, 4_000),
        (500, 500),
    ]
    assert one["origin"] == {
        "posting_set_id": first["posting_set_id"],
        "kind": "accrual",
        "source": "crm",
        "id": first["external_ref"]["id"],
        "document_id": first["id"],
        "document_kind": "service_order",
    }
    assert other["origin"]["document_id"] == second["id"]
    assert [(each["kind"], each["points"]) for each in one["changes"]] == [
        ("accrual", 4_000),
        ("redemption", -290),
    ]
    assert one["changes"][1]["posting_set_id"] == spent["posting_set_id"]
    assert (one["rule_id"], one["rule_version"]) == ("standard_spend", 1)
    assert look(shop, member, "balance-explanation")["available"] == 4_217


def test_an_explanation_of_many_lots_comes_page_by_page(
    shop: Shop, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty.points.queries.explain.MOST_LOTS", 2)
    member = story.member(shop)
    for yuan in range(1, 6):
        story.earn(shop, member, yuan)
    clock.add(minutes=1)
    seen: list[int] = []
    after: dict[str, str] = {}
    as_of = story.now(shop)
    for _ in range(3):
        page = look(shop, member, "balance-explanation", as_of=as_of, **after)
        assert (page["available"], page["lots_in_all"]) == (15, 5)
        seen += [lot["available"] for lot in page["lots"]]
        after = {"after": page["next_after"]}
    assert (sorted(seen), page["next_after"]) == ([1, 2, 3, 4, 5], None)


def test_points_that_were_transferred_name_the_lot_they_came_from(shop: Shop) -> None:
    giver, receiver = story.member(shop), story.member(shop, phone="13900139000")
    story.earn(shop, giver, 100)
    with work(shop) as uow:
        ledger.transfer(uow, from_member=giver, to_member=receiver, points=40, source=source())
    kept = look(shop, giver, "balance-explanation")["lots"][0]
    given = look(shop, receiver, "balance-explanation")["lots"][0]
    assert (given["origin_lot_id"], given["expires_at"]) == (kept["id"], kept["expires_at"])
    assert (given["origin"]["kind"], given["origin"]["document_id"]) == ("transfer_in", None)


def test_books_that_disagree_are_never_explained_away(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as owner:
        wrong = text("UPDATE point_lot SET remaining = remaining - 1 WHERE member_id = :member")
        owner.execute(wrong, {"member": member})
    path = f"/v1/members/{member}/balance-explanation"
    broken = shop.get("auditor", path)
    assert broken.status_code == 200
    assert (broken.json["adds_up"], broken.json["available"]) == (False, 99)
    assert [lot["available"] for lot in broken.json["lots"]] == [100]
    with engine.begin() as owner:
        right = text("UPDATE point_lot SET remaining = remaining + 1 WHERE member_id = :member")
        owner.execute(right, {"member": member})
    engine.dispose()
    assert shop.get("auditor", path).json["adds_up"] is True


def test_the_statement_says_what_moved_between_accounts_and_why(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 100)
    hold(shop, member, 30)
    claw_back(shop, member, document, 90)
    found = look(shop, member, "statement")["items"]
    nothing = {"available": 0, "pending": 0, "held": 0, "arrears": 0}
    assert [(line["kind"], line["points"], line["changes"]) for line in found] == [
        ("clawback", -90, {**nothing, "available": -70, "arrears": 20}),
        ("hold", 0, {**nothing, "available": -30, "held": 30}),
        ("accrual", 100, {**nothing, "available": 100}),
    ]
    assert (found[0]["reason"], found[0]["reverses"]) == ("退单", document["posting_set_id"])
    assert [line["document_id"] for line in found] == [None, None, document["id"]]
    assert [(lot["account"], lot["points"]) for lot in found[1]["lots"]] == [
        ("available", -30),
        ("held", 30),
    ]


def test_the_statement_is_cut_by_day_by_kind_and_by_moment(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    days = []
    for yuan in (100, 200, 300):
        story.earn(shop, member, yuan)
        days.append(story.today(shop))
        clock.add(days=1)
    story.ok(redeem(shop, member, 50))

    def points(**query: str) -> list[int]:
        return [line["points"] for line in look(shop, member, "statement", **query)["items"]]

    assert points() == [-50, 300, 200, 100]
    assert points(posted_from=days[1]) == [-50, 300, 200]
    assert points(posted_from=days[1], posted_before=days[2]) == [200]
    assert points(kind="redemption") == [-50]
    assert points(as_of=days[1]) == [200, 100]
    assert points(as_of=days[2], kind="redemption") == []
    first = look(shop, member, "statement", as_of=days[1], limit="1")
    rest = look(shop, member, "statement", as_of=days[1], limit="1", cursor=first["next_cursor"])
    assert [line["points"] for line in rest["items"]] == [100]
    bad = shop.get("owner", f"/v1/members/{member}/statement", subject=member, kind="gift")
    assert (bad.status_code, bad.json["errors"][0]["code"]) == (422, "field_choice")


def test_a_posting_shows_both_sides_its_rules_and_what_undid_it(shop: Shop) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 100)
    spent = story.ok(redeem(shop, member, 60))["posting_set_id"]
    with work(shop) as uow:
        undoing = ledger.restore(uow, member, uuid.UUID(spent), reason="取消").posting_set_id
    found = look(shop, member, f"postings/{spent}")
    assert [(e["side"], e["account"], e["points"]) for e in found["entries"]] == [
        ("member", "available", -60),
        ("programme", "redeemed", 60),
    ]
    assert found["reversed_by"] == [str(undoing)]
    assert [(lot["rule_id"], lot["points"]) for lot in found["lot_facts"]] == [
        ("standard_spend", 100)
    ]
    back = look(shop, member, f"postings/{undoing}")
    assert (back["reverses"], back["reason"]) == (spent, "取消")
    earned = look(shop, member, f"postings/{document['posting_set_id']}")
    assert (earned["document_id"], earned["actor_role"]) == (document["id"], "crm")


def test_an_owner_is_told_the_role_of_who_acted_and_not_the_person(shop: Shop) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 100)
    path = f"/v1/members/{member}/postings/{document['posting_set_id']}"
    mine = shop.get("owner", path, subject=member).json
    theirs = shop.get("auditor", path).json
    assert (mine["actor_role"], mine["actor_id"]) == ("crm", None)
    assert theirs["actor_id"]
    stranger = shop.get("owner", path, subject=story.member(shop, phone="13900139000"))
    assert (stranger.status_code, stranger.json["code"]) == (404, "member_not_found")
    missing = shop.get("auditor", f"/v1/members/{member}/postings/{uuid.uuid4()}")
    assert (missing.status_code, missing.json["code"]) == (404, "posting_not_found")


def test_the_schedule_says_the_last_usable_day_and_what_is_held_or_pending(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    hold(shop, member, 30)
    with work(shop) as uow:
        in_ten_days = uow.now + timedelta(days=10)
    promise(shop, member, 8, available_at=in_ten_days)
    dated, never = look(shop, member, "expiry-schedule")["items"]
    split = [
        (row["points"], row["available"], row["pending"], row["held"]) for row in (dated, never)
    ]
    assert split == [(100, 70, 0, 30), (8, 0, 8, 0)]
    gone_on = story.instant(f"{dated['expires_on']}T00:00:00+08:00")
    assert story.instant(dated["expires_at"]) == gone_on
    assert dated["last_usable_on"] == (gone_on - timedelta(days=1)).date().isoformat()
    assert (never["expires_at"], never["expires_on"], never["last_usable_on"]) == (None, None, None)


def test_the_schedule_opens_with_nothing_overdue(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100, occurred_on="2025-01-15")
    story.earn(shop, member, 40)
    first, second = look(shop, member, "expiry-schedule")["items"]
    assert (first["points"], second["points"]) == (100, 40)
    hold(shop, member, 10, hours=24 * 200)
    gone = story.instant(first["expires_at"]) - clock()
    clock.add(seconds=gone.total_seconds() + 1)
    assert [row["points"] for row in look(shop, member, "expiry-schedule")["items"]] == [40]
    seen = look(shop, member, "balance")
    assert (seen["available"], seen["held"]) == (40, 10)
    assert seen["next_expiry"] == second


def test_a_refusal_is_explained_by_the_numbers_it_was_refused_with(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    held = hold(shop, member, 30)
    promise(shop, member, 25, awaits="car_delivered")
    refused = redeem(shop, member, 71).json["errors"][0]["params"]
    why = look(shop, member, "spendability", points="71")
    assert refused == {"spendable": why["available"], "needed": why["points"]}
    assert (why["can_spend"], why["missing"]) == (False, 1)
    pending, kept = why["withheld"]
    assert (pending["kind"], pending["points"], pending["awaits"]) == (
        "pending",
        25,
        "car_delivered",
    )
    assert (kept["kind"], kept["points"], kept["hold_id"]) == ("held", 30, str(held))
    assert look(shop, member, "spendability", points="70")["can_spend"] is True
    assert redeem(shop, member, 70).status_code == 201


def test_what_is_owed_and_what_is_frozen_stand_in_the_way_of_spending(shop: Shop) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 100)
    story.ok(redeem(shop, member, 60))
    claw_back(shop, member, document, 90)
    why = look(shop, member, "spendability")
    assert [(each["kind"], each["points"]) for each in why["withheld"]] == [("arrears", 50)]
    story.earn(shop, member, 80)
    with work(shop) as uow:
        ledger.set_frozen(uow, member, frozen=True)
    why = look(shop, member, "spendability", points="30")
    assert (why["available"], why["can_spend"], why["missing"]) == (30, False, 0)
    assert [(each["kind"], each["points"]) for each in why["withheld"]] == [("frozen", 30)]
    assert look(shop, member, "balance")["frozen"] is True
    assert redeem(shop, member, 30).json["code"] == "account_frozen"


@pytest.mark.parametrize("points", ["0", "10000001", "1.5", "-3", "１", "x"])
def test_a_number_of_points_that_makes_no_sense_is_refused(shop: Shop, points: str) -> None:
    path = f"/v1/members/{story.member(shop)}/spendability"
    answer = shop.get("crm", path, points=points)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "field_range")


def test_arrears_that_time_would_settle_are_told_as_settled(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 100)
    with work(shop) as uow:
        tomorrow = uow.now + timedelta(days=1)
    promise(shop, member, 80, available_at=tomorrow)
    story.ok(redeem(shop, member, 60))
    claw_back(shop, member, document, 90)
    owing = look(shop, member, "balance")
    assert (owing["available"], owing["pending"], owing["arrears"]) == (0, 80, 50)
    clock.add(days=2)
    settled = look(shop, member, "balance-explanation")
    assert (settled["available"], settled["pending"], settled["arrears"]) == (30, 0, 0)
    assert [(lot["available"], lot["settles"]) for lot in settled["lots"]] == [(30, 50)]


def test_the_present_balance_is_one_statement_that_reads_nothing_of_the_past(shop: Shop) -> None:
    member = story.member(shop)
    with work(shop) as uow:
        for _ in range(60):
            terms = ledger.Terms("test", 1, uow.today, uow.now, None, Decimal(1))
            ledger.accrue(uow, member, 1, issuer_id=uow.dealer_id, source=source(), terms=terms)
            ledger.burn(uow, member, 1, source=source())
    story.earn(shop, member, 5)
    asked: list[tuple[str, Any]] = []
    with work(shop) as uow:
        connection = uow.session.connection()
        event.listen(connection, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        assert queries.balance(uow, member).available == 5
        [(statement, given)] = asked
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        plan = connection.exec_driver_sql(explain, given).scalar_one()[0]["Plan"]
    read = {node["Relation Name"]: rows_read(node) for node in scans(plan)}
    assert read["point_lot"] <= 1
    assert "posting_set" not in read


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that read a table."""
    if "Relation Name" in node:
        yield node
    for inner in node.get("Plans", ()):
        yield from scans(inner)


def rows_read(node: dict[str, Any]) -> int:
    found = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(found * node["Actual Loops"])
