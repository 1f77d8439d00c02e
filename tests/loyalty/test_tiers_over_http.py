"""Tiers over HTTP: a scheme by two people, its preview, a rise at once, a fall after the grace."""

from typing import Any

import pytest

from tests.support import earning, story
from tests.support.clock import TestClock
from tests.support.earning import day, line, paper
from tests.support.shop import Shop
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
        ("satisfaction", {}, (422, "fact_does_not_fit", "/marks")),
        ("satisfaction", {"marks": 101}, (422, "validation_failed", "/marks")),
        ("visit", {"marks": 5}, (422, "fact_does_not_fit", "/marks")),
        ("trade", {}, (422, "fact_does_not_fit", "/grade")),
        ("trade", {"grade": "Bank!"}, (422, "fact_does_not_fit", "/grade")),
        ("service_order", {}, (422, "fact_does_not_fit", "/kind")),
    ],
)
def test_a_fact_that_does_not_fit_its_kind_is_refused(
    shop: Shop, kind: str, more: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    refused = tell(shop, story.member(shop), kind, **more)
    problem = refused.json
    assert (refused.status_code, problem["errors"][0]["pointer"]) == (answer[0], answer[2])


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
