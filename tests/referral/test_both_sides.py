"""Rewards of both sides: the policy of the day, the buyer who joined, the second look at risk."""

import uuid
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from referral.reward import release_at
from referral.rules.risk import Choice
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop


def joined(shop: Shop, **facts: str) -> uuid.UUID:
    """李四 joins after he bought his car."""
    return story.member(shop, **({"name": "李四", "phone": "13900139000"} | facts))


def held(shop: Shop, clock: TestClock, **figures: Any) -> dict[str, Any]:
    """A verified referral under this policy, its hold over."""
    sales.policy(shop, **figures)
    referral = story.verified_referral(shop)
    clock.add(days=16)
    return referral


def rows(shop: Shop) -> list[tuple[Any, ...]]:
    with shop.service.database.transaction(shop.dealer_id) as session:
        asked = (
            "SELECT beneficiary, rule_id, rule_version, points, state FROM referral_reward"
            " ORDER BY beneficiary DESC, id"
        )
        return [tuple(row) for row in session.execute(text(asked))]


def test_owner_and_buyer_are_paid_together_under_one_version(shop: Shop, clock: TestClock) -> None:
    referral = held(shop, clock, buyer_points=80, ladder=[[1, 300]])
    li_si = joined(shop)
    paid = story.ok(sales.payment(shop, referral))
    assert (paid["reward"]["points"], paid["buyer_reward"]["points"]) == (300, 80)
    assert paid["buyer_reward"]["state"] == "paid"
    assert story.balance(shop, sales.owner_of(referral)) == 300
    assert story.balance(shop, li_si) == 80
    assert rows(shop) == [
        ("owner", "referral_reward_ladder", 3, 300, "paid"),
        ("buyer", "referral_reward_buyer", 3, 80, "paid"),
    ]


@pytest.mark.parametrize("facts", [None, {"name": "王五"}, {"phone": "13900139001"}])
def test_a_buyer_who_is_no_member_gets_nothing_and_that_is_kept(
    shop: Shop, clock: TestClock, facts: dict[str, str] | None
) -> None:
    referral = held(shop, clock, buyer_points=80)
    if facts is not None:
        joined(shop, **facts)
    paid = story.ok(sales.payment(shop, referral))
    assert (paid["state"], paid["buyer_reward"]) == ("rewarded", None)
    with shop.service.database.transaction(shop.dealer_id) as session:
        kept = "SELECT count(*) FROM audit_event WHERE action = 'referral.buyer_not_member'"
        assert session.scalar(text(kept)) == 1


def test_a_policy_published_while_the_reward_is_held_changes_neither_side(
    shop: Shop, clock: TestClock
) -> None:
    referral = held(shop, clock, buyer_points=80)
    sales.policy(shop, buyer_points=9_000, ladder=[[1, 9_000]], hold_days=300)
    joined(shop)
    paid = story.ok(sales.payment(shop, referral))
    assert (paid["reward"]["points"], paid["buyer_reward"]["points"]) == (200, 80)


def test_the_owner_does_not_see_what_the_buyer_gets(shop: Shop, clock: TestClock) -> None:
    referral = held(shop, clock, buyer_points=80)
    joined(shop)
    story.ok(sales.payment(shop, referral))
    path = f"/v1/referrals/{referral['id']}"
    mine = story.ok(shop.get("owner", path, subject=sales.owner_of(referral)), 200)
    assert (mine["reward"]["points"], mine["buyer_reward"]) == (200, None)


def test_a_car_that_comes_back_takes_both_sides_back(shop: Shop, clock: TestClock) -> None:
    referral = held(shop, clock, buyer_points=80)
    li_si = joined(shop)
    story.ok(sales.payment(shop, referral))
    sales.returned(shop)
    assert [row[4] for row in rows(shop)] == ["reversed", "reversed"]
    assert story.balance(shop, sales.owner_of(referral)) == story.balance(shop, li_si) == 0


def test_sixteen_payments_at_once_pay_each_side_once(shop: Shop, clock: TestClock) -> None:
    referral = held(shop, clock, buyer_points=80)
    li_si = joined(shop)
    seen = at_once(16, lambda _: sales.payment(shop, referral).status_code)
    assert seen == {201: 1, 412: 15}
    assert story.balance(shop, sales.owner_of(referral)) == 200
    assert story.balance(shop, li_si) == 80


def test_the_days_of_the_hold_are_the_dealers(shop: Shop, clock: TestClock) -> None:
    sales.policy(shop, hold_days=3)
    referral = story.verified_referral(shop)
    clock.add(days=1)
    early = sales.payment(shop, referral)
    assert early.json["code"] == "reward_on_hold"
    clock.add(days=2)
    assert story.ok(sales.payment(shop, referral))["state"] == "rewarded"


@pytest.mark.parametrize(
    ("zone", "invoiced_on", "released"),
    [
        ("Asia/Shanghai", date(2026, 3, 1), datetime(2026, 3, 15, 16, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 20), datetime(2026, 4, 3, 22, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 20), datetime(2026, 11, 3, 23, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 1), datetime(2026, 3, 16, 4, tzinfo=UTC)),
    ],
)
def test_a_hold_lasts_whole_days_of_the_dealer_when_the_clocks_change_too(
    zone: str, invoiced_on: date, released: datetime
) -> None:
    uow: Any = SimpleNamespace(zone=ZoneInfo(zone))
    sold: Any = SimpleNamespace(
        invoiced_on=invoiced_on, ordered_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert release_at(uow, sold, hold_days=15) == released


@pytest.mark.parametrize(("hour", "state"), [(-1, "refused"), (1, "submitted")])
def test_the_yearly_cap_ends_at_midnight_of_the_dealers_new_year(
    shop: Shop, clock: TestClock, hour: int, state: str
) -> None:
    referral = story.verified_referral(shop)
    sales.policy(shop, cap_per_year=1)
    shanghai = ZoneInfo("Asia/Shanghai")
    now = shop.service.clock()
    new_year = datetime(now.astimezone(shanghai).year + 1, 1, 1, tzinfo=shanghai)
    clock.add(seconds=(new_year - now).total_seconds() + hour * 3600)
    again = story.submitted(shop, buyer=sales.buyer(shop, "13900139001"))
    assert again["state"] == state
    assert again["reason"] == ("cap_reached" if state == "refused" else None)
    assert story.read(shop, referral["id"])["reward"]["state"] == "held"


def test_a_risk_that_has_grown_brings_the_reward_before_two_people_once(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    high = SimpleNamespace(choice=Choice.ADJUDICATE)
    with patch("referral.reward.assess", return_value=high):
        doubted = story.ok(sales.payment(shop, referral))
        assert (doubted["state"], doubted["reason"]) == ("adjudication", "risk_high")
        assert (doubted["reward"]["state"], doubted["due_at"] is None) == ("held", False)
        with shop.service.database.transaction(shop.dealer_id) as session:
            session.execute(text("UPDATE referral SET state = 'reward_held', due_at = NULL"))
        paid = story.ok(sales.payment(shop, doubted))
    assert paid["state"] == "rewarded"
    assert story.balance(shop, sales.owner_of(referral)) == 200


@pytest.mark.parametrize("choice", [Choice.NONE, Choice.DUAL])
def test_a_risk_that_wants_no_people_pays(shop: Shop, clock: TestClock, choice: Choice) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    with patch("referral.reward.assess", return_value=SimpleNamespace(choice=choice)):
        assert story.ok(sales.payment(shop, referral))["state"] == "rewarded"
