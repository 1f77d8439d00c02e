"""Schemes 24 to 27 of referral.md, section 6, played over HTTP: the cheat gets nothing."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.app import create_app
from api.limits import Limiter
from api.v1 import OPERATIONS
from kernel.audit import Chain, verify_chain
from kernel.database import owner_session
from referral.nightly import referrals_night
from referral.states import Event, State
from referral.transitions import TABLE
from tests.support import justice, past, sales, story
from tests.support.clock import TestClock
from tests.support.past import at_work
from tests.support.refusals import (
    BUYER,
    OWNER,
    audited,
    decide,
    postings,
    refused_in_sql,
    stands,
    steps,
    turned_away,
)
from tests.support.shop import Shop, hire
from tests.support.story import ok

TIMED = sorted({row.source for row in TABLE if row.event is Event.EXPIRE and row.source})
AT_REST = (
    State.REFUSED,
    State.EXPIRED,
    State.CANCELLED,
    State.WITHDRAWN,
    State.CLEARED,
    State.FRAUD_CONFIRMED,
)


def li_si_recommended(shop: Shop, *between: str) -> uuid.UUID:
    """李四, a member under another number, recommended 张三 before, directly or through others."""
    with at_work(shop) as uow:
        first = person = past.person(uow)
        for number in (*between, OWNER):
            past.referred(uow, shop, person, number, days_ago=200)
            if number != OWNER:
                person = past.person(uow, number)
    return first


def bought_by(shop: Shop, member: uuid.UUID) -> None:
    """The CRM tells to whom the new car was registered."""
    car = {**story.SAGITAR, **story.GOLF, "plate": "京A77777", "owned_from": story.today(shop)}
    ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(member), **car}))


def night(shop: Shop) -> None:
    referrals_night(lambda: at_work(shop))


def chain_of(shop: Shop) -> Chain:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return verify_chain(session, shop.dealer_id)


@pytest.mark.parametrize("between", [(), ("13700137001",)], ids=["reciprocal", "circle of three"])
def test_abuse_24_a_circle_is_called_twice_and_comes_before_two_people(
    shop: Shop, clock: TestClock, between: tuple[str, ...]
) -> None:
    hire(shop, "callback_agent")
    zhang_san = story.owner(shop)
    li_si = li_si_recommended(shop, *between)
    referral = story.delivered(shop)
    bought_by(shop, li_si)
    story.checked(shop, referral)
    referral = justice.all_called(shop, referral, honest=True)
    assert (referral["state"], referral["reason"]) == ("adjudication", "risk_high")
    risk = ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/risk"), 200)
    assert "circle" in str(risk)
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "reject", judge))
    clock.add(days=16)
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "transition_not_allowed")
    assert (postings(shop), story.balance(shop, zhang_san)) == ({}, 0)


def test_abuse_24_a_circle_that_shows_before_the_payment_is_not_paid_unseen(
    shop: Shop, clock: TestClock
) -> None:
    li_si = li_si_recommended(shop)
    referral = story.verified_referral(shop)
    bought_by(shop, li_si)
    clock.add(days=16)
    doubted = ok(decide(shop, "finance", referral, "reward-payments"))
    assert (doubted["state"], doubted["reason"]) == ("adjudication", "risk_high")
    assert postings(shop) == {}
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, justice.read(shop, referral), "accept", judge))
    assert ok(decide(shop, "finance", referral, "reward-payments"))["state"] == "rewarded"


def test_abuse_24_who_is_a_customer_already_is_no_buyer_to_recommend_back(shop: Shop) -> None:
    story.owner(shop)
    story.member(shop, name="李四", phone=BUYER)
    referral = story.submitted(shop)
    assert (referral["state"], referral["reason"]) == ("refused", "buyer_existing_customer")


def test_abuse_25_no_timer_of_any_state_pays(shop: Shop, clock: TestClock) -> None:
    made: dict[State, uuid.UUID] = {}
    with at_work(shop) as uow:
        for state in (*TIMED, *AT_REST):
            row = past.referred(uow, shop, past.person(uow), days_ago=30, state=state)
            row.due_at = uow.now if state in TIMED else None
            made[state] = row.id
    for _ in range(3):
        clock.add(days=150)
        night(shop)
    ended = {each: stands(shop, {"id": str(key)}) for each, key in made.items()}
    assert all(ended[state][1] == "timeout_fail_closed" for state in TIMED)
    assert {ended[state][0] for state in TIMED} == {"expired", "cleared"}
    assert {state: ended[state][0] for state in AT_REST} == {state: state for state in AT_REST}
    assert postings(shop) == {}


@pytest.mark.parametrize(
    "reach",
    [story.submitted, story.delivered, story.calling, story.verified_referral],
    ids=["submitted", "delivered", "calling", "held"],
)
def test_abuse_25_waiting_for_ever_pays_nobody(
    shop: Shop, clock: TestClock, reach: Callable[[Shop], dict[str, Any]]
) -> None:
    zhang_san = story.owner(shop) if reach is not story.verified_referral else None
    referral = reach(shop)
    for _ in range(12):
        clock.add(days=31)
        night(shop)
    state, _ = stands(shop, referral)
    assert state == ("expired" if zhang_san else "reward_held")
    owner = zhang_san or sales.owner_of(referral)
    assert (postings(shop), story.balance(shop, owner)) == ({}, 0)


def test_abuse_26_who_changes_his_name_and_number_erases_no_evidence_and_no_suspicion(
    shop: Shop,
) -> None:
    """There is no way to have oneself erased yet: what exists are changes and withdrawals."""
    referral = justice.suspected(shop)
    pack = f"/v1/referrals/{referral['id']}/evidence"
    before = ok(shop.get("auditor", pack), 200)
    member = f"/v1/members/{referral['owner_id']}/changes"
    ok(shop.post("crm", member, {"name": "无名", "phone": "13800138777"}, version=1))
    for party in ("owner", "buyer"):
        out = shop.post("crm", f"/v1/referrals/{referral['id']}/withdrawals", {"party": party})
        turned_away(out, 409, "transition_not_allowed")
    assert ok(shop.get("auditor", pack), 200) == before
    justice.stated(shop, referral)
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "confirm_fraud", judge))
    assert stands(shop, referral) == ("fraud_confirmed", "judged_fake")
    assert chain_of(shop).fault is None


def test_abuse_26_an_excluded_owner_stays_out_under_a_new_number(shop: Shop) -> None:
    referral = justice.suspected(shop)
    justice.stated(shop, referral)
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "confirm_fraud", judge))
    member = f"/v1/members/{referral['owner_id']}/changes"
    ok(shop.post("crm", member, {"phone": "13800138777"}, version=1))
    body = story.report(shop)
    body["slip"] |= {"owner_phone": "13800138777"}
    body["buyer"] |= {"name": "赵六", "phone": "13900139555"}
    again = ok(shop.post("consultant", "/v1/referrals", body))
    assert (again["state"], again["reason"]) == ("refused", "party_excluded")


def test_abuse_26_consent_taken_back_ends_the_payment_and_keeps_every_step(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    before = steps(shop, referral)
    body = {"party": "owner"}
    zhang_san = sales.owner_of(referral)
    path = f"/v1/referrals/{referral['id']}/withdrawals"
    assert ok(shop.post("owner", path, body, subject=zhang_san))["state"] == "withdrawn"
    assert steps(shop, referral)[:-1] == before
    calls = ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/evidence"), 200)["calls"]
    assert [call["result"] for call in calls] == ["passed"]
    for table in ("referral", "referral_transition", "callback_answer", "audit_event"):
        refusal = refused_in_sql(shop, f"DELETE FROM {table}")
        assert refusal is not None
        assert "permission denied" in refusal
    assert (chain_of(shop).fault, postings(shop)) == (None, {})


def test_abuse_27_owners_are_found_one_by_one_masked_and_the_look_is_kept(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    for part in ("1380013800", "138", "%", "138*", ""):
        answer = shop.post("consultant", "/v1/members/search", {"phone": part})
        assert answer.status_code == 422, part
    both = {"phone": OWNER, "plate": "京A12345"}
    turned_away(shop.post("consultant", "/v1/members/search", both), 422, "search_by_exactly_one")
    assert audited(shop, "member.found") == []
    found = shop.post("consultant", "/v1/members/search", {"phone": OWNER})
    assert [(each["name"], each["phone"]) for each in ok(found, 200)["items"]] == [
        ("张*", "138****8000")
    ]
    kept = [(row["actor_id"], row["subject_id"]) for row in audited(shop, "member.found")]
    assert kept == [(str(shop.people["consultant"]), zhang_san)]
    assert [each.path for each in OPERATIONS if each.paged and "/members" in each.path] == [
        each.path for each in OPERATIONS if each.paged and "/members/<uuid:" in each.path
    ]


def test_abuse_27_who_searches_too_often_is_stopped(shop: Shop) -> None:
    story.owner(shop)
    limiter = Limiter(None, per_minute=3, seconds=lambda: 1_790_000_000.0)
    few = replace(shop, app=create_app(replace(shop.service, limiter=limiter)))
    wanted = {"phone": OWNER}
    got = [few.post("consultant", "/v1/members/search", wanted).status_code for _ in range(5)]
    assert got == [200, 200, 200, 429, 429]
    assert len(audited(shop, "member.found")) == 3


def test_abuse_27_no_file_for_spreadsheets_holds_owners_or_referrals(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    shop.people["owner"] = sales.owner_of(referral)
    exports = [each for each in OPERATIONS if each.csv]
    assert exports
    for operation in exports:
        path = re.sub(r"<uuid:\w+>", referral["owner_id"], operation.path)
        for role in operation.roles:
            for answer in (shop.get(role, path), shop.get(role, path, as_of=story.today(shop))):
                for secret in ("张三", "李四", "139****", "13900139000", OWNER, "高尔夫", "速腾"):
                    assert secret not in answer.text, (operation.name, secret)
    for nobody in ("consultant", "owner", "duty_manager", "callback_agent", "crm"):
        assert shop.get(nobody, "/v1/exports/trial-balance").status_code in (401, 403)
