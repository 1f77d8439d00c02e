"""What documents earn by the dealer's rules: stories of a member's year, and races for caps."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from api.commands.feed import import_file
from api.commands.work import unit_of_work
from kernel.database import owner_session
from loyalty.dealers.roles import Role
from loyalty.earning.opening import OpeningBalance, take_opening
from loyalty.points.proof import prove
from tests.loyalty.test_races import at_once
from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import account, day, earned, line, survey, why
from tests.support.shop import Shop, hire

GOLD_DOUBLE = {
    "kinds": ["service_order"],
    "tiers": ["gold"],
    "campaign": "SPRING-26",
    "award": {"multiplier_percent": 200},
}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def no_proof_is_broken(shop: Shop) -> bool:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return [finding.says for finding in prove(session) if finding.count] == []


def test_each_payer_and_job_earns_by_its_own_rule(shop: Shop) -> None:
    member = story.member(shop)
    earning.spend_rule(
        shop,
        "bodywork",
        payers=["insurer"],
        job_types=["bodywork"],
        award={"per_yuan": {"points": 1, "per_fen": 1000}},
    )
    parts = [line(600), line(900, "insurer", "bodywork"), line(100, "insurer", "repair")]
    document = earned(shop, member, *parts, line(300, "warranty"))
    assert {each["rule_id"]: each["points"] for each in document["grants"]} == {
        "bodywork": 90,
        "standard_spend": 600,
    }
    assert (document["points"], document["rule_id"], document["rule_version"]) == (690, None, None)
    assert account(shop, member)["available"] == 690


def test_the_only_rule_that_gave_points_is_named_on_document_and_statement(shop: Shop) -> None:
    member = story.member(shop)
    document = earned(shop, member, line(128))
    assert (document["rule_id"], document["rule_version"]) == ("standard_spend", 1)
    entry = earning.statement(shop, member)[0]
    assert entry["id"] == document["posting_set_id"]
    assert entry["lots"][0]["lot_id"] == document["grants"][0]["lot_id"]


def test_the_spring_campaign_doubles_gold_until_the_members_cap_and_the_dealers_budget(
    shop: Shop,
) -> None:
    caps = {"per_member": {"points": 500, "period": "month"}, "budget": 700}
    rule = earning.rule(shop, "spring", GOLD_DOUBLE | {"caps": caps})
    gold, other, plain = (story.member(shop, phone=f"1380013800{n}") for n in range(3))
    for each in (gold, other):
        earning.tier(shop, each, "gold")
    spring = {"campaign": "SPRING-26"}
    assert earned(shop, gold, line(300), **spring)["points"] == 600
    capped = earned(shop, gold, line(300), **spring)
    assert [(each["points"], each["limited_by"]) for each in capped["grants"]] == [
        (200, "per_member"),
        (300, None),
    ]
    assert why(earned(shop, gold, line(300), **spring))["spring"] == "cap_member"
    assert why(earned(shop, plain, line(300), **spring))["spring"] == "tier"
    assert why(earned(shop, other, line(300)))["spring"] == "campaign"
    last = earned(shop, other, line(300), **spring)
    assert last["grants"][0] == last["grants"][0] | {"points": 200, "limited_by": "budget"}
    assert why(earned(shop, other, line(300), **spring))["spring"] == "cap_budget"
    shown = story.ok(shop.get("finance", f"/v1/earning-rules/{rule['id']}"), 200)
    assert (shown["granted"], shown["body"]["caps"]["budget"]) == (700, 700)


def test_the_tier_and_the_car_are_those_of_the_business_day(shop: Shop) -> None:
    member = story.owner(shop)
    earning.tier(shop, member, "silver", day(shop, -30))
    earning.tier(shop, member, "gold", day(shop, -10))
    earning.flat_rule(shop, "gold-survey", 50, tiers=["gold"])
    early = survey(shop, member, occurred_on=day(shop, -20), vin=story.SAGITAR["vin"])
    assert (early["facts"], early["points"]) == ({"tier": "silver", "model": "速腾"}, 0)
    later = survey(shop, member, vin="LSVWY4180KN246094")
    assert (later["facts"], later["points"]) == ({"tier": "gold", "model": None}, 50)
    answer = shop.post(
        "crm", "/v1/documents", earning.paper(shop, member, line(1), vin="LFV2A21K9A3000001")
    )
    assert answer.json is not None
    assert (answer.json["errors"][0]["pointer"], *code(answer)) == ("/vin", 422, "vin_check_digit")


def test_a_wash_for_one_model_only(shop: Shop) -> None:
    member = story.owner(shop)
    earning.flat_rule(shop, "sagitar", 30, models=["速腾"])
    assert survey(shop, member, vin=story.SAGITAR["vin"])["points"] == 30
    assert why(survey(shop, member))["sagitar"] == "model"


def test_points_pending_for_two_weeks_are_spendable_then_without_any_job(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    earning.spend_rule(shop, pending={"days": 14})
    document = earned(shop, member, line(100))
    assert [each["pending"] for each in document["grants"]] == [True]
    before = account(shop, member)
    assert (before["available"], before["pending"]) == (0, 100)
    reward = story.reward(shop, points=100)
    body = {"member_id": str(member), "reward_id": reward}
    clock.add(days=13)
    early = shop.post("owner", "/v1/redemptions", body, subject=member)
    assert code(early) == (409, "insufficient_points")
    clock.add(days=1)
    assert account(shop, member)["available"] == 100
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))


def test_points_wait_for_the_delivery_and_are_cancelled_if_it_never_comes(
    shop: Shop, clock: TestClock
) -> None:
    pending = {"event": "car_delivered", "cancel_after_days": 60}
    deposit = {"kinds": ["car_purchase"], "payers": ["warranty"], "award": {"flat": 500}}
    earning.rule(shop, "deposit", deposit | {"pending": pending})
    member = story.member(shop)
    first, second = (
        earned(shop, member, line(10_000, "warranty"), kind="car_purchase") for _ in range(2)
    )
    path = f"/v1/documents/{first['id']}/activations"
    assert code(shop.post("crm", path, {"event": "car_sold"})) == (409, "nothing_pending")
    done = story.ok(shop.post("crm", path, {"event": "car_delivered"}))
    assert (done["available"], account(shop, member)["pending"]) == (500, 500)
    assert code(shop.post("crm", path, {"event": "car_delivered"})) == (409, "nothing_pending")
    clock.add(days=61)
    late = shop.post("crm", f"/v1/documents/{second['id']}/activations", {"event": "car_delivered"})
    assert code(late) == (409, "nothing_pending")
    assert account(shop, member)["available"] == 500
    earned(shop, member, line(1), kind="survey")
    assert no_proof_is_broken(shop)


def test_a_second_survey_within_the_cooldown_earns_nothing_on_either_side(
    shop: Shop, clock: TestClock
) -> None:
    """Documents come late and in any order; the days are counted from the rule's first one."""
    member = story.member(shop)
    earning.flat_rule(shop, "survey", 50, cooldown_days=30)
    first = {n: day(shop, n) for n in range(80)}
    clock.add(days=80)
    expected = {31: 50, 51: 0, 62: 50, 71: 0, 1: 0, 0: 50}
    got = {n: survey(shop, member, occurred_on=first[n])["points"] for n in expected}
    assert got == expected


