"""Appeals: who, until when, once; by somebody not involved; upheld appends a corrective step."""

from typing import Any

import pytest

from loyalty.dealers.roles import Role
from loyalty.dealers.staff import change_staff
from referral.justice.appeal import lapse_appeals
from referral.reasons import Reason
from referral.rules.appeal import lifts_case, remedy
from referral.states import Event, State
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.justice import (
    appealed,
    bench,
    case,
    confirmed_fake,
    decided,
    doubted,
    night,
    read,
    refused,
    said,
    stated,
)
from tests.support.past import at_work
from tests.support.race import at_once
from tests.support.shop import Shop, hire
from tests.support.story import ok

NO = None


@pytest.mark.parametrize(
    ("state", "before", "reason", "step"),
    [
        (State.REFUSED, State.SUBMITTED, Reason.REFUSED_BY_MANAGER, Event.REOPEN_REPORT),
        (State.REFUSED, State.SUBMITTED, Reason.REGISTERED_AFTER_ORDER, Event.REOPEN_REPORT),
        (State.REFUSED, State.CHECK_FAILED, Reason.LICENCE_VIN_MISMATCH, Event.REOPEN_CHECK),
        (State.REFUSED, State.ADJUDICATION, Reason.JUDGED_NOT_PROVEN, Event.REOPEN_JUDGEMENT),
        (State.REFUSED, State.VERIFIED, Reason.CAP_REACHED, Event.REOPEN_JUDGEMENT),
        (State.REFUSED, State.ORDERED, Reason.REGISTERED_AFTER_ORDER, NO),
        (State.REFUSED, State.ORDERED, Reason.SELF_SAME_VIN, NO),
        (State.REFUSED, State.CALLING, Reason.REGISTERED_AFTER_ORDER, NO),
        (State.EXPIRED, State.DELIVERED, Reason.TIMEOUT_FAIL_CLOSED, Event.REOPEN_CHECK),
        (State.EXPIRED, State.CHECK_FAILED, Reason.TIMEOUT_FAIL_CLOSED, Event.REOPEN_CHECK),
        (State.EXPIRED, State.CALLING, Reason.TIMEOUT_FAIL_CLOSED, Event.REOPEN_JUDGEMENT),
        (State.EXPIRED, State.ADJUDICATION, Reason.TIMEOUT_FAIL_CLOSED, Event.REOPEN_JUDGEMENT),
        (State.EXPIRED, State.SUBMITTED, Reason.TIMEOUT_FAIL_CLOSED, NO),
        (State.EXPIRED, State.REGISTERED, Reason.TIMEOUT_FAIL_CLOSED, NO),
        (State.FAILED, State.CALLING, Reason.CALLBACK_TWO_WRONG, Event.REOPEN_JUDGEMENT),
        (State.FRAUD_CONFIRMED, State.FRAUD_SUSPECTED, Reason.JUDGED_FAKE, Event.CLEAR),
        (State.CLEARED, State.FRAUD_SUSPECTED, Reason.JUDGED_HONEST, NO),
        (State.REVERSED, State.REWARDED, Reason.JUDGED_FAKE, NO),
        (State.CANCELLED, State.ORDERED, Reason.SALE_CANCELLED, NO),
        (State.REWARDED, State.REWARD_HELD, None, NO),
    ],
)
def test_the_remedy_follows_from_where_the_referral_came_and_why(
    state: State, before: State, reason: Reason | None, step: Event | None
) -> None:
    assert remedy(state, before=before, reason=reason) is step


def test_the_case_is_lifted_where_two_people_had_confirmed_it() -> None:
    lifted = {state for state in State if lifts_case(state, proven=True)}
    assert lifted == {State.FRAUD_CONFIRMED, State.REVERSED}
    assert not lifts_case(State.REVERSED, proven=False)


def test_no_remedy_leads_to_a_reward() -> None:
    steps = {
        remedy(state, before=before, reason=reason)
        for state in State
        for before in State
        for reason in Reason
    }
    assert steps == {
        None,
        Event.CLEAR,
        Event.REOPEN_CHECK,
        Event.REOPEN_JUDGEMENT,
        Event.REOPEN_REPORT,
    }


def test_a_refused_report_upheld_on_appeal_is_confirmed_by_the_duty_manager(shop: Shop) -> None:
    story.owner(shop)
    referral = refused(shop)
    shown = ok(shop.get("consultant", f"/v1/referrals/{referral['id']}/appeals"), 200)
    assert shown["decision"]["appeal_until"] is not None
    appeal = ok(appealed(shop, referral))
    assert appeal["state"] == "open"
    assert ok(decided(shop, appeal, "upheld"))["state"] == "upheld"
    reopened = read(shop, referral)
    assert (reopened["state"], reopened["reason"]) == ("submitted", "appeal_upheld")
    assert reopened["due_at"] is not None
    assert story.confirmed(shop, reopened)["state"] == "registered"


