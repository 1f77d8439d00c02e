"""The worked example of referral.md, both endings, over HTTP."""

import uuid

import pytest

from tests.support import justice, sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire

PARTIES = {"buyer", "owner"}


def heard(shop: Shop, *, honest: bool) -> tuple[str, uuid.UUID, int]:
    """One whole call with the telephone's record: to whom, by whom, after how many answers."""
    agent = story.desk(shop)["agent"]
    call = story.answered(shop, honest=honest)
    story.call_record(shop, call)
    return call["party"], agent, call["answered"]


def test_an_honest_referral_is_verified_held_and_paid_as_points(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    referral = story.submitted(shop)
    assert referral["state"] == "submitted"
    referral = story.confirmed(shop, referral)
    assert referral["state"] == "registered"
    story.order(shop)
    story.delivery(shop)
    referral = story.read(shop, referral["id"])
    assert referral["state"] == "delivered"
    story.nominated(shop, referral)
    assert story.checked(shop, referral)["referral_state"] == "calling"
    referral = story.called(shop, honest=True)
    assert referral["state"] == "reward_held"
    assert referral["reward"] | {"points": 200, "state": "held"} == referral["reward"]
    early = sales.payment(shop, referral)
    assert story.ok(early, 409)["code"] == "reward_on_hold"
    assert story.balance(shop, zhang_san) == 0
    clock.add(days=16)
    assert story.ok(sales.payment(shop, referral))["state"] == "rewarded"
    assert story.balance(shop, zhang_san) == 200
    gift = story.reward(shop, points=150)
    body = {"member_id": str(zhang_san), "reward_id": gift}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=zhang_san))
    assert story.balance(shop, zhang_san) == 50


def test_in_the_audit_sample_both_are_called_by_two_agents_before_it_is_verified(
    shop: Shop,
) -> None:
    hire(shop, "callback_agent")
    sales.policy(shop, audit_sample_percent=100)
    story.owner(shop)
    referral = story.calling(shop)
    first, one, _ = heard(shop, honest=True)
    assert story.read(shop, referral["id"])["state"] == "calling"
    second, other, _ = heard(shop, honest=True)
    assert story.read(shop, referral["id"])["state"] == "reward_held"
    assert ({first, second}, one != other) == (PARTIES, True)


def test_a_fake_is_suspected_when_both_fail_and_ends_when_two_people_confirm_it(
    shop: Shop,
) -> None:
    hire(shop, "callback_agent")
    zhang_san = story.owner(shop)
    referral = story.calling(shop)
    first, one, answers = heard(shop, honest=False)
    assert answers == 2
    referral = story.read(shop, referral["id"])
    assert (referral["state"], justice_of(shop)) == ("calling", [])
    second, other, answers = heard(shop, honest=False)
    assert ({first, second}, one != other, answers) == (PARTIES, True, 2)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("fraud_suspected", "callback_two_wrong")
    assert justice_of(shop) == [(str(shop.people["consultant"]), "open")]
    early = justice.said(shop, referral, "confirm_fraud", justice.bench(shop, 1)[0])
    assert story.ok(early, 409)["code"] == "consultant_not_heard"
    justice.stated(shop, referral)
    for judge in justice.bench(shop, 2):
        story.ok(justice.said(shop, referral, "confirm_fraud", judge))
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reward"]) == ("fraud_confirmed", None)
    assert justice_of(shop) == [(str(shop.people["consultant"]), "confirmed")]
    assert story.balance(shop, zhang_san) == 0


def test_by_the_shops_own_strict_rule_the_second_wrong_answer_is_final(shop: Shop) -> None:
    hire(shop, "callback_agent")
    sales.policy(shop, house_rule_strict=True)
    zhang_san = story.owner(shop)
    referral = story.calling(shop)
    assert heard(shop, honest=False)[2] == 2
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("failed", "callback_two_wrong")
    assert justice_of(shop) == [(str(shop.people["consultant"]), "open")]
    for agent in shop.agents:
        calls = shop.get("callback_agent", "/v1/callbacks", subject=agent, state="open")
        assert story.ok(calls, 200)["items"] == []
    refused = sales.payment(shop, referral)
    assert story.ok(refused, 409)["code"] == "transition_not_allowed"
    assert (referral["reward"], story.balance(shop, zhang_san)) == (None, 0)


@pytest.mark.parametrize("strict", [False, True])
def test_strict_or_not_an_honest_referral_is_verified_by_one_call(shop: Shop, strict: bool) -> None:
    sales.policy(shop, house_rule_strict=strict)
    story.owner(shop)
    story.calling(shop)
    assert story.called(shop, honest=True)["state"] == "reward_held"


def justice_of(shop: Shop) -> list[tuple[str, str]]:
    """The cases of consultants: whose, and how they stand."""
    cases = story.ok(shop.get("dealer_admin", "/v1/consultant-cases"), 200)["items"]
    return [(case["consultant_id"], case["state"]) for case in cases]
