"""Redeemed rewards handed over by a counter code, once, by the dealer who is to hand them over."""

import uuid

import pytest
from werkzeug.test import TestResponse

from tests.support import rewards, story
from tests.support.codes import cancel, redeemed, saver, standing
from tests.support.counter import befriend, outcome, show
from tests.support.race import at_once
from tests.support.shop import Shop, hire


def ask(shop: Shop, redemption: str, member: uuid.UUID) -> TestResponse:
    """The owner asks for a code for what he redeemed."""
    body = {"purpose": "reward", "subject_id": redemption}
    return shop.post("owner", "/v1/counter-codes", body, subject=member)


def code_of(shop: Shop, redemption: str, member: uuid.UUID) -> str:
    found: str = story.ok(ask(shop, redemption, member))["code"]
    return found


def test_a_reward_is_handed_over_when_the_desk_types_the_owners_code(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    redemption = redeemed(shop, member, gift, quantity=2)
    answer = story.ok(show(shop, code_of(shop, redemption, member)))
    assert (answer["outcome"], answer["purpose"]) == ("accepted", "reward")
    assert (answer["what"]["name_en"], answer["what"]["quantity"]) == ("A wash", 2)
    assert standing(shop, redemption)["state"] == "handed_over"
    assert outcome(ask(shop, redemption, member)) == "handed_over_already"


def test_no_code_is_made_for_a_reward_that_no_desk_hands_over(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    cancelled = redeemed(shop, member, gift)
    story.ok(cancel(shop, cancelled))
    assert outcome(ask(shop, cancelled, member)) == "redemption_cancelled"
    at_once_given = redeemed(shop, member, rewards.termed(shop))
    assert outcome(ask(shop, at_once_given, member)) == "redemption_not_for_counter"


def test_a_partners_clerk_does_not_hand_his_own_reward_over_to_himself(
    shop: Shop, other_shop: Shop
) -> None:
    befriend(shop, other_shop)
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    facts = {"honoured_by": str(other_shop.dealer_id)}
    made = story.ok(rewards.redeem(shop, member, gift, "duty_manager", **facts))
    clerk = hire(other_shop, "service_desk", phone="13800138000")
    code = code_of(shop, made["id"], member)
    tried = show(other_shop, code, person=clerk, issued_by=shop.dealer_id)
    assert (outcome(tried), standing(shop, made["id"])["state"]) == ("own_account", "ordered")
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"


def test_a_cancelled_redemption_is_not_handed_over(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    redemption = redeemed(shop, member, gift)
    code = code_of(shop, redemption, member)
    story.ok(cancel(shop, redemption))
    assert outcome(show(shop, code)) == "redemption_cancelled"


@pytest.mark.parametrize(
    ("named", "expected", "state"),
    [(True, "accepted", "handed_over"), (False, "honoured_elsewhere", "ordered")],
)
def test_a_partner_hands_over_what_he_was_named_for_and_nothing_else(
    shop: Shop, other_shop: Shop, named: bool, expected: str, state: str
) -> None:
    befriend(shop, other_shop)
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    facts = {"honoured_by": str(other_shop.dealer_id)} if named else {}
    made = story.ok(rewards.redeem(shop, member, gift, "duty_manager", **facts))
    code = code_of(shop, made["id"], member)
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == expected
    assert standing(shop, made["id"])["state"] == state


def test_a_code_shown_at_8_desks_and_8_cancellations_at_once_end_a_redemption_once(
    shop: Shop,
) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    redemption = redeemed(shop, member, gift)
    code = code_of(shop, redemption, member)
    clerks = [hire(shop, "service_desk") for _ in range(8)]
    said = [""] * 16

    def act(number: int) -> int:
        if number % 2:
            answer = cancel(shop, redemption)
            said[number] = "cancelled" if answer.status_code == 201 else "refused"
        else:
            answer = show(shop, code, person=clerks[number // 2])
            said[number] = outcome(answer)
        return answer.status_code

    assert set(at_once(16, act)) <= {201, 409}
    ended = [each for each in said if each in {"accepted", "cancelled"}]
    assert len(ended) == 1
    state = {"accepted": "handed_over", "cancelled": "cancelled"}[ended[0]]
    assert standing(shop, redemption)["state"] == state