def test_a_refused_licence_upheld_on_appeal_is_checked_by_a_third_manager(shop: Shop) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    story.checked(shop, referral, owner_name="王五")
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    wrong = story.LICENCE | {"owner_name": "王五"}
    second, third = hire(shop, "showroom_manager"), hire(shop, "showroom_manager")
    version = read(shop, referral)["version"]
    ok(shop.post("showroom_manager", path, wrong, version=version, subject=second))
    assert read(shop, referral)["state"] == "refused"
    appeal = ok(appealed(shop, referral, "owner"))
    ok(decided(shop, appeal, "upheld"))
    reopened = read(shop, referral)
    assert reopened["state"] == "delivered"
    facts = {"version": reopened["version"], "subject": third}
    done = ok(shop.post("showroom_manager", path, story.LICENCE, **facts))
    assert (done["attempt"], done["referral_state"]) == (3, "calling")


def test_a_judgement_upheld_on_appeal_is_judged_again_in_a_new_round(shop: Shop) -> None:
    referral = doubted(shop)
    judges = bench(shop, 2)
    for judge in judges:
        ok(said(shop, referral, "reject", judge))
    ok(decided(shop, ok(appealed(shop, referral, "crm")), "upheld"))
    reopened = read(shop, referral)
    assert reopened["state"] == "adjudication"
    for judge in judges:
        done = ok(said(shop, reopened, "accept", judge))
    assert done["referral_state"] == "reward_held"


def test_who_failed_in_a_strict_house_is_called_once_more_when_his_appeal_is_upheld(
    shop: Shop,
) -> None:
    sales.policy(shop, house_rule_strict=True)
    hire(shop, "callback_agent")
    story.owner(shop)
    story.calling(shop)
    referral = story.called(shop, honest=False)
    assert referral["state"] == "failed"
    ok(decided(shop, ok(appealed(shop, referral, "owner")), "upheld"))
    reopened = read(shop, referral)
    judges = bench(shop, 2)
    relied = said(shop, reopened, "accept", judges[0])
    assert relied.json is not None
    assert relied.json["code"] == "no_call_to_rely_on"
    for judge in judges:
        ok(said(shop, reopened, "call_once_more", judge))
    again = story.called(shop, honest=True)
    for judge in judges:
        done = ok(said(shop, again, "accept", judge))
    assert done["referral_state"] == "reward_held"
    assert case(shop, referral)["state"] == "cleared"


def test_an_upheld_appeal_clears_the_consultant_and_voids_his_penalty(
    shop: Shop, clock: TestClock
) -> None:
    referral = confirmed_fake(shop)
    appeal = ok(appealed(shop, referral))
    ok(decided(shop, appeal, "upheld"))
    assert (read(shop, referral)["state"], case(shop, referral)["state"]) == ("cleared", "cleared")
    clock.add(days=30)
    assert night(shop)[2] == 0
    assert [p["state"] for p in ok(shop.get("auditor", "/v1/penalties"), 200)["items"]] == ["void"]
    story_again = story.submitted(shop)
    assert story_again["reason"] != "party_excluded"


def proven_though_paid(shop: Shop, clock: TestClock, *, returned: bool) -> dict[str, Any]:
    """Paid, doubted, perhaps brought back, then two people confirmed the fake."""
    referral = sales.rewarded(shop, clock)
    judges = bench(shop, 2)
    path = f"/v1/referrals/{referral['id']}/suspicions"
    facts = {"version": referral["version"], "subject": judges[0]}
    ok(shop.post("showroom_manager", path, {"reason": "客户称不认识"}, **facts))
    stated(shop, referral)
    if returned:
        sales.returned(shop)
        clock.add(days=8)
    now = read(shop, referral)
    for judge in judges:
        ok(said(shop, now, "confirm_fraud", judge))
    return read(shop, referral)


@pytest.mark.parametrize("returned", [False, True])
def test_a_fake_proven_after_the_payment_is_appealed_and_the_referral_stays_reversed(
    shop: Shop, clock: TestClock, returned: bool
) -> None:
    referral = proven_though_paid(shop, clock, returned=returned)
    assert (referral["state"], case(shop, referral)["state"]) == ("reversed", "confirmed")
    ok(decided(shop, ok(appealed(shop, referral)), "upheld"))
    after = read(shop, referral)
    assert (after["state"], after["version"]) == ("reversed", referral["version"])
    assert case(shop, referral)["state"] == "cleared"
    assert [p["state"] for p in ok(shop.get("auditor", "/v1/penalties"), 200)["items"]] == ["void"]
    assert story.balance(shop, sales.owner_of(referral)) == 0
    again = appealed(shop, after)
    assert again.json is not None
    assert again.json["code"] == "decision_not_appealable"


