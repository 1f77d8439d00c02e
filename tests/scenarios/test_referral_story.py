"""The worked example of referral.md, both endings, over HTTP."""

from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop


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
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    early = shop.post("finance", path, version=referral["version"])
    assert (early.status_code, early.json["code"]) == (409, "reward_on_hold")
    assert story.balance(shop, zhang_san) == 0
    clock.add(days=16)
    paid = story.ok(shop.post("finance", path, version=referral["version"]))
    assert paid["state"] == "rewarded"
    assert story.balance(shop, zhang_san) == 200
    gift = story.reward(shop, points=150)
    body = {"member_id": str(zhang_san), "reward_id": gift}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=zhang_san))
    assert story.balance(shop, zhang_san) == 50


def test_a_fake_fails_at_the_second_wrong_answer_and_opens_the_consultants_case(
    shop: Shop,
) -> None:
    zhang_san = story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    assert story.answer(shop, call, honest=False)["closed"] is False
    call = story.desk(shop)
    assert story.answer(shop, call, honest=False)["closed"] is True
    referral = story.read(shop, call["referral_id"])
    assert (referral["state"], referral["reason"]) == ("failed", "callback_two_wrong")
    assert referral["reward"] is None
    assert story.balance(shop, zhang_san) == 0
    cases = story.ok(shop.get("dealer_admin", "/v1/consultant-cases"), 200)["items"]
    assert [case["consultant_id"] for case in cases] == [str(shop.people["consultant"])]
