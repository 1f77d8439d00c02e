"""Benefits over HTTP, as members and the desk live with them."""

import uuid
from typing import Any

import pytest

from tests.support import benefits, earning, story, tiers
from tests.support.benefits import (
    LOUNGE,
    WASH,
    at,
    benefit,
    counts,
    end,
    go_to,
    golden,
    left,
    reserved,
    used,
)
from tests.support.clock import TestClock
from tests.support.counter import befriend, code_of, outcome, show
from tests.support.shop import Shop


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_gold_member_has_twelve_washes_a_year_and_carries_two_over(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-01-10")
    benefit(shop, "wash", WASH | {"carry_over": {"most": 2, "valid_days": 90}})
    member = golden(shop)
    assert counts(shop, member) == {"wash": [12]}
    for _ in range(9):
        used(shop, member, "wash")
    assert counts(shop, member) == {"wash": [3]}
    go_to(shop, clock, "2027-12-31", 23.9)
    assert counts(shop, member) == {"wash": [3]}
    go_to(shop, clock, "2028-01-01", 0)
    assert counts(shop, member) == {"wash": [2, 12]}
    used(shop, member, "wash")
    assert counts(shop, member) == {"wash": [1, 12]}
    go_to(shop, clock, "2028-03-31", 0)
    assert counts(shop, member) == {"wash": [12]}
    for _ in range(12):
        used(shop, member, "wash")
    refused = benefits.ask(shop, member, "wash", "service_desk")
    assert problem(refused) == (409, "benefit_used_up")
    assert counts(shop, member) == {"wash": [0]}


def test_two_lounges_a_year_one_lost_by_a_no_show(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefits.supplier(shop)
    benefit(shop, "lounge", LOUNGE)
    member = golden(shop)
    assert problem(benefits.ask(shop, member, "lounge")) == (422, "appointment_needed")
    first = reserved(shop, member, "lounge", appointment_at=at(shop, "2027-03-05"))
    assert (first["state"], counts(shop, member)) == ("reserved", {"lounge": [1]})
    assert problem(end(shop, first, "no-shows")) == (409, "appointment_not_passed")
    go_to(shop, clock, "2027-03-06", 23.9)
    assert benefits.usages(shop, member)[0]["state"] == "reserved"
    go_to(shop, clock, "2027-03-07", 0)
    gone = benefits.usages(shop, member)[0]
    assert (gone["state"], gone["end_reason"], gone["reserved_by"]) == ("no_show", "time", None)
    assert problem(end(shop, first, "uses")) == (409, "reservation_ended")
    [lot] = left(shop, member)
    assert (lot["granted"], lot["left"], lot["used"], lot["lapsed"]) == (2, 1, 0, 1)
    second = reserved(shop, member, "lounge", appointment_at=at(shop, "2027-03-08"), place="T3")
    go_to(shop, clock, "2027-03-08", 11)
    mine = end(shop, second, "releases", "owner", member)
    assert problem(mine) == (409, "appointment_passed")
    done = story.ok(end(shop, second, "uses"))
    assert (done["state"], done["place"]) == ("used", "T3")
    assert counts(shop, member) == {"lounge": [0]}


def test_a_no_show_that_returns_leaves_the_unit(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    member = golden(shop)
    usage = reserved(shop, member, "wash", appointment_at=at(shop, "2027-03-01", 11))
    go_to(shop, clock, "2027-03-01", 11)
    told = story.ok(end(shop, usage, "no-shows"))
    assert (told["state"], told["end_reason"]) == ("no_show", "by_hand")
    assert counts(shop, member) == {"wash": [12]}


def test_pick_up_is_unlimited(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "pick_up", WASH | {"quota": {"gold": None}, "name_zh": "上门取送车"})
    member = golden(shop)
    for _ in range(3):
        used(shop, member, "pick_up")
    [lot] = left(shop, member)
    assert (lot["granted"], lot["left"], lot["used"]) == (None, None, 3)
    go_to(shop, clock, "2028-01-01")
    benefits.night(shop)
    [lot] = left(shop, member)
    assert (lot["left"], lot["used"]) == (None, 0)


def sold(shop: Shop, member: uuid.UUID, until: str) -> None:
    car = story.SAGITAR | {"owned_until": until}
    body = {"member_id": str(member), **car}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", body))


def test_the_first_owners_right_ends_with_the_sale_of_his_car(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    right = {"bound_to": "vehicle", "first_owner_only": True, "period": "ownership"}
    benefit(shop, "inspection", WASH | right | {"quota": {"gold": 3}})
    first = story.owner(shop)
    earning.tier(shop, first, "gold")
    [lot] = left(shop, first)
    assert (lot["left"], lot["valid_until"], lot["origin"]) == (3, None, "tier")
    used(shop, first, "inspection", vehicle_id=lot["vehicle_id"])
    near = reserved(shop, first, "inspection", appointment_at=at(shop, "2027-03-09"))
    far = reserved(shop, first, "inspection", appointment_at=at(shop, "2027-03-10"))
    go_to(shop, clock, "2027-03-09", 8)
    assert counts(shop, first) == {"inspection": [0]}
    sold(shop, first, "2027-03-10")
    assert counts(shop, first) == {"inspection": [1]}
    told = {each["id"]: each for each in benefits.usages(shop, first)}
    assert (told[far["id"]]["state"], told[far["id"]]["end_reason"]) == (
        "released",
        "vehicle_sold",
    )
    assert told[near["id"]]["state"] == "reserved"
    go_to(shop, clock, "2027-03-10", 0)
    assert counts(shop, first) == {}
    assert problem(end(shop, near, "uses")) == (409, "reservation_ended")
    second = story.member(shop, name="李四", phone="13900139000")
    earning.tier(shop, second, "gold")
    bought = story.SAGITAR | {"owned_from": "2027-03-10"}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(second), **bought}))
    assert counts(shop, second) == {}
    assert problem(benefits.ask(shop, second, "inspection")) == (404, "benefit_not_found")


def bought(shop: Shop, member: uuid.UUID, day: str) -> None:
    body = {"member_id": str(member), **story.SAGITAR, "owned_from": day}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", body))


def test_the_buyer_who_is_told_first_ends_the_rights_of_the_seller(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    right = {"bound_to": "vehicle", "quota": {"gold": 3}}
    benefit(shop, "inspection", WASH | right | {"first_owner_only": True})
    benefit(shop, "care", WASH | right)
    seller, buyer = golden(shop), golden(shop, phone="13900139000")
    bought(shop, seller, "2024-05-01")
    used(shop, seller, "inspection")
    assert counts(shop, seller) == {"care": [3], "inspection": [2]}
    bought(shop, buyer, "2027-03-11")
    go_to(shop, clock, "2027-03-10", 23)
    assert counts(shop, seller) == {"care": [3], "inspection": [2]}
    go_to(shop, clock, "2027-03-11", 0)
    assert (counts(shop, seller), counts(shop, buyer)) == ({}, {"care": [3]})
    assert problem(benefits.ask(shop, seller, "care")) == (404, "benefit_not_found")
    assert [benefits.night(shop).members for _ in range(2)] == [1, 0]
    assert (counts(shop, seller), counts(shop, buyer)) == ({}, {"care": [3]})


def test_who_bought_a_car_together_on_one_day_both_keep_their_rights(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "care", WASH | {"bound_to": "vehicle", "quota": {"gold": 3}})
    one, other = golden(shop), golden(shop, phone="13900139000")
    for each in (one, other):
        bought(shop, each, "2024-05-01")
    assert counts(shop, one) == counts(shop, other) == {"care": [3]}


def test_a_member_with_two_cars_says_for_which(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH | {"bound_to": "vehicle"})
    member = story.owner(shop)
    earning.tier(shop, member, "gold")
    golf = story.golf(shop, 5) | {"owned_from": "2027-02-01"}
    car = {name: value for name, value in golf.items() if not name.startswith("invoice")}
    body = {"member_id": str(member), **car}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", body))
    assert counts(shop, member) == {"wash": [12, 12]}
    assert problem(benefits.ask(shop, member, "wash")) == (422, "vehicle_needed")
    mine = left(shop, member)[0]["vehicle_id"]
    assert reserved(shop, member, "wash", vehicle_id=mine)["vehicle_id"] == mine
    assert sorted(each or 0 for each in counts(shop, member)["wash"]) == [11, 12]


def statement(shop: Shop, which: str, month: str) -> list[tuple[Any, ...]]:
    found = story.ok(shop.get("finance", f"/v1/{which}-statements", month=month), 200)
    who = "supplier" if which == "supplier" else "partner_id"
    rows = found["items"]
    assert found["amount"]["amount_fen"] == sum(row["amount"]["amount_fen"] for row in rows)
    return [(row[who], row["units"], row["amount"]["amount_fen"]) for row in rows]


def test_suppliers_and_partners_are_owed_for_what_they_gave(
    shop: Shop, other_shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-30")
    benefits.supplier(shop)
    benefit(shop, "lounge", LOUNGE | {"quota": {"gold": 9}, "partner_fen": 8_000})
    member, partner = golden(shop), other_shop.dealer_id
    befriend(shop, other_shop)
    soon = {"appointment_at": at(shop, "2027-03-30", 12)}
    first, second = (used(shop, member, "lounge", **soon) for _ in range(2))
    away = reserved(shop, member, "lounge", **soon)
    code = code_of(shop, away, member)
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"
    assert benefits.usages(shop, member)[0]["honoured_by"] == str(partner)
    assert statement(shop, "supplier", "2027-03") == [("lounge", 2, 24_000)]
    assert statement(shop, "partner-benefit", "2027-03") == [(str(partner), 1, 8_000)]
    go_to(shop, clock, "2027-04-02")
    for usage in (first, away):
        story.ok(end(shop, usage, "reversals", "duty_manager", reason="登记有误"))
    assert statement(shop, "supplier", "2027-03") == [("lounge", 2, 24_000)]
    assert statement(shop, "supplier", "2027-04") == [("lounge", -1, -12_000)]
    assert statement(shop, "partner-benefit", "2027-04") == [(str(partner), -1, -8_000)]
    assert problem(end(shop, first, "reversals", reason="再次")) == (409, "benefit_not_used")
    go_to(shop, clock, "2027-04-07")
    assert problem(end(shop, second, "reversals", reason="太晚")) == (409, "reversal_too_late")
    assert counts(shop, member) == {"lounge": [8]}


def test_a_promotion_in_july_brings_the_rest_of_the_year_at_the_new_rate(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-01-01")
    benefit(shop, "by_month", WASH | {"on_change": "by_month"})
    benefit(shop, "by_day", WASH | {"on_change": "by_day"})
    benefit(shop, "highest", WASH)
    benefit(shop, "current", WASH | {"on_change": "current"})
    member = golden(shop, "silver")
    assert set(counts(shop, member)) == {"by_month", "by_day", "highest", "current"}
    assert {each["left"] for each in left(shop, member)} == {6}
    used(shop, member, "by_month")
    go_to(shop, clock, "2027-07-01")
    earning.tier(shop, member, "gold")
    assert counts(shop, member) == {
        "by_month": [8],  # six months at 6 and six at 12 are 9, one is used
        "by_day": [10],  # 181 days at 6 and 184 at 12 are 9.02
        "highest": [12],
        "current": [12],
    }
    go_to(shop, clock, "2027-10-01")
    earning.tier(shop, member, "silver")
    assert counts(shop, member) == {
        "by_month": [7],  # three months at 12 in the end: 7.5
        "by_day": [8],
        "highest": [12],
        "current": [6],
    }


def test_a_lower_tier_never_takes_back_what_is_used_or_reserved(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "lounge", WASH | {"quota": {"gold": 3, "silver": 1}, "on_change": "current"})
    member = golden(shop)
    first = used(shop, member, "lounge")
    kept = reserved(shop, member, "lounge", appointment_at=at(shop, "2027-03-20"))
    go_to(shop, clock, "2027-03-02")
    earning.tier(shop, member, "silver")
    [lot] = left(shop, member)
    assert (lot["granted"], lot["left"]) == (2, 0)
    story.ok(end(shop, kept, "uses"))
    story.ok(end(shop, first, "reversals", reason="登记有误"))
    [lot] = left(shop, member)
    assert (lot["granted"], lot["left"]) == (1, 0)


def test_a_walk_in_reservation_lasts_half_an_hour(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    clock.add(minutes=29)
    assert counts(shop, member) == {"wash": [11]}
    clock.add(minutes=1)
    assert counts(shop, member) == {"wash": [12]}
    assert problem(end(shop, usage, "uses")) == (409, "reservation_ended")
    assert [benefits.night(shop).moves for _ in range(2)] == [1, 0]
    assert benefits.usages(shop, member)[0]["state"] == "released"


def test_units_by_hand_come_beside_the_tiers_and_end_on_their_day(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    member = story.member(shop)
    body = {
        "member_id": str(member),
        "benefit": "wash",
        "units": 2,
        "valid_until": "2027-03-11",
        "reason": "投诉补偿",
    }
    given = story.ok(shop.post("dealer_admin", "/v1/benefit-grants", body))
    assert (given["left"], given["origin"]) == (2, "manual")
    late = shop.post("dealer_admin", "/v1/benefit-grants", body | {"valid_until": "2027-03-01"})
    assert problem(late) == (422, "valid_until_not_ahead")
    far = benefits.ask(shop, member, "wash", appointment_at=at(shop, "2027-03-11"))
    assert problem(far) == (422, "appointment_after_end")
    earning.tier(shop, member, "gold")
    assert counts(shop, member) == {"wash": [2, 12]}
    used(shop, member, "wash")
    assert counts(shop, member) == {"wash": [1, 12]}
    go_to(shop, clock, "2027-03-11", 0)
    assert counts(shop, member) == {"wash": [12]}


def test_an_owner_reserves_and_releases_for_himself_alone(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    me, neighbour = golden(shop), golden(shop, phone="13900139000")
    theirs = reserved(shop, neighbour, "wash")
    body = {"member_id": str(neighbour), "benefit": "wash"}
    answer = shop.post("owner", "/v1/benefit-reservations", body, subject=me)
    assert problem(answer) == (404, "member_not_found")
    assert problem(end(shop, theirs, "releases", "owner", me)) == (404, "reservation_not_found")
    for path in ("benefits", "benefit-usages"):
        answer = shop.get("owner", f"/v1/members/{neighbour}/{path}", subject=me)
        assert problem(answer) == (404, "member_not_found")
    gone = story.ok(end(shop, theirs, "releases", "owner", neighbour))
    assert (gone["state"], gone["ended_by"]) == ("released", None)
    assert problem(end(shop, theirs, "releases")) == (409, "reservation_ended")


def test_what_runs_keeps_its_version_and_the_next_period_has_the_new_one(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    early, late = golden(shop), golden(shop, phone="13900139000")
    used(shop, early, "wash")
    go_to(shop, clock, "2027-06-01")
    benefit(shop, "wash", WASH | {"period": "calendar_month", "quota": {"gold": 1}})
    assert counts(shop, early) == {"wash": [11]}
    assert counts(shop, late) == {"wash": [12]}
    go_to(shop, clock, "2028-01-01")
    for member in (early, late):
        [lot] = left(shop, member)
        assert (lot["left"], lot["valid_until"]) == (1, "2028-02-01")


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        ({"appointment_at": "2027-02-28T10:00:00+08:00"}, (422, "appointment_out_of_reach")),
        ({"appointment_at": "2028-04-28T10:00:00+08:00"}, (422, "appointment_out_of_reach")),
        ({"appointment_at": "2028-01-01T00:00:00+08:00"}, (422, "appointment_after_end")),
        ({"benefit": "golf"}, (404, "benefit_not_found")),
        ({"choice": "wax"}, (422, "choice_unknown")),
        ({"vehicle_id": str(uuid.uuid4())}, (404, "benefit_not_found")),
        ({"place": "找张三 13800138000"}, (422, "validation_failed")),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(
    shop: Shop, clock: TestClock, facts: dict[str, Any], answer: tuple[int, str]
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    member = golden(shop)
    body = {"member_id": str(member), "benefit": "wash"} | facts
    assert problem(shop.post("service_desk", "/v1/benefit-reservations", body)) == answer


def test_a_supplier_is_entered_once_and_before_it_is_named(shop: Shop) -> None:
    told = {"code": "lounge", "body": LOUNGE, "effective_from": story.today(shop)}
    unknown = shop.post("dealer_admin", "/v1/benefits", told)
    assert problem(unknown) == (422, "supplier_unknown")
    made = benefits.supplier(shop)
    body = {"code": "lounge", "name_zh": "另一", "name_en": "Another"}
    again = shop.post("dealer_admin", "/v1/suppliers", body)
    assert problem(again) == (409, "supplier_code_taken")
    story.ok(shop.post("dealer_admin", "/v1/benefits", told))
    listed = story.ok(shop.get("finance", "/v1/suppliers"), 200)["items"]
    assert [each["id"] for each in listed] == [made["id"]]


def test_a_benefit_names_tiers_there_are_and_stays_bound_to_what_it_was(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    tiers.publish_scheme(shop)
    misspelt = benefits.draft(shop, "lounge", WASH | {"quota": {"glod": 2}})
    to_cars = benefits.draft(shop, "wash", WASH | {"bound_to": "vehicle"})
    for made, code, pointer in (
        (misspelt, "tier_unknown", "/body/quota"),
        (to_cars, "rule_invalid", "/body/bound_to"),
    ):
        path = f"/v1/benefits/{made['id']}/publications"
        refused = shop.post("programme_admin", path)
        assert problem(refused) == (422, code)
        assert refused.json is not None
        assert [each["pointer"] for each in refused.json["errors"]] == [pointer]
    benefit(shop, "wash", WASH | {"quota": {"gold": 3}})