def test_a_fake_proven_after_the_payment_is_appealed_within_seven_days_of_the_proof(
    shop: Shop, clock: TestClock
) -> None:
    referral = proven_though_paid(shop, clock, returned=False)
    clock.add(days=7, minutes=1)
    late = appealed(shop, referral)
    assert late.json is not None
    assert late.json["code"] == "appeal_too_late"


def test_a_rejected_appeal_lets_the_penalty_count(shop: Shop, clock: TestClock) -> None:
    referral = confirmed_fake(shop)
    appeal = ok(appealed(shop, referral))
    assert ok(decided(shop, appeal, "rejected"))["state"] == "rejected"
    assert read(shop, referral)["state"] == "fraud_confirmed"
    assert night(shop)[2] == 0
    clock.add(days=8)
    assert night(shop)[2] == 1


def test_a_decision_is_appealed_once_whoever_appeals(shop: Shop) -> None:
    story.owner(shop)
    referral = refused(shop)
    got = at_once(2, lambda n: appealed(shop, referral, ("consultant", "crm")[n]).status_code)
    assert got == {201: 1, 409: 1}
    again = appealed(shop, referral)
    assert again.json is not None
    assert again.json["code"] == "appealed_already"


def test_an_appeal_after_seven_days_is_too_late(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = refused(shop)
    clock.add(days=7, minutes=1)
    late = appealed(shop, referral)
    assert late.json is not None
    assert (late.status_code, late.json["code"]) == (409, "appeal_too_late")


def test_an_appeal_nobody_decides_in_time_is_rejected(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = refused(shop)
    appeal = ok(appealed(shop, referral))
    clock.add(days=15, minutes=1)
    late = decided(shop, appeal, "upheld")
    assert late.json is not None
    assert (late.status_code, late.json["code"]) == (409, "time_is_up")
    assert night(shop, lapse_appeals) == [1]
    assert night(shop, lapse_appeals) == [0]
    assert read(shop, referral)["state"] == "refused"
    shown = ok(shop.get("auditor", "/v1/appeals"), 200)["items"]
    assert [(each["state"], each["reason"]) for each in shown] == [("rejected", None)]


def test_an_appeal_is_decided_once(shop: Shop) -> None:
    story.owner(shop)
    appeal = ok(appealed(shop, refused(shop)))
    got = at_once(2, lambda n: decided(shop, appeal, ("upheld", "rejected")[n]).status_code)
    assert got == {201: 1, 409: 1}


def test_who_took_part_does_not_decide_the_appeal(shop: Shop) -> None:
    story.owner(shop)
    referral = refused(shop)
    appeal = ok(appealed(shop, referral))
    both = shop.people["duty_manager"]
    roles = [Role.DUTY_MANAGER, Role.PROGRAMME_ADMIN]
    with at_work(shop) as uow:
        change_staff(uow, both, version=1, roles=roles, team="call-desk", active=True)
    answer = decided(shop, appeal, "upheld", subject=both)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (403, "separation_of_duties")
    assert read(shop, referral)["state"] == "refused"


def test_an_owner_appeals_for_his_own_referral_only(shop: Shop) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    stranger = story.member(shop, name="赵六", phone="13700137000")
    path = f"/v1/referrals/{referral['id']}/appeals"
    answer = shop.post("owner", path, {"words": "我的"}, subject=stranger)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (404, "referral_not_found")


@pytest.mark.parametrize("role", ["consultant", "crm"])
def test_what_is_still_under_way_is_not_appealed(shop: Shop, role: str) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    answer = appealed(shop, referral, role)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "decision_not_appealable")


def test_the_words_of_an_appeal_are_sealed_and_shown_to_its_judge(shop: Shop) -> None:
    story.owner(shop)
    appeal = ok(appealed(shop, refused(shop)))
    shown = shop.post("programme_admin", f"/v1/appeals/{appeal['id']}/reveals")
    assert ok(shown)["words"] == "我们确实是朋友，请再查一次"
    listed = shop.get("programme_admin", "/v1/appeals")
    assert "确实是朋友" not in listed.text


def test_a_cancelled_sale_is_no_decision_to_appeal(shop: Shop) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    sales.cancelled(shop)
    answer = appealed(shop, read(shop, referral))
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "decision_not_appealable")
