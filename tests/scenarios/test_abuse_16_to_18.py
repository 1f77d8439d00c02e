"""Schemes 16 to 18 of referral.md, section 6, played over HTTP: the cheat gets nothing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from api.v1 import OPERATIONS
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import change_staff
from tests.support import justice, story
from tests.support.clock import TestClock
from tests.support.licence_pictures import sample
from tests.support.past import at_work
from tests.support.refusals import (
    BUYER,
    OWNER,
    PAID,
    decide,
    eight_at_once,
    postings,
    refused_in_sql,
    stands,
    steps,
    turned_away,
)
from tests.support.shop import Shop, hire
from tests.support.story import ok

ON_REFERRAL = [
    operation
    for operation in OPERATIONS
    if operation.writes and operation.path.startswith("/v1/referrals/<uuid:referral_id>/")
]


def relative_of(shop: Shop, role: str, phone: str) -> uuid.UUID:
    """Somebody with this role whose relative has this number, as he declared."""
    person = hire(shop, role)
    ok(shop.post("dealer_admin", f"/v1/staff/{person}/relatives", {"phone": phone}))
    return person


def with_roles(shop: Shop, person: uuid.UUID, *roles: Role) -> None:
    with at_work(shop) as uow:
        change_staff(uow, person, version=1, roles=list(roles), team="office", active=True)


@pytest.mark.parametrize("phone", [BUYER, OWNER], ids=["the buyer", "the owner"])
def test_abuse_16_a_relative_of_a_party_decides_at_no_step_and_others_do(
    shop: Shop, clock: TestClock, phone: str
) -> None:
    zhang_san = story.owner(shop)
    referral = story.submitted(shop)
    relatives = {
        role: relative_of(shop, role, phone)
        for role in ("duty_manager", "showroom_manager", "finance")
    }

    def refuse(role: str, what: str, body: Any = None) -> None:
        answer = decide(shop, role, referral, what, body, subject=relatives[role])
        turned_away(answer, 403, "party_or_relative")

    refuse("duty_manager", "confirmations")
    referral = story.confirmed(shop, referral)
    story.order(shop)
    story.delivery(shop)
    story.nominated(shop, referral)
    refuse("showroom_manager", "licence-checks", story.LICENCE)
    story.checked(shop, story.read(shop, referral["id"]))
    referral = story.called(shop, honest=True)
    clock.add(days=16)
    refuse("finance", "reward-payments")
    assert story.balance(shop, zhang_san) == 0
    assert ok(decide(shop, "finance", referral, "reward-payments"))["state"] == "rewarded"
    assert story.balance(shop, zhang_san) == 200
    assert {str(each) for each in relatives.values()}.isdisjoint(
        step["actor_id"] for step in steps(shop, referral)
    )
    duty = "INSERT INTO referral_duty VALUES (:id, :who, app_dealer(), 'judge', now())"
    values = {"id": referral["id"], "who": relatives["finance"]}
    assert refused_in_sql(shop, duty, **values) == "ck_referral_duty_impartial"


def test_abuse_16_a_number_changed_first_makes_nobody_less_a_relative(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    referral = story.delivered(shop)
    manager = relative_of(shop, "showroom_manager", OWNER)
    path = f"/v1/members/{zhang_san}/changes"
    ok(shop.post("duty_manager", path, {"phone": "13800138777"}, version=1))
    answer = decide(shop, "showroom_manager", referral, "licence-checks", story.LICENCE)
    assert ok(answer)["referral_state"] == "calling"
    judged = decide(shop, "showroom_manager", referral, "narrative-reveals", subject=manager)
    turned_away(judged, 409, "nothing_to_judge")
    duty = "INSERT INTO referral_duty VALUES (:id, :who, app_dealer(), 'judge', now())"
    refusal = refused_in_sql(shop, duty, id=referral["id"], who=manager)
    assert refusal == "ck_referral_duty_impartial"


def test_abuse_16_nobody_approves_what_he_reported_himself_or_is_a_party_of(shop: Shop) -> None:
    story.owner(shop)
    both = shop.people["consultant"]
    with_roles(shop, both, Role.CONSULTANT, Role.DUTY_MANAGER)
    referral = story.submitted(shop)
    own = decide(shop, "duty_manager", referral, "confirmations", subject=both)
    turned_away(own, 403, "separation_of_duties")
    assert stands(shop, referral) == ("submitted", None)
    himself = hire(shop, "duty_manager", phone=OWNER)
    refused = ok(decide(shop, "duty_manager", referral, "confirmations", subject=himself))
    assert (refused["state"], refused["reason"]) == ("refused", "owner_is_staff")
    assert postings(shop) == {}


def test_abuse_16_a_judge_of_judgement_or_appeal_stands_aside_for_a_relative(shop: Shop) -> None:
    referral = justice.doubted(shop)
    judge = relative_of(shop, "showroom_manager", BUYER)
    turned_away(justice.said(shop, referral, "accept", judge), 403, "party_or_relative")
    for other in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "reject", other))
    appeal = ok(justice.appealed(shop, referral))
    kin = relative_of(shop, "programme_admin", OWNER)
    turned_away(
        justice.decided(shop, appeal, "upheld", subject=kin),
        403,
        "party_or_relative",
    )
    assert stands(shop, referral) == ("refused", "judged_not_proven")
    assert ok(justice.decided(shop, appeal, "upheld"))["state"] == "upheld"


@pytest.mark.parametrize("phone", [BUYER, OWNER], ids=["the buyer", "the owner"])
def test_abuse_16_a_relative_is_never_drawn_to_call(shop: Shop, phone: str) -> None:
    """Nor is the check refused for it, which would let a manager wait for another day's draw."""
    relatives = [shop.people["callback_agent"], hire(shop, "callback_agent")]
    for agent in relatives:
        ok(shop.post("dealer_admin", f"/v1/staff/{agent}/relatives", {"phone": phone}))
    stranger = hire(shop, "callback_agent")
    story.owner(shop)
    story.calling(shop)
    assert story.desk(shop)["agent"] == stranger


