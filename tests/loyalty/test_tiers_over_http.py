"""Tiers over HTTP: a scheme by two people, its preview, a rise at once, a fall after the grace."""

import uuid
from typing import Any

import pytest

from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, line, paper
from tests.support.shop import Shop, hire
from tests.support.tiers import (
    LEVELS,
    MARKS,
    ORDERS,
    draft_scheme,
    night,
    publish_scheme,
    scheme,
    standing,
    tell,
    words,
)


def test_a_member_rises_at_once_and_falls_one_step_on_the_thirtieth_day(
    shop: Shop, clock: TestClock
) -> None:
    publish_scheme(shop, scheme())
    member = story.owner(shop)
    for _ in range(2):
        earning.earned(shop, member, line(500))
    assert standing(shop, member)["tier"] == "silver"
    story.ok(tell(shop, member, "satisfaction", marks=95))
    now = standing(shop, member)
    assert (now["tier"], now["score"], now["next"]) == ("gold", 10_000, None)
    assert [(part["code"], part["hundredths"]) for part in now["components"]] == [
        ("orders", 7_000),
        ("marks", 3_000),
    ]
    clock.add(days=60)
    assert night(shop) == 0
    below = standing(shop, member)
    assert (below["tier"], below["score"]) == ("gold", 3_000)
    assert below["keep"] == {
        "at_least": 8_000,
        "missing": 5_000,
        "below_since": day(shop),
        "falls_on": day(shop, 30),
        "falls_to": "silver",
    }
    clock.add(days=29)
    assert night(shop) == 0
    assert standing(shop, member)["tier"] == "gold"
    clock.add(days=1)
    assert night(shop) == 1
    assert night(shop) == 0
    assert standing(shop, member)["tier"] == "silver"
    fallen = words(shop, member)[0]
    assert (fallen["tier"], fallen["previous"], fallen["cause"]) == ("silver", "gold", "demoted")
    assert (fallen["kind"], fallen["score"], fallen["set_by"]) == ("earned", 3_000, None)
    assert {part["code"]: part["points"] for part in fallen["evidence"]} == {
        "orders": 0,
        "marks": 100,
    }


def test_the_preview_says_who_would_move_and_so_it_happens(shop: Shop) -> None:
    publish_scheme(shop, scheme())
    rich, plain = story.owner(shop), story.member(shop)
    for _ in range(2):
        earning.earned(shop, rich, line(500))
    night(shop)
    stricter = [LEVELS[0], LEVELS[1] | {"at_least": 7700}, LEVELS[2]]
    draft = draft_scheme(shop, scheme(stricter))
    path = f"/v1/tier-schemes/{draft['id']}"
    seen = story.ok(shop.get("programme_admin", f"{path}/preview"), 200)
    assert seen["members"] == 2
    assert seen["moves"] == [
        {"from_tier": "base", "to_tier": "base", "when": "stays", "members": 1},
        {"from_tier": "silver", "to_tier": "base", "when": "after_grace", "members": 1},
    ]
    story.ok(shop.post("programme_admin", f"{path}/publications"))
    night(shop)
    assert standing(shop, rich)["keep"]["falls_to"] == "base"
    assert standing(shop, plain)["tier"] == "base"


def test_a_tier_by_hand_counts_until_its_day_and_the_earned_one_comes_back(
    shop: Shop, clock: TestClock
) -> None:
    publish_scheme(shop, scheme())
    member = story.member(shop)
    night(shop)
    body = {
        "member_id": str(member),
        "tier": "gold",
        "since_on": day(shop),
        "until_on": day(shop, 10),
        "reason": "大客户试用",
    }
    story.ok(shop.post("dealer_admin", "/v1/tier-assignments", body))
    assert (standing(shop, member)["tier"], standing(shop, member)["earned_tier"]) == (
        "gold",
        "base",
    )
    clock.add(days=9)
    assert standing(shop, member)["tier"] == "gold"
    clock.add(days=1)
    assert standing(shop, member)["tier"] == "base"


def by_hand(shop: Shop, member: uuid.UUID, role: str = "dealer_admin", **said: Any) -> Any:
    body = {"member_id": str(member), "tier": "gold", "since_on": day(shop), "reason": "大客户"}
    return shop.post(role, "/v1/tier-assignments", body | said)


def test_a_tier_that_no_published_scheme_has_is_not_given_by_hand(shop: Shop) -> None:
    """Before there is a scheme, tiers come from the CRM under names of its own."""
    member = story.member(shop)
    story.ok(by_hand(shop, member, "crm", tier="diamond"))
    publish_scheme(shop, scheme())
    refused = by_hand(shop, member, tier="glod")
    error = refused.json["errors"][0]
    assert (refused.status_code, refused.json["code"], error["pointer"]) == (
        *(422, "tier_unknown"),
        "/tier",
    )
    story.ok(by_hand(shop, member, tier="gold"))
    story.ok(by_hand(shop, member, tier=None))