def test_a_birthday_needs_no_lines_and_a_service_order_does(shop: Shop) -> None:
    member = story.member(shop)
    earning.rule(shop, "birthday", {"kinds": ["birthday"], "award": {"flat": 88}})
    assert earned(shop, member, kind="birthday")["points"] == 88
    answer = shop.post("crm", "/v1/documents", earning.paper(shop, member))
    assert code(answer) == (422, "lines_missing")


def test_a_document_is_explained_to_whoever_may_see_it_and_never_shows_the_vin(
    shop: Shop,
) -> None:
    member = story.owner(shop)
    document = earned(shop, member, line(80, job="maintenance"), vin=story.SAGITAR["vin"])
    path = f"/v1/documents/{document['id']}"
    for role in ("finance", "auditor", "duty_manager"):
        assert story.ok(shop.get(role, path), 200) == document
    mine = shop.get("owner", path, subject=member)
    assert (mine.status_code, story.SAGITAR["vin"] in mine.text) == (200, False)
    assert document["considered"] == [
        {
            "rule_id": "standard_spend",
            "rule_version": 1,
            "applied": True,
            "reason": None,
            "raw": 80,
            "points": 80,
        }
    ]
    neighbour = story.member(shop, phone="13900139000")
    assert code(shop.get("owner", path, subject=neighbour)) == (404, "document_not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"vin": "LSVWY4180KN246094"},
        {"campaign": "S-2"},
        {"lines": [line(10, job="wash")]},
        {"vin": None},
    ],
)
def test_a_document_told_again_with_another_car_job_or_campaign_is_refused(
    shop: Shop, change: dict[str, Any]
) -> None:
    member = story.member(shop)
    facts = {"vin": story.SAGITAR["vin"], "campaign": "S-1"}
    body = earning.paper(shop, member, line(10, job="repair"), **facts)
    first = story.ok(shop.post("crm", "/v1/documents", body))
    assert story.ok(shop.post("crm", "/v1/documents", body), 200) == first
    answer = shop.post("crm", "/v1/documents", body | change)
    assert code(answer) == (409, "document_changed")


