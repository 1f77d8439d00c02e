"""From the sale to the reward: sale events, licence, draw, call, payment."""

import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from api.commands.work import unit_of_work
from api.service import Service
from kernel.database import Database
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.continue_calls import begin_second_calls, end_overdue_calls, replace_absent_agents
from referral.expire import expire_due
from referral.moves import FIRST_HASH, step_hash
from referral.queries import history
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire


@pytest.fixture
def owner_session(service: Service) -> Iterator[Session]:
    owner = Database(service.settings.database_url, role=None)
    with Session(owner.engine) as session:
        yield session
        session.rollback()
    owner.dispose()


def test_delivery_told_before_the_order_is_applied_when_the_order_comes(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    ordered_at = story.now(shop)
    story.delivery(shop)
    assert story.read(shop, referral["id"])["state"] == "registered"
    story.order(shop, occurred_at=ordered_at)
    assert story.read(shop, referral["id"])["state"] == "delivered"


def test_a_sale_event_told_twice_changes_nothing(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    body = {
        "external_ref": {"source": "crm", "id": "ONCE"},
        "kind": "order",
        "order_no": "DD-9",
        "occurred_at": story.now(shop),
        "buyer_phone": "13900139000",
    }
    first = shop.post("crm", "/v1/sale-events", body)
    again = shop.post("crm", "/v1/sale-events", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert story.read(shop, referral["id"])["version"] == referral["version"] + 1


def test_a_cancelled_sale_pays_nothing_though_the_reward_was_held(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reward"]["state"]) == ("cancelled", "cancelled")
    clock.add(days=16)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    answer = shop.post("finance", path, version=referral["version"])
    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")


@pytest.mark.parametrize(
    ("licence", "reason"),
    [
        ({"vin": "LSVAA4183E2000001"}, "licence_vin_mismatch"),
        ({"owner_name": "王五"}, "licence_owner_mismatch"),
        ({"plate_no": "京A54321"}, "licence_plate_mismatch"),
        ({"vin": ""}, "licence_unreadable"),
    ],
)
def test_a_licence_that_does_not_agree_gets_one_resubmission_by_another_manager(
    shop: Shop, licence: dict[str, str], reason: str
) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    failed = story.checked(shop, referral, **licence)
    assert (failed["referral_state"], failed["reason"]) == ("check_failed", reason)
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    same = shop.post("showroom_manager", path, story.LICENCE, version=failed["version"])
    assert same.json["code"] == "another_manager_must_check"
    other = hire(shop, "showroom_manager")
    passed = shop.post(
        "showroom_manager", path, story.LICENCE, version=failed["version"], subject=other
    )
    assert story.ok(passed)["referral_state"] == "calling"


def test_a_second_failed_licence_check_refuses_the_referral(shop: Shop) -> None:
    story.owner(shop)
    referral = story.delivered(shop)
    failed = story.checked(shop, referral, owner_name="王五")
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    body = story.LICENCE | {"owner_name": "王五"}
    other = hire(shop, "showroom_manager")
    answer = shop.post("showroom_manager", path, body, version=failed["version"], subject=other)
    assert story.ok(answer)["referral_state"] == "refused"


def test_a_second_draw_is_impossible_in_the_database(shop: Shop, owner_session: Session) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    key = {"id": referral["id"]}
    copy = (
        "INSERT INTO draw SELECT referral_id, purpose, dealer_id,"
        " CASE party WHEN 'buyer' THEN 'owner' ELSE 'buyer' END, commitment, catalogue_hash,"
        " selector_version, entropy_on, seed, drawn_at, plan, wanted_plan, sampled,"
        " sample_percent, agents, entropy_hash FROM draw WHERE referral_id = :id"
    )
    for statement, error in (
        (copy, IntegrityError),
        ("UPDATE draw SET party = 'owner' WHERE referral_id = :id", DBAPIError),
        ("DELETE FROM draw WHERE referral_id = :id", DBAPIError),
    ):
        with pytest.raises(error), owner_session.begin_nested():
            owner_session.execute(text(statement), key)


def test_the_report_cannot_be_edited_after_it_was_made(shop: Shop) -> None:
    story.owner(shop)
    story.submitted(shop)
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text("UPDATE referral SET slip = ''"))


def test_an_agent_of_the_consultants_team_is_never_drawn(shop: Shop) -> None:
    story.owner(shop)
    for _ in range(3):
        hire(shop, "callback_agent", team="sales-a")
    referral = story.calling(shop)
    with shop.service.database.transaction(shop.dealer_id) as session:
        among = session.scalars(
            text("SELECT unnest(agents) FROM draw WHERE referral_id = :id"), {"id": referral["id"]}
        ).all()
    assert among == [shop.people["callback_agent"]]


def test_without_an_agent_outside_the_team_the_check_waits_and_nothing_is_lost(
    shop: Shop,
) -> None:
    story.owner(shop)
    change = {"roles": ["callback_agent"], "team": "sales-a", "active": True}
    agent = shop.people["callback_agent"]
    story.ok(shop.post("dealer_admin", f"/v1/staff/{agent}/changes", change, version=1))
    referral = story.delivered(shop)
    path = f"/v1/referrals/{referral['id']}/licence-checks"
    answer = shop.post("showroom_manager", path, story.LICENCE, version=referral["version"])
    assert (answer.status_code, answer.json["code"]) == (409, "no_callback_agent")
    hire(shop, "callback_agent")
    assert story.checked(shop, referral)["referral_state"] == "calling"


def test_another_agent_sees_nothing_of_the_call(shop: Shop) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    other = hire(shop, "callback_agent")
    path = f"/v1/callbacks/{call['id']}"
    assert shop.get("callback_agent", path, subject=other).status_code == 404
    body = {"position": 1, "said": "answered", "text": "x"}
    assert shop.post("callback_agent", f"{path}/answers", body, subject=other).status_code == 404


def test_questions_are_answered_one_by_one_and_never_twice(shop: Shop) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    path = f"/v1/callbacks/{call['id']}/answers"
    ahead = {"position": 2, "said": "answered", "text": "x"}
    assert shop.post("callback_agent", path, ahead).json["code"] == "question_not_current"
    story.answer(shop, call, honest=True)
    again = {"position": 1, "said": "answered", "text": "x"}
    assert shop.post("callback_agent", path, again).json["code"] == "question_not_current"


def test_a_phone_is_revealed_in_an_open_call_only_and_the_look_is_kept(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    sales.policy(shop, calling_from_hour=0, calling_until_hour=24)
    path = f"/v1/callbacks/{call['id']}/phone-reveals"
    phone = story.ok(shop.post("callback_agent", path, {"reason": "first_call"}))["phone"]
    assert phone == ("+8613900139000" if call["party"] == "buyer" else "+8613800138000")
    with shop.service.database.transaction(shop.dealer_id) as session:
        kept = session.scalar(
            text("SELECT count(*) FROM audit_event WHERE action = 'phone.revealed'")
        )
    assert kept == 1
    story.called(shop, honest=True)
    closed = shop.post("callback_agent", path, {"reason": "call_again"})
    assert closed.json["code"] == "callback_closed"
    assert story.read(shop, referral["id"])["state"] == "reward_held"


def test_an_invoice_dated_long_ago_does_not_shorten_the_hold(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    car = story.GOLF | {"invoice_no": "FP-7", "invoiced_on": "2020-01-01"}
    story.delivery(shop, car=car)
    story.nominated(shop, referral)
    story.checked(shop, story.read(shop, referral["id"]))
    referral = story.called(shop, honest=True)
    clock.add(days=13)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    answer = shop.post("finance", path, version=referral["version"])
    assert answer.json["code"] == "reward_on_hold"


def test_finance_that_took_another_step_cannot_pay(shop: Shop, clock: TestClock) -> None:
    referral = story.verified_referral(shop)
    manager = shop.people["showroom_manager"]
    change = {"roles": ["showroom_manager", "finance"], "team": "office", "active": True}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{manager}/changes", change, version=1))
    clock.add(days=16)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    answer = shop.post("finance", path, version=referral["version"], subject=manager)
    assert (answer.status_code, answer.json["code"]) == (403, "separation_of_duties")


def test_sixteen_payments_at_once_pay_once(shop: Shop, clock: TestClock) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    gate, seen = threading.Barrier(16), []

    def pay() -> None:
        gate.wait()
        seen.append(shop.post("finance", path, version=referral["version"]).status_code)

    threads = [threading.Thread(target=pay) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [201, *[412] * 15]
    assert story.balance(shop, uuid.UUID(referral["owner_id"])) == 200


def test_timers_move_waiting_referrals_to_expired_and_only_there(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    clock.add(days=89)
    assert _expire(shop) == 0
    clock.add(days=1)
    assert _expire(shop) == 1
    assert _expire(shop) == 0
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("expired", "timeout_fail_closed")


def test_a_call_nobody_made_ends_and_the_other_party_is_called(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    other_agent = hire(shop, "callback_agent")
    clock.add(days=7)
    assert _night(shop, end_overdue_calls) == 1
    assert _expire(shop) == 0
    path = f"/v1/callbacks/{call['id']}"
    assert story.ok(shop.get("callback_agent", path), 200)["state"] == "closed"
    second = story.desk(shop)
    assert (second["agent"], second["party"] == call["party"]) == (other_agent, False)
    steps = story.ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/history"), 200)["items"]
    assert [(step["to_state"], step["reason"]) for step in steps[-2:]] == [
        ("inconclusive", "call_record_missing"),
        ("calling", None),
    ]


def test_a_second_call_waits_for_an_agent_and_then_begins(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    assert story.called(shop, honest=False)["state"] == "failed"
    assert _night(shop, begin_second_calls) == 0
    hire(shop, "callback_agent")
    assert _night(shop, begin_second_calls) == 1
    assert story.called(shop, honest=False)["state"] == "fraud_suspected"
    assert story.read(shop, referral["id"])["reason"] == "callback_two_wrong"


def test_an_agent_who_left_is_replaced_before_he_began(shop: Shop) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    change = {"roles": ["callback_agent"], "team": "call-desk", "active": False}
    agent = shop.people["callback_agent"]
    story.ok(shop.post("dealer_admin", f"/v1/staff/{agent}/changes", change, version=1))
    assert _night(shop, replace_absent_agents) == 0
    fresh = hire(shop, "callback_agent")
    shop.agents.remove(agent)
    assert _night(shop, replace_absent_agents) == 1
    assert (story.desk(shop)["id"], story.desk(shop)["agent"]) == (call["id"], fresh)
    assert story.called(shop, honest=True)["state"] == "reward_held"


def test_a_cancelled_sale_ends_the_open_call(shop: Shop) -> None:
    story.owner(shop)
    story.calling(shop)
    call = story.desk(shop)
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    body = {"position": 1, "said": "answered", "text": "x"}
    answer = shop.post("callback_agent", f"/v1/callbacks/{call['id']}/answers", body)
    assert answer.json["code"] == "callback_closed"


def _expire(shop: Shop) -> int:
    return _night(shop, expire_due)


def _night(shop: Shop, work: Callable[[UnitOfWork], int]) -> int:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="nightly") as uow:
        return work(uow)


def test_every_step_is_kept_with_actor_reason_and_the_hash_before(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    path = f"/v1/referrals/{referral['id']}/history"
    steps = story.ok(shop.get("auditor", path), 200)["items"]
    assert [step["to_state"] for step in steps] == [
        "submitted",
        "registered",
        "ordered",
        "delivered",
        "checked",
        "calling",
        "verified",
        "reward_held",
    ]
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        rows = history(uow, uuid.UUID(referral["id"]))
        previous = FIRST_HASH
        for row in rows:
            assert (row.previous_hash, row.hash) == (previous, step_hash(row))
            previous = row.hash
        rows[3].reason = "cap_reached"
        assert step_hash(rows[3]) != rows[3].hash
        uow.session.expunge_all()


def test_the_owner_follows_his_own_referral_and_sees_no_buyer_in_full(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    owner = uuid.UUID(referral["owner_id"])
    mine = story.ok(shop.get("owner", "/v1/referrals", subject=owner), 200)["items"]
    assert [(row["id"], row["buyer_name"]) for row in mine] == [(referral["id"], "李*")]
    stranger = story.member(shop, phone="13800138111")
    path = f"/v1/referrals/{referral['id']}"
    assert shop.get("owner", path, subject=stranger).status_code == 404