@pytest.mark.parametrize(
    ("role", "days", "status"),
    [("dealer_admin", 31, 201), ("dealer_admin", 32, 422), ("crm", 400, 201)],
)
def test_a_month_that_is_over_is_not_changed_by_one_persons_word(
    shop: Shop, role: str, days: int, status: int
) -> None:
    said = by_hand(shop, story.member(shop), role, since_on=day(shop, -days))
    assert said.status_code == status
    if status == 422:
        assert said.json["code"] == "since_on_too_early"
        assert day(shop, -31) in said.json["detail"]


def test_an_owner_reads_the_names_of_his_tiers_and_nothing_that_staff_wrote(shop: Shop) -> None:
    story.ok(by_hand(shop, story.member(shop, phone="13900139000"), "crm", tier="diamond"))
    publish_scheme(shop, scheme())
    member = story.member(shop)
    earning.earned(shop, member, line(500))
    earning.earned(shop, member, line(500))
    story.ok(by_hand(shop, member, reason="总经理的朋友"))
    told = ("kind", "tier", "name_zh", "name_en", "cause", "reason", "set_by")
    assert [tuple(each[name] for name in told) for each in words(shop, member)] == [
        ("manual", "gold", "金卡", "Gold", None, None, None),
        ("earned", "silver", "银卡", "Silver", "first", None, None),
    ]
    path = f"/v1/members/{member}/tiers"
    seen = story.ok(shop.get("dealer_admin", path), 200)["items"][0]
    assert (seen["reason"], seen["set_by"]) == ("总经理的朋友", str(shop.people["dealer_admin"]))


def test_a_tier_by_hand_can_be_given_back_before_its_end(shop: Shop) -> None:
    publish_scheme(shop, scheme())
    member = story.member(shop)
    night(shop)
    earning.tier(shop, member, "gold")
    body = {"member_id": str(member), "tier": None, "since_on": day(shop), "reason": "期满"}
    story.ok(shop.post("dealer_admin", "/v1/tier-assignments", body))
    assert standing(shop, member)["tier"] == "base"


@pytest.mark.parametrize(
    ("kind", "more", "answer"),
    [
        ("satisfaction", {}, ("fact_does_not_fit", "/marks")),
        ("satisfaction", {"marks": 101}, ("field_range", "/marks")),
        ("visit", {"marks": 5}, ("fact_does_not_fit", "/marks")),
        ("trade", {}, ("fact_does_not_fit", "/grade")),
        ("trade", {"grade": "Bank!"}, ("fact_does_not_fit", "/grade")),
        ("service_order", {}, ("fact_does_not_fit", "/kind")),
    ],
)
def test_a_fact_that_does_not_fit_its_kind_is_refused(
    shop: Shop, kind: str, more: dict[str, Any], answer: tuple[str, str]
) -> None:
    refused = tell(shop, story.member(shop), kind, **more)
    error = refused.json["errors"][0]
    assert (refused.status_code, error["code"], error["pointer"]) == (422, *answer)


def test_a_fact_is_told_once_for_ever(shop: Shop) -> None:
    member = story.member(shop)
    reference = {"external_ref": {"source": "crm", "id": "V-1"}}
    first = tell(shop, member, "callback", marks=80, **reference)
    again = tell(shop, member, "callback", marks=80, **reference)
    other = tell(shop, member, "callback", marks=81, **reference)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert (other.status_code, other.json["code"]) == (409, "fact_changed")


def test_a_return_takes_back_what_an_order_was_worth(shop: Shop) -> None:
    spent = ORDERS | {"measure": "sum", "bands": [{"at_least": 100_000, "points": 100}]}
    levels = [LEVELS[0], LEVELS[1]]
    body = {"components": [spent, MARKS], "ladder": scheme(levels)["ladder"]}
    publish_scheme(shop, body)
    member = story.member(shop)
    document = story.ok(
        shop.post("crm", "/v1/documents", paper(shop, member, line(1_000), line(50, "warranty")))
    )
    assert standing(shop, member)["tier"] == "silver"
    earning.returned(shop, document, (0, 1))
    assert standing(shop, member)["keep"]["below_since"] == day(shop)


def test_a_car_whose_owners_need_less_for_a_level_lifts_its_buyer_at_once(shop: Shop) -> None:
    publish_scheme(shop, scheme([LEVELS[0], LEVELS[1] | {"by_model": {"速腾": 600}}]))
    member = story.member(shop)
    night(shop)
    assert standing(shop, member)["tier"] == "base"
    car = {"member_id": str(member), **story.SAGITAR}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", car))
    assert standing(shop, member)["tier"] == "silver"
    assert night(shop) == 0


def test_nobody_enters_cars_for_his_own_membership(shop: Shop) -> None:
    member = story.member(shop)
    himself = hire(shop, "dealer_admin", phone=story.ZHANG_SAN["phone"])
    car = {"member_id": str(member), **story.SAGITAR}
    refused = shop.post("dealer_admin", "/v1/vehicle-ownerships", car, subject=himself)
    assert refused.json is not None
    assert (refused.status_code, refused.json["code"]) == (403, "own_account")
    story.ok(shop.post("dealer_admin", "/v1/vehicle-ownerships", car))