@pytest.mark.parametrize(
    "reach",
    [story.submitted, justice.refused, story.delivered, story.calling],
    ids=["submitted", "refused", "delivered", "calling"],
)
def test_abuse_17_no_operation_leads_around_check_and_call(
    shop: Shop, reach: Callable[[Shop], dict[str, Any]]
) -> None:
    zhang_san = shop.people["owner"] = story.owner(shop)
    referral = reach(shop)
    path, version = f"/v1/referrals/{referral['id']}", referral["version"]
    for operation in ON_REFERRAL:
        for role in operation.roles:
            there = operation.path.replace("/v1/referrals/<uuid:referral_id>", path)
            answer = shop.post(role, there, sample(operation), version=version)
            assert answer.status_code < 500, (operation.name, role)
            now = story.read(shop, referral["id"])
            assert now["state"] not in PAID, (operation.name, role)
            version = now["version"]
    assert (postings(shop), story.balance(shop, zhang_san)) == ({}, 0)


@pytest.mark.parametrize("reach", [story.delivered, story.calling], ids=["delivered", "calling"])
def test_abuse_17_sql_itself_verifies_nothing_without_check_and_call(
    shop: Shop, reach: Callable[[Shop], dict[str, Any]]
) -> None:
    story.owner(shop)
    referral = reach(shop)
    by_hand = "UPDATE referral SET state = :state, verified_at = now() WHERE id = :id"
    for state in sorted(PAID):
        refusal = refused_in_sql(shop, by_hand, state=state, id=referral["id"])
        assert refusal == "ck_referral_called"


def test_abuse_17_what_people_accept_needs_two_a_call_and_the_hold(
    shop: Shop, clock: TestClock
) -> None:
    referral = justice.doubted(shop)
    first, second = justice.bench(shop, 2)
    assert ok(justice.said(shop, referral, "accept", first))["moved"] is False
    turned_away(justice.said(shop, referral, "accept", first), 409, "already_judged")
    by_hand = "UPDATE referral SET state = 'verified', verified_at = now() WHERE id = :id"
    assert refused_in_sql(shop, by_hand, id=referral["id"]) == "ck_referral_judged"
    assert ok(justice.said(shop, referral, "accept", second))["referral_state"] == "reward_held"
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "reward_on_hold")
    with_roles(shop, second, Role.SHOWROOM_MANAGER, Role.FINANCE)
    clock.add(days=16)
    by_judge = decide(shop, "finance", referral, "reward-payments", subject=second)
    turned_away(by_judge, 403, "separation_of_duties")
    assert postings(shop) == {}
    assert ok(decide(shop, "finance", referral, "reward-payments"))["state"] == "rewarded"


