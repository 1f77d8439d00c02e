"""Nobody pays what he did not see: the version of the terms, and cash that is the price."""

import uuid
from typing import Any

import pytest

from tests.support import codes as pools
from tests.support import rewards, story
from tests.support.codes import cancel, redeemed, saver
from tests.support.earning import money
from tests.support.race import at_once
from tests.support.shop import Shop

CHANGED = (409, "terms_changed")
MIXED: dict[str, Any] = {"points": 100, "cash": {"least_points": 10, "fen_a_point": 7}}


@pytest.mark.parametrize("take", [rewards.redeem, rewards.hold])
@pytest.mark.parametrize(
    ("published", "seen", "agreed"),
    [
        (0, None, True),
        (0, 0, True),
        (0, 1, False),
        (1, None, True),
        (1, 1, True),
        (1, 0, False),
        (1, 2, False),
        (2, 1, False),
        (2, 2, True),
    ],
)
def test_a_member_redeems_on_the_terms_he_saw_or_not_at_all(
    shop: Shop, take: Any, published: int, seen: int | None, agreed: bool
) -> None:
    member, gift = saver(shop), story.reward(shop)
    for _ in range(published):
        rewards.publish(shop, rewards.draft(shop, gift, {"points": 100}))
    answer = take(shop, member, gift, terms_version=seen)
    if agreed:
        assert answer.status_code == 201
    else:
        assert rewards.refusal(answer) == CHANGED
        assert answer.json["errors"][0]["pointer"] == "/terms_version"
        assert (story.balance(shop, member), pools.stock(shop, gift)) == (1_000, (10, 10))


def test_what_was_offered_is_what_is_redeemed_though_a_dearer_version_comes_in_between(
    shop: Shop,
) -> None:
    member, gift = saver(shop), rewards.termed(shop)
    seen = rewards.offers(shop, member)[gift]
    rewards.publish(
        shop, rewards.draft(shop, gift, {"points": 900, "available_from": "2099-01-01"})
    )
    for take in (rewards.redeem, rewards.hold):
        answer = take(shop, member, gift, terms_version=seen["terms_version"])
        assert rewards.refusal(answer) == CHANGED
    again = rewards.redeem(shop, member, gift, terms_version=2)
    assert rewards.refusal(again) == (409, "reward_not_available")
    assert "2099-01-01 – …" in (again.json or {})["detail"]


def test_terms_that_are_hidden_are_told_to_no_owner_by_their_version(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, visible_from="2099-01-01")
    for take in (rewards.redeem, rewards.hold):
        for version in (0, 1):
            answer = take(shop, member, gift, terms_version=version)
            assert rewards.refusal(answer) == (404, "reward_not_found")


def test_nobody_pays_a_price_that_changed_while_he_asked(shop: Shop) -> None:
    gift = rewards.termed(shop, stock=20)
    members = [saver(shop, phone=f"1380016{number:04}") for number in range(6)]
    dearer = rewards.draft(shop, gift, {"points": 900})
    paid: list[int] = []

    def go(number: int) -> int:
        if number == 0:
            rewards.publish(shop, dearer)
            return 0
        answer = rewards.redeem(shop, members[number - 1], gift, terms_version=1)
        if answer.json and answer.status_code == 201:
            paid.append(answer.json["points"])
        return answer.status_code

    assert set(at_once(7, go)) <= {0, 201, 409}
    assert set(paid) <= {100}


def test_a_hold_without_a_reward_is_on_no_terms(shop: Shop) -> None:
    body = {"member_id": str(saver(shop)), "points": 10, "minutes": 5, "terms_version": 1}
    assert rewards.refusal(shop.post("crm", "/v1/point-holds", body)) == CHANGED


@pytest.mark.parametrize(
    ("body", "points", "fen", "expected"),
    [
        ({"points": 100}, 100, 0, None),
        ({"points": 100}, 100, 1, 0),
        (MIXED, 100, 0, None),
        (MIXED, 100, 1, 0),
        (MIXED, 90, 70, None),
        (MIXED, 90, 71, 70),
        (MIXED, 10, 630, None),
        (MIXED, 10, 631, 630),
    ],
)
def test_cash_beside_points_is_what_the_terms_ask_for_and_no_fen_more(
    shop: Shop, body: dict[str, Any], points: int, fen: int, expected: int | None
) -> None:
    member, gift = saver(shop), rewards.termed(shop, **body)
    answer = rewards.hold(shop, member, gift, points=points, cash=money(fen))
    if expected is None:
        assert answer.status_code == 201
    else:
        assert rewards.refusal(answer) == (422, "cash_too_much")
        assert (answer.json or {})["errors"][0]["params"] == {"most_fen": expected}


def test_a_cancellation_tells_the_cash_that_the_dealer_has_to_repay(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, **MIXED, fulfilment="counter")
    held = story.ok(rewards.hold(shop, member, gift, points=10, cash=money(630)))
    path = f"/v1/point-holds/{held['id']}/captures"
    paid = story.ok(shop.post("service_desk", path))["redemption_id"]
    done = story.ok(cancel(shop, paid))
    assert (done["restored"], done["cash"]) == (10, money(630))
    assert told(shop, paid) == [{"restored": 10, "cash_fen": 630, "codes_to_block": 0}]
    kept = "SELECT details FROM audit_event WHERE subject_id = :r AND action = 'reward.cancelled'"
    [(details,)] = pools.rows(shop, kept, r=paid)
    assert (details["cash_fen"], details["points"]) == (630, 10)
    plain = redeemed(shop, member, story.reward(shop))
    assert story.ok(cancel(shop, plain))["cash"] == money(0)


def told(shop: Shop, redemption: str | uuid.UUID) -> list[dict[str, Any]]:
    """What integrators were told of a cancellation."""
    asked = "SELECT data FROM outbox_event WHERE subject_id = :r AND kind = 'redemption.cancelled'"
    return [data for (data,) in pools.rows(shop, asked, r=redemption)]
