"""Schemes 28 to 30 of referral.md, section 6, played over HTTP: the cheat gets nothing."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from api.v1 import OPERATIONS
from kernel.audit import Chain, tip_of, verify_chain
from kernel.database import owner_session
from loyalty.dealers.roles import Role
from referral.continue_calls import end_overdue_calls
from tests.support import justice, sales, story
from tests.support.clock import TestClock
from tests.support.licence_pictures import sample
from tests.support.refusals import (
    decide,
    refused_in_sql,
    stands,
    steps,
    turned_away,
)
from tests.support.shop import Shop, hire
from tests.support.story import ok

BY_ID = [
    operation
    for operation in OPERATIONS
    if re.search(r"<uuid:(referral|callback|case|appeal)_id>", operation.path)
]


def chain_of(shop: Shop) -> Chain:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return verify_chain(session, shop.dealer_id)


def test_abuse_28_no_id_of_another_dealer_and_no_foreign_role_moves_a_referral(
    shop: Shop, other_shop: Shop
) -> None:
    shop.people["owner"] = story.owner(shop)
    other_shop.people["owner"] = story.owner(other_shop)
    ids = justice.before_people(shop)
    referral = story.calling(shop)
    ids |= {"referral_id": referral["id"], "callback_id": story.desk(shop)["id"]}
    before = steps(shop, referral)
    for operation in BY_ID:
        path = re.sub(r"<uuid:(\w+)>", lambda name: ids[name[1]], operation.path)

        def ask(there: Shop, role: str, path: str = path, operation: Any = operation) -> Any:
            if not operation.writes:
                return there.get(role, path)
            return there.post(role, path, sample(operation), version=referral["version"])

        lacking = set(Role) - {Role.SYSTEM, *operation.roles}
        for role in lacking if operation.writes else lacking & {Role.CALLBACK_AGENT, Role.FINANCE}:
            turned_away(ask(shop, role), 403, "role_lacks")
        for role in operation.roles:
            assert ask(other_shop, role).status_code == 404, (operation.name, role)
    assert steps(shop, referral) == before
    turned_away(
        shop.get("dealer_admin", "/v1/referrals", subject=uuid.uuid4()),
        401,
        "token_subject_unknown",
    )


def test_abuse_29_who_is_honest_and_failed_the_first_call_is_paid_after_two_people(
    shop: Shop, clock: TestClock
) -> None:
    hire(shop, "callback_agent")
    zhang_san = story.owner(shop)
    story.calling(shop)
    first = story.desk(shop)["party"]
    failed = story.called(shop, honest=False)
    assert failed["state"] == "calling"
    assert story.desk(shop)["party"] != first
    referral = story.called(shop, honest=True)
    assert referral["state"] == "adjudication"
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "accept", judge))
    clock.add(days=16)
    assert ok(decide(shop, "finance", referral, "reward-payments"))["state"] == "rewarded"
    assert story.balance(shop, zhang_san) == 200


def test_abuse_29_a_call_nobody_made_is_not_the_customers_fault(
    shop: Shop, clock: TestClock
) -> None:
    hire(shop, "callback_agent")
    zhang_san = story.owner(shop)
    story.calling(shop)
    clock.add(days=8)
    justice.night(shop, end_overdue_calls)
    referral = story.called(shop, honest=True)
    assert (referral["state"], referral["reason"]) == ("adjudication", "call_record_missing")
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "accept", judge))
    clock.add(days=16)
    ok(decide(shop, "finance", referral, "reward-payments"))
    assert story.balance(shop, zhang_san) == 200


def test_abuse_29_in_a_strict_house_he_learns_why_appeals_in_time_and_is_paid(
    shop: Shop, clock: TestClock
) -> None:
    sales.policy(shop, house_rule_strict=True)
    hire(shop, "callback_agent")
    zhang_san = story.owner(shop)
    story.calling(shop)
    referral = story.called(shop, honest=False)
    path = f"/v1/referrals/{referral['id']}"
    mine = ok(shop.get("owner", path, subject=zhang_san), 200)
    assert (mine["state"], mine["reason"]) == ("failed", "callback_two_wrong")
    told = ok(shop.get("owner", f"{path}/appeals", subject=zhang_san), 200)["decision"]
    until = story.instant(told["appeal_until"]) - story.instant(told["decided_at"])
    assert until.days == 7
    ok(justice.decided(shop, ok(justice.appealed(shop, referral, "owner")), "upheld"))
    judges = justice.bench(shop, 2)
    for judge in judges:
        ok(justice.said(shop, justice.read(shop, referral), "call_once_more", judge))
    again = story.called(shop, honest=True)
    for judge in judges:
        ok(justice.said(shop, again, "accept", judge))
    clock.add(days=16)
    ok(decide(shop, "finance", referral, "reward-payments"))
    assert story.balance(shop, zhang_san) == 200


def test_abuse_29_an_honest_consultant_is_heard_and_cleared_without_a_penalty(shop: Shop) -> None:
    referral = justice.suspected(shop)
    justice.stated(shop, referral)
    for judge in justice.bench(shop, 2):
        ok(justice.said(shop, referral, "clear", judge))
    assert stands(shop, referral) == ("cleared", "judged_honest")
    assert ok(shop.get("auditor", "/v1/penalties"), 200)["items"] == []


@pytest.mark.parametrize(
    ("cheat", "fault"),
    [
        ("UPDATE audit_event SET actor_id = 'x' WHERE id = :event", "changed"),
        ("DELETE FROM audit_event WHERE id = :event", "missing"),
        ("tail", "anchor"),
        ("rewritten", "anchor"),
    ],
)
def test_abuse_30_a_tail_deleted_or_rewritten_is_seen_against_the_anchor(
    shop: Shop, cheat: str, fault: str
) -> None:
    """By a superuser who switches every trigger off; the service itself may not even begin."""
    story.owner(shop)
    story.confirmed(shop, story.submitted(shop))
    for table in ("audit_event", "audit_link"):
        for verb in (f"DELETE FROM {table}", f"UPDATE {table} SET dealer_id = dealer_id"):
            assert "permission denied" in (refused_in_sql(shop, verb) or "")
    with owner_session(shop.service.settings.database_url) as session:
        kept = tip_of(session, shop.dealer_id)
        assert kept is not None
        session.execute(text("SET LOCAL session_replication_role = replica"))
        values = {"dealer": shop.dealer_id, "seq": kept.seq - 2}
        last = "SELECT event_id FROM audit_link WHERE dealer_id = :dealer AND seq = :seq + 2"
        values["event"] = session.scalars(text(last), values).one()
        for statement in [cheat] if " " in cheat else [*CUT, *(AGAIN if cheat != "tail" else ())]:
            session.execute(text(statement), values)
        session.expire_all()
        found = verify_chain(session, shop.dealer_id, kept).fault
        assert found is not None
        assert found.what == fault
        if fault == "anchor":
            assert verify_chain(session, shop.dealer_id).fault is None
        session.rollback()
    assert chain_of(shop).fault is None


_TAIL = "dealer_id = :dealer AND seq > :seq"
CUT = (
    f"DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_link WHERE {_TAIL})",
    f"DELETE FROM audit_link WHERE {_TAIL}",
    "UPDATE audit_tip SET seq = :seq, hash = (SELECT hash FROM audit_link"
    " WHERE dealer_id = :dealer AND seq = :seq) WHERE dealer_id = :dealer",
)
AGAIN = (
    "INSERT INTO audit_event SELECT gen_random_uuid(), dealer_id, at, 'somebody', actor_role,"
    " client, action, subject_id, request_id, details FROM audit_event"
    " WHERE dealer_id = :dealer ORDER BY id LIMIT 1",
    "INSERT INTO audit_pending SELECT dealer_id, id, false FROM audit_event"
    " WHERE dealer_id = :dealer AND actor_id = 'somebody'",
    "SELECT audit_seal(:dealer, 10)",
)
