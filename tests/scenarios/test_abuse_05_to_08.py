"""Abuse 5 to 8 of referral.md, section 6: whoever plays the cheat by these ways gets nothing."""

import pytest

from referral.continue_calls import end_overdue_calls
from tests.support import justice, sales, story
from tests.support.cheats import (
    both_are_called,
    collects_nothing,
    handed_over,
    licence_check,
    naming_wang_wu,
    phoned,
    stands,
    told,
    wang_wu,
)
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire
from tests.support.story import ok

BUYER, OWNER, SECOND = "13900139000", "13800138000", "13900139001"


def test_abuse_05_the_first_registration_wins_when_the_buyer_comes_back_under_a_new_phone(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    rival = wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    swapped = story.confirmed(shop, naming_wang_wu(shop, SECOND))
    story.order(shop, buyer_phone=SECOND, other_phones=[BUYER])
    swap = ("refused", "buyer_already_referred")
    assert [stands(shop, each) for each in (first, swapped)] == [("ordered", None), swap]
    collects_nothing(shop, clock, swapped, rival)


def test_abuse_05_a_second_contract_for_the_car_that_was_delivered_is_no_second_sale(
    shop: Shop,
) -> None:
    story.owner(shop)
    wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    swapped = story.confirmed(shop, naming_wang_wu(shop, SECOND))
    story.order(shop)
    story.delivery(shop)
    story.order(shop, order_no="DD-8", buyer_phone=SECOND)
    car = story.GOLF | {"invoice_no": "FP-8", "invoiced_on": story.today(shop)}
    again = sales.sale_event(shop, "delivery", order_no="DD-8", car=car)
    assert told(again) == (409, "sale_backs_another_referral")
    assert (stands(shop, first)[0], stands(shop, swapped)[0]) == ("delivered", "ordered")


def test_abuse_06_a_coached_friend_and_a_walk_in_who_knows_nobody_are_paid_nothing(
    shop: Shop, clock: TestClock
) -> None:
    friend = story.owner(shop)
    both_are_called(shop)
    referral = story.calling(shop)
    assert {phoned(shop, knowing={"owner"}) for _ in "ab"} == {"buyer", "owner"}
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reward"]) == ("adjudication", None)
    (one,) = justice.bench(shop, 1)
    ok(justice.said(shop, referral, "accept", one))
    assert told(justice.said(shop, referral, "accept", one)) == (409, "already_judged")
    collects_nothing(shop, clock, referral, friend)


def test_abuse_06_an_owner_whom_the_consultant_declared_a_relative_is_refused(shop: Shop) -> None:
    story.owner(shop)
    path = f"/v1/staff/{shop.people['consultant']}/relatives"
    ok(shop.post("dealer_admin", path, {"phone": OWNER}))
    assert stands(shop, story.submitted(shop)) == ("refused", "consultant_related")
    colleague = hire(shop, "consultant")
    report = story.report(shop)
    fair = ok(shop.post("consultant", "/v1/referrals", report, subject=colleague))
    assert stands(shop, fair) == ("submitted", None)


def test_abuse_07_an_owner_who_knows_of_nothing_names_nobody_and_time_ends_it(
    shop: Shop, clock: TestClock
) -> None:
    zhang_san = story.owner(shop)
    referral = handed_over(shop)
    assert licence_check(shop, referral) == (409, "nomination_missing")
    clock.add(days=30)
    justice.night(shop)
    assert stands(shop, referral) == ("expired", "timeout_fail_closed")
    collects_nothing(shop, clock, referral, zhang_san)


def test_abuse_07_with_his_phone_changed_first_the_old_number_is_warned_and_the_one_called(
    shop: Shop, clock: TestClock
) -> None:
    """The cheat who answers the new number convinces nobody: it is not the number of record."""
    zhang_san = story.owner(shop)
    both_are_called(shop)
    body = {"phone": SECOND}
    ok(shop.post("duty_manager", f"/v1/members/{zhang_san}/changes", body, version=1))
    warned = {(each["kind"], each["phone"]) for each in story.notices(shop)}
    assert warned == {("phone_changed", f"+86{OWNER}")}
    referral = handed_over(shop, slip=story.report(shop)["slip"] | {"owner_phone": SECOND})
    story.nominated(shop, referral)
    story.checked(shop, story.read(shop, referral["id"]))
    if story.desk(shop)["party"] == "buyer":
        story.called(shop, honest=True)
    call = story.desk(shop)
    path = f"/v1/callbacks/{call['id']}/phone-reveals"
    shown = shop.post("callback_agent", path, {"reason": "first_call"}, subject=call["agent"])
    assert ok(shown)["phone"] == f"+86{OWNER}"
    story.call_record(shop, story.answered(shop, honest=True), dialled=SECOND)
    assert stands(shop, referral) == ("calling", None)
    clock.add(days=8)
    justice.night(shop, end_overdue_calls)
    collects_nothing(shop, clock, referral, zhang_san)


@pytest.mark.parametrize("typed", [OWNER, "+86 138-0013-8000", "１３８００１３８０００"])
def test_abuse_08_one_phone_on_both_sides_is_one_person_however_it_is_typed(
    shop: Shop, typed: str
) -> None:
    story.owner(shop)
    referral = story.submitted(shop, buyer=sales.buyer(shop, typed))
    assert stands(shop, referral) == ("refused", "self_same_phone")


@pytest.mark.parametrize(("names", "after"), [([], "reward_held"), (["赵六", "钱七"], "calling")])
def test_abuse_08_a_phone_shared_by_many_is_never_believed_after_one_call(
    shop: Shop, names: list[str], after: str
) -> None:
    story.owner(shop)
    hire(shop, "callback_agent")
    for name in names:
        story.member(shop, name=name)
    referral = story.calling(shop)
    phoned(shop, knowing={"buyer", "owner"})
    assert stands(shop, referral)[0] == after


def test_abuse_08_one_phone_and_one_name_for_two_members_is_nobody_to_reward(shop: Shop) -> None:
    story.owner(shop)
    story.member(shop)
    assert stands(shop, story.submitted(shop)) == ("refused", "owner_not_found")