@pytest.mark.parametrize("source", ["redemption", "Reversal", "hold", "clawback"])
def test_a_document_cannot_pass_for_a_posting_of_the_service(shop: Shop, source: str) -> None:
    member = story.member(shop)
    body = earning.paper(shop, member, line(10), external_ref={"source": source, "id": "1"})
    assert code(shop.post("crm", "/v1/documents", body)) == (422, "source_reserved")


def test_of_16_documents_at_once_a_budget_for_five_pays_five(shop: Shop) -> None:
    rule = earning.flat_rule(shop, "first-five", 100, caps={"budget": 500})
    members = [story.member(shop, phone=f"138001380{n:02}") for n in range(16)]

    def send(number: int) -> int:
        return int(survey(shop, members[number])["points"])

    assert at_once(16, send) == {100: 5, 0: 11}
    assert story.ok(shop.get("finance", f"/v1/earning-rules/{rule['id']}"), 200)["granted"] == 500
    assert no_proof_is_broken(shop)


def test_the_rest_of_a_budget_is_given_to_one_and_never_twice(shop: Shop) -> None:
    earning.flat_rule(shop, "a-first", 70, caps={"budget": 100})
    earning.flat_rule(shop, "b-second", 60, caps={"budget": 100})
    members = [story.member(shop, phone=f"138001380{n:02}") for n in range(8)]
    seen = at_once(8, lambda number: int(survey(shop, members[number])["points"]))
    assert sum(points * times for points, times in seen.items()) == 200


def test_16_documents_of_one_member_at_once_never_pass_his_cap(shop: Shop) -> None:
    cap = {"per_member": {"points": 250, "period": "day"}}
    earning.flat_rule(shop, "daily", 100, caps=cap)
    member = story.member(shop)
    assert at_once(16, lambda _: int(survey(shop, member)["points"])) == {100: 2, 50: 1, 0: 13}
    assert account(shop, member)["available"] == 250


def test_one_reference_told_of_two_members_at_once_earns_for_one(shop: Shop) -> None:
    members = [story.member(shop, phone=f"138001380{n:02}") for n in range(8)]
    reference = {"source": "dms", "id": uuid.uuid4().hex}

    def send(number: int) -> int:
        body = earning.paper(shop, members[number], line(10), external_ref=reference)
        return shop.post("crm", "/v1/documents", body).status_code

    assert at_once(8, send) == {201: 1, 409: 7}
    assert sum(account(shop, member)["available"] for member in members) == 10
    assert no_proof_is_broken(shop)


def test_a_dry_run_tells_what_a_draft_would_give_and_changes_nothing(shop: Shop) -> None:
    member = story.member(shop)
    earning.tier(shop, member, "gold")
    draft = earning.draft(shop, "spring", GOLD_DOUBLE)
    body = earning.paper(shop, member, line(100), campaign="SPRING-26")
    plain = story.ok(shop.post("dealer_admin", "/v1/earning-dry-runs", body), 200)
    tried = story.ok(
        shop.post("finance", "/v1/earning-dry-runs", body | {"rule_ids": [draft["id"]]}), 200
    )
    assert (plain["points"], tried["points"]) == (100, 200)
    assert why(tried) == {"spring": None, "standard_spend": None}
    assert tried["facts"] == {"tier": "gold", "model": None}
    assert (account(shop, member)["available"], earning.statement(shop, member)) == (0, [])
    story.ok(shop.post("crm", "/v1/documents", body))
    unknown = body | {"rule_ids": [str(uuid.uuid4())]}
    assert code(shop.post("finance", "/v1/earning-dry-runs", unknown)) == (404, "rule_not_found")


