"""Abuse 1 to 4 of referral.md, section 6: whoever plays the cheat by these ways gets nothing."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support import justice, sales, story
from tests.support.cheats import (
    collects_nothing,
    licence_check,
    owns,
    stands,
    told,
)
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire
from tests.support.story import ok

BUYER, OWNER, SECOND = "13900139000", "13800138000", "13900139001"
LATE = ("refused", "registered_after_order")


def test_abuse_01_registering_after_the_order_is_refused_however_long_ago_he_says_it_was(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    story.order(shop)
    days_ago = shop.service.clock() - timedelta(days=5)
    slip = story.report(shop)["slip"] | {"mentioned_at": days_ago.isoformat()}
    visit = (date.fromisoformat(story.today(shop)) - timedelta(days=6)).isoformat()
    buyer = sales.buyer(shop, BUYER, first_visit_on=visit)
    referral = story.submitted(shop, slip=slip, buyer=buyer)
    assert stands(shop, referral) == LATE
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_01_a_report_in_time_confirmed_after_the_order_is_too_late_too(shop: Shop) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    story.order(shop)
    path, seen = f"/v1/referrals/{referral['id']}", story.read(shop, referral["id"])
    late = shop.post("duty_manager", f"{path}/confirmations", version=seen["version"])
    assert told(late) == (409, "transition_not_allowed")
    assert stands(shop, referral) == LATE


def test_abuse_01_an_order_held_back_until_the_report_is_made_ends_it(shop: Shop) -> None:
    story.owner(shop)
    signed = story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, occurred_at=signed)
    story.delivery(shop)
    assert stands(shop, referral) == LATE


def test_abuse_01_an_order_dated_ahead_does_not_make_the_report_the_earlier_one(shop: Shop) -> None:
    story.owner(shop)
    now = shop.service.clock()
    facts = {"buyer_phone": BUYER, "occurred_at": (now + timedelta(days=1)).isoformat()}
    assert told(sales.sale_event(shop, "order", **facts)) == (422, "occurred_in_the_future")
    story.order(shop, occurred_at=(now + timedelta(minutes=4)).isoformat())
    assert stands(shop, story.submitted(shop)) == LATE


@pytest.mark.parametrize("column", ["submitted_at", "slip_hash", "buyer_phone_index", "cut_off"])
def test_abuse_01_the_service_has_no_right_to_date_a_report_back(shop: Shop, column: str) -> None:
    story.owner(shop)
    story.submitted(shop)
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(f"UPDATE referral SET {column} = {column}"))


def test_abuse_02_an_owner_first_heard_of_at_the_hand_over_is_no_referral(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    sales.policy(shop, cut_off="delivery")
    story.order(shop)
    story.delivery(shop)
    referral = story.submitted(shop)
    assert stands(shop, referral) == ("refused", "owner_surfaced_at_delivery")
    assert licence_check(shop, referral) == (409, "transition_not_allowed")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_02_nor_when_the_hand_over_is_told_to_us_after_the_report(shop: Shop) -> None:
    story.owner(shop)
    signed, handed_over = story.now(shop), story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.delivery(shop, occurred_at=handed_over)
    story.order(shop, occurred_at=signed)
    assert stands(shop, referral) == LATE


@pytest.mark.parametrize(
    "phones", [{"other_phones": [f"+86 {OWNER}"]}, {"buyer_phone": OWNER, "other_phones": [BUYER]}]
)
def test_abuse_03_who_buys_by_a_second_phone_is_known_by_the_first_on_his_contract(
    shop: Shop, clock: TestClock, phones: dict[str, Any]
) -> None:
    zhang_san = story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, **phones)
    assert stands(shop, referral) == ("refused", "self_same_phone")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_03_a_second_phone_by_which_he_is_a_customer_already_is_no_new_buyer(
    shop: Shop,
) -> None:
    story.owner(shop)
    story.member(shop, phone=SECOND)
    referral = story.submitted(shop, buyer=sales.buyer(shop, SECOND))
    assert stands(shop, referral) == ("refused", "buyer_existing_customer")


def test_abuse_03_a_spouse_of_the_same_household_is_refused_and_a_neighbour_is_not(
    shop: Shop,
) -> None:
    owns(shop, story.member(shop, household_ref="HH-7"))
    wife, neighbour = (sales.buyer(shop, BUYER, household_ref=f"HH-{n}") for n in (7, 8))
    refused = story.submitted(shop, buyer=wife)
    assert stands(shop, refused) == ("refused", "self_same_household")
    assert stands(shop, story.submitted(shop, buyer=neighbour)) == ("submitted", None)


def test_abuse_03_a_company_car_that_is_his_own_by_its_vin_backs_nothing(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    car = story.golf(shop, 31)
    owns(shop, zhang_san, vin=car["vin"], model="高尔夫")
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    story.delivery(shop, car=car)
    assert stands(shop, referral) == ("refused", "self_same_vin")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_03_a_car_put_in_his_own_name_after_the_calls_is_not_paid_for_unseen(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    zhang_san = sales.owner_of(referral)
    owns(shop, zhang_san, **story.GOLF, owned_from=story.today(shop))
    clock.add(days=16)
    ok(sales.payment(shop, referral))
    assert stands(shop, referral) == ("adjudication", "risk_high")
    assert story.balance(shop, zhang_san) == 0


@pytest.mark.parametrize("told_late", [False, True])
def test_abuse_04_a_lead_of_another_channel_is_never_paid_unless_two_people_agree(
    shop: Shop, clock: TestClock, told_late: bool
) -> None:
    zhang_san = story.owner(shop)
    hire(shop, "callback_agent")
    opened_at = (shop.service.clock() - timedelta(days=8)).isoformat()
    referral = story.calling(shop) if told_late else None
    ok(sales.lead(shop, opened_at=opened_at))
    referral = justice.all_called(shop, referral or story.calling(shop), honest=True)
    assert (referral["state"], referral["reason"]) == ("adjudication", "buyer_existing_lead")
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "reject", judge))
    assert stands(shop, referral) == ("refused", "judged_not_proven")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_04_a_lead_the_crm_tells_of_once_the_reward_is_held_is_not_paid_unseen(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    opened_at = (shop.service.clock() - timedelta(days=8)).isoformat()
    ok(sales.lead(shop, opened_at=opened_at))
    clock.add(days=16)
    ok(sales.payment(shop, referral))
    assert stands(shop, referral) == ("adjudication", "buyer_existing_lead")
    assert story.balance(shop, sales.owner_of(referral)) == 0