def test_abuse_17_two_people_cannot_accept_what_nobody_was_called_for(
    shop: Shop, clock: TestClock
) -> None:
    referral = justice.unheard(shop, clock)
    for judge in justice.bench(shop, 2):
        turned_away(justice.said(shop, referral, "accept", judge), 409, "no_call_to_rely_on")
    assert stands(shop, referral)[0] == "adjudication"


@pytest.mark.parametrize("one_key", [True, False], ids=["replayed", "parallel"])
def test_abuse_18_every_decision_to_the_reward_counts_once(
    shop: Shop, clock: TestClock, one_key: bool
) -> None:
    zhang_san = story.owner(shop)
    report = story.report(shop)
    late = ("version_changed", "transition_not_allowed")

    def pressed(
        role: str, path: str, body: Any = None, *codes: str, version: int | None = 1
    ) -> Any:
        return eight_at_once(
            lambda key: shop.post(role, path, body, key=key, version=version),
            *codes,
            one_key=one_key,
        )

    referral = pressed("consultant", "/v1/referrals", report, "buyer_already_referred")
    path = f"/v1/referrals/{referral['id']}"
    referral = pressed("duty_manager", f"{path}/confirmations", {}, *late)
    story.order(shop)
    story.delivery(shop)
    story.nominated(shop, referral)
    version = story.read(shop, referral["id"])["version"]
    pressed("showroom_manager", f"{path}/licence-checks", story.LICENCE, *late, version=version)
    referral = story.called(shop, honest=True)
    clock.add(days=16)
    paid = pressed("finance", f"{path}/reward-payments", {}, *late, version=referral["version"])
    assert paid["state"] == "rewarded"
    assert (postings(shop), story.balance(shop, zhang_san)) == ({"referral_reward": 1}, 200)
    events = [step["event"] for step in steps(shop, referral)]
    assert len(events) == len(set(events))
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "transition_not_allowed")


@pytest.mark.parametrize("one_key", [True, False], ids=["replayed", "parallel"])
def test_abuse_18_judgements_and_appeals_count_once(shop: Shop, one_key: bool) -> None:
    referral = justice.doubted(shop)
    judges, late = justice.bench(shop, 2), ("version_changed", "verdict_not_now", "already_judged")
    for judge in judges:
        eight_at_once(
            lambda key, who=judge: justice.said(shop, referral, "reject", who, key=key),  # type: ignore[misc]
            *late,
            one_key=one_key,
        )
    appeal = eight_at_once(
        lambda key: shop.post(
            "consultant", f"/v1/referrals/{referral['id']}/appeals", {"words": "请再查"}, key=key
        ),
        "appealed_already",
        one_key=one_key,
    )
    eight_at_once(
        lambda key: justice.decided(shop, appeal, "upheld", key=key),
        "appeal_decided",
        one_key=one_key,
    )
    events = [step["event"] for step in steps(shop, referral)]
    assert (events.count("reject"), events.count("reopen_judgement")) == (1, 1)
    assert (stands(shop, referral)[0], postings(shop)) == ("adjudication", {})


def test_abuse_18_the_key_of_one_person_or_request_opens_nothing_for_another(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    ok(decide(shop, "finance", referral, "reward-payments", key="pay-1"))
    other = hire(shop, "finance")
    again = decide(shop, "finance", referral, "reward-payments", key="pay-1", subject=other)
    turned_away(again, 422, "idempotency_key_reused")
    replayed = shop.post(
        "finance",
        f"/v1/referrals/{uuid.uuid4()}/reward-payments",
        key="pay-1",
        version=referral["version"],
    )
    turned_away(replayed, 422, "idempotency_key_reused")
    assert postings(shop) == {"referral_reward": 1}