def test_tiers_are_listed_the_latest_word_first(shop: Shop) -> None:
    member = story.member(shop)
    earning.tier(shop, member, "silver", day(shop, -30))
    earning.tier(shop, member, "gold")
    path = f"/v1/members/{member}/tiers"
    found = story.ok(shop.get("owner", path, subject=member), 200)["items"]
    assert [(each["tier"], each["since_on"]) for each in found] == [
        ("gold", day(shop)),
        ("silver", day(shop, -30)),
    ]
    assert {each["set_by"] for each in found} == {None}
    staff = story.ok(shop.get("dealer_admin", path), 200)["items"]
    assert {each["set_by"] for each in staff} == {str(shop.people["dealer_admin"])}
    bad = {"member_id": str(member), "tier": "Gold!", "since_on": day(shop), "reason": "x"}
    assert code(shop.post("crm", "/v1/tier-assignments", bad)) == (422, "tier_invalid")


def test_nobody_gives_himself_a_tier(shop: Shop) -> None:
    member = story.member(shop)
    me = hire(shop, "dealer_admin", phone="13800138000")
    body = {"member_id": str(member), "tier": "gold", "since_on": day(shop), "reason": "年度评定"}
    refused = shop.post("dealer_admin", "/v1/tier-assignments", body, subject=me)
    assert code(refused) == (403, "own_account")
    path = f"/v1/members/{member}/tiers"
    assert story.ok(shop.get("dealer_admin", path), 200)["items"] == []
    story.ok(shop.post("crm", "/v1/tier-assignments", body))


def opening(shop: Shop, member: uuid.UUID, **facts: Any) -> tuple[int, bool]:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.CRM, client="import") as uow:
        first, ends = uow.today.replace(day=1), uow.today.replace(year=uow.today.year + 1)
        balance: dict[str, Any] = {
            "balance_id": "OB-1",
            "points": 1200,
            "business_on": first,
            "expires_on": ends,
        }
        told = OpeningBalance(source="old", member_id=member, **balance | facts)
        view, new = take_opening(uow, told)
        return view.points, new


def test_an_opening_balance_keeps_its_dates_and_is_taken_once(shop: Shop) -> None:
    member = story.member(shop)
    assert opening(shop, member) == (1200, True)
    assert opening(shop, member) == (1200, False)
    assert opening(shop, member, balance_id="OB-2", points=300, expires_on=None) == (300, True)
    path = f"/v1/members/{member}/expiry-schedule"
    schedule = story.ok(shop.get("owner", path, subject=member), 200)["items"]
    ends = f"{int(day(shop)[:4]) + 1}{day(shop)[4:]}"
    assert [(each["expires_on"], each["points"]) for each in schedule] == [
        (ends, 1200),
        (None, 300),
    ]
    newest, _ = earning.statement(shop, member)
    assert (newest["kind"], newest["source"], newest["rule_id"]) == (
        "opening",
        "old",
        "opening_balance",
    )
    assert no_proof_is_broken(shop)


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        ({"points": 1201}, "document_changed"),
        ({"expires_on": None}, "document_changed"),
        ({"balance_id": "OB-9", "points": 0}, "points_out_of_range"),
        ({"member_id": uuid.UUID(int=7)}, "member_not_found"),
    ],
)
def test_an_opening_balance_that_is_another_or_none_is_refused(
    shop: Shop, facts: dict[str, Any], refused: str
) -> None:
    member = story.member(shop)
    opening(shop, member)
    with pytest.raises(Exception, match=refused):
        opening(shop, **{"member": facts.pop("member_id", member)} | facts)
    assert account(shop, member)["available"] == 1200


def test_a_file_of_opening_balances_is_imported_row_by_row(shop: Shop, tmp_path: Path) -> None:
    person = {"external_ref": {"source": "old", "id": "M-1"}, **story.ZHANG_SAN}
    member = uuid.UUID(story.ok(shop.post("crm", "/v1/members", person))["id"])
    rows = [
        "member_external_id,balance_id,points,business_on,expires_on",
        "M-1,OB-1,1200,2025-03-31,2029-04-01",
        "M-1,OB-2,300,2025-03-31,",
        "M-1,OB-2,300,2025-03-31,",
        "M-1,OB-2,301,2025-03-31,",
        "M-2,OB-3,10,2025-03-31,",
    ]
    file = tmp_path / "balances.csv"
    file.write_text("\n".join(rows), "utf-8")
    summary = import_file(
        shop.service, kind="balances", file=file, dealer=str(shop.dealer_id), source="old"
    )
    assert (summary.new, summary.known, summary.failed) == (2, 1, 2)
    assert account(shop, member)["available"] == 1500
