"""Honest people are not troubled by what others do, and nobody watches a call while it goes on."""

import uuid

import pytest

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from referral.continue_calls import end_overdue_calls
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire


def test_an_owner_who_buys_again_and_names_his_friend_keeps_what_he_was_paid(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    story.ok(shop.post("finance", path, version=referral["version"]))
    own = {"order_no": "DD-99", "buyer_phone": "13800138000", "other_phones": ["13900139000"]}
    story.order(shop, **own)
    assert story.read(shop, referral["id"])["state"] == "rewarded"
    assert story.balance(shop, uuid.UUID(referral["owner_id"])) == 200


def test_of_a_call_under_way_the_evidence_shows_nothing(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    path = f"/v1/referrals/{referral['id']}/evidence"
    story.answer(shop, story.desk(shop), honest=True)
    assert story.ok(shop.get("auditor", path), 200)["calls"] == []
    story.called(shop, honest=True)
    calls = story.ok(shop.get("auditor", path), 200)["calls"]
    assert [call["result"] for call in calls] == ["passed"]


def test_answers_the_telephone_knows_nothing_of_are_looked_at_by_two_people(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    story.answered(shop, honest=True)
    hire(shop, "callback_agent")
    clock.add(days=7)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="nightly") as uow:
        assert end_overdue_calls(uow) == 1
    found = story.called(shop, honest=True)
    assert (found["state"], found["reason"]) == ("adjudication", "call_record_missing")
    for role, person in (("consultant", None), ("owner", uuid.UUID(referral["owner_id"]))):
        path = f"/v1/referrals/{referral['id']}"
        seen = story.ok(shop.get(role, path, subject=person), 200)
        assert (seen["state"], seen["reason"]) == ("adjudication", None)
        steps = story.ok(shop.get(role, f"{path}/history", subject=person), 200)["items"]
        assert {step["reason"] for step in steps} == {None}


def test_who_is_not_reached_is_looked_at_by_two_people_whatever_the_other_says(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    story.calling(shop)
    hire(shop, "callback_agent")
    sales.policy(shop, calling_from_hour=0, calling_until_hour=24)
    for days in (0, 1, 0):
        clock.add(days=days)
        story.call_record(shop, story.desk(shop), answered_at=None)
    found = story.called(shop, honest=True)
    assert (found["state"], found["reason"]) == ("adjudication", "callback_unreachable")


def test_attempts_of_another_time_are_no_attempts_at_this_call(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    sales.policy(shop, calling_from_hour=0, calling_until_hour=24)
    for day in ("01", "02", "03"):
        at = f"2001-01-{day}T10:00:00+08:00"
        times = {"started_at": at, "answered_at": None, "ended_at": at}
        story.call_record(shop, story.desk(shop), **times)
    assert story.read(shop, referral["id"])["state"] == "calling"


@pytest.mark.parametrize(("seconds", "state"), [(5, "calling"), (60, "reward_held")])
def test_a_call_too_short_for_its_answers_proves_nothing(
    shop: Shop, seconds: int, state: str
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.answered(shop, honest=True)
    at = story.instant(story.now(shop))
    ended = at.replace(microsecond=0)
    began = ended.timestamp() - seconds
    started = ended.fromtimestamp(began, ended.tzinfo).isoformat()
    times = {"started_at": started, "answered_at": started, "ended_at": ended.isoformat()}
    story.call_record(shop, call, **times)
    assert story.read(shop, referral["id"])["state"] == state
