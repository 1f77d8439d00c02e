"""A reward taken back: the sale undone after the payment, arrears, exactly once, suspicion."""

import uuid
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from api.commands.work import unit_of_work
from kernel.errors import Conflict
from loyalty.dealers.roles import Role
from referral.claw_back import reverse_rewards
from referral.justice.fraud import open_case
from referral.moves import locked
from referral.reasons import Reason
from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop


def books(shop: Shop, referral: dict[str, Any]) -> dict[str, Any]:
    member = referral["owner_id"]
    path = f"/v1/members/{member}/balance"
    return story.ok(shop.get("owner", path, subject=uuid.UUID(member)), 200)


@pytest.mark.parametrize(
    ("kind", "reason"), [("cancellation", "sale_cancelled"), ("return", "sale_returned")]
)
def test_a_sale_undone_after_the_payment_takes_the_points_back(
    shop: Shop, clock: TestClock, kind: str, reason: str
) -> None:
    referral = sales.rewarded(shop, clock)
    assert books(shop, referral)["available"] == 200
    story.ok(sales.sale_event(shop, kind))
    after = story.read(shop, referral["id"])
    assert (after["state"], after["reason"]) == ("reversed", reason)
    assert after["reward"]["state"] == "reversed"
    assert after["reward"]["paid_at"] == referral["reward"]["paid_at"]
    assert (books(shop, referral)["available"], books(shop, referral)["arrears"]) == (0, 0)


def test_an_older_order_told_after_the_payment_takes_the_points_back(
    shop: Shop, clock: TestClock
) -> None:
    before = story.now(shop)
    referral = sales.rewarded(shop, clock)
    story.order(shop, order_no="DD-EARLIER", occurred_at=before)
    after = story.read(shop, referral["id"])
    assert (after["state"], after["reason"]) == ("reversed", "registered_after_order")
    assert books(shop, referral)["available"] == 0


def test_points_already_spent_are_owed_and_later_ones_settle_the_debt(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    owner = sales.owner_of(referral)
    body = {"member_id": str(owner), "reward_id": story.reward(shop, points=150)}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=owner))
    sales.returned(shop)
    assert (books(shop, referral)["available"], books(shop, referral)["arrears"]) == (0, 150)
    story.earn(shop, owner, 1000)
    assert books(shop, referral)["arrears"] == 0


def test_a_return_after_a_cancellation_takes_nothing_back_again(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    sales.cancelled(shop)
    sales.returned(shop)
    assert (books(shop, referral)["available"], books(shop, referral)["arrears"]) == (0, 0)
    steps = story.ok(shop.get("auditor", f"/v1/referrals/{referral['id']}/history"), 200)["items"]
    assert [step["to_state"] for step in steps][-2:] == ["rewarded", "reversed"]


def test_sixteen_returns_at_once_take_back_once(shop: Shop, clock: TestClock) -> None:
    referral = sales.rewarded(shop, clock)
    at = story.now(shop)
    seen = at_once(16, lambda _: sales.sale_event(shop, "return", occurred_at=at).status_code)
    assert seen == {201: 1, 409: 15}
    assert (books(shop, referral)["available"], books(shop, referral)["arrears"]) == (0, 0)
    with shop.service.database.transaction(shop.dealer_id) as session:
        rows = "SELECT count(*) FROM posting_set WHERE source = 'referral_reversal'"
        assert session.scalar(text(rows)) == 1


def test_a_return_and_the_payment_at_once_leave_nobody_with_points(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    at = story.now(shop)

    def act(number: int) -> int:
        if number:
            return sales.sale_event(shop, "return", occurred_at=at).status_code
        return sales.payment(shop, referral).status_code

    at_once(2, act)
    after = story.read(shop, referral["id"])
    assert after["state"] in {"reversed", "cancelled"}
    assert after["reward"]["state"] == after["state"]
    assert books(shop, referral)["available"] == 0


def test_the_database_itself_lets_no_reward_be_reversed_without_its_posting(
    shop: Shop, clock: TestClock
) -> None:
    sales.rewarded(shop, clock)
    with (
        pytest.raises(IntegrityError, match="ck_referral_reward_reversed"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text("UPDATE referral_reward SET state = 'reversed', reversed_at = now()"))


def test_the_database_itself_lets_no_second_reward_of_one_side_count(
    shop: Shop, clock: TestClock
) -> None:
    sales.rewarded(shop, clock)
    with (
        pytest.raises(IntegrityError, match="uq_referral_reward_once"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(
            text(
                "INSERT INTO referral_reward (id, dealer_id, referral_id, member_id, rule_id,"
                " rule_version, nth, points, state, held_at, release_at) SELECT :id, dealer_id,"
                " referral_id, member_id, rule_id, rule_version + 1, nth + 1, points, 'held',"
                " held_at, release_at FROM referral_reward"
            ),
            {"id": uuid.uuid4()},
        )


def test_a_suspect_does_not_slip_away_by_cancelling_the_sale(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    _state(shop, referral, "fraud_suspected")
    told = sales.cancelled(shop)
    assert told["referral_id"] == referral["id"]
    assert story.read(shop, referral["id"])["state"] == "fraud_suspected"
    path = f"/v1/referrals/{referral['id']}/withdrawals"
    answer = shop.post("crm", path, {"party": "buyer"})
    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")
    with shop.service.database.transaction(shop.dealer_id) as session:
        kept = "SELECT details ->> 'reason' FROM audit_event WHERE action = 'referral.contradicted'"
        assert session.scalars(text(kept)).all() == ["sale_cancelled"]


def test_a_sale_undone_before_an_appeal_brought_the_referral_back_is_not_paid(
    shop: Shop, clock: TestClock
) -> None:
    referral = story.verified_referral(shop)
    _state(shop, referral, "refused")
    sales.returned(shop)
    _state(shop, referral, "reward_held")
    clock.add(days=16)
    ended = story.ok(sales.payment(shop, referral))
    assert (ended["state"], ended["reason"]) == ("cancelled", "sale_returned")
    assert (ended["reward"]["state"], books(shop, referral)["available"]) == ("cancelled", 0)


def test_consent_taken_back_while_the_reward_is_held_cancels_it(shop: Shop) -> None:
    referral = story.verified_referral(shop)
    path = f"/v1/referrals/{referral['id']}/withdrawals"
    ended = story.ok(shop.post("crm", path, {"party": "buyer"}))
    assert (ended["state"], ended["reward"]["state"]) == ("withdrawn", "cancelled")


def test_consent_taken_back_during_the_call_ends_the_call(shop: Shop) -> None:
    story.owner(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    story.ok(shop.post("crm", f"/v1/referrals/{referral['id']}/withdrawals", {"party": "buyer"}))
    path = f"/v1/callbacks/{call['id']}"
    closed = story.ok(shop.get("callback_agent", path, subject=call["agent"]), 200)
    assert closed["state"] == "closed"


def test_what_was_paid_is_not_withdrawn(shop: Shop, clock: TestClock) -> None:
    referral = sales.rewarded(shop, clock)
    path = f"/v1/referrals/{referral['id']}/withdrawals"
    answer = shop.post("crm", path, {"party": "owner"})
    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")


def test_what_was_taken_back_is_not_taken_back_again(shop: Shop, clock: TestClock) -> None:
    referral = sales.rewarded(shop, clock)
    sales.returned(shop)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        row = locked(uow, uuid.UUID(referral["id"]))
        with pytest.raises(Conflict, match="transition_not_allowed"):
            reverse_rewards(uow, row, reason=Reason.SALE_RETURNED)


def _state(shop: Shop, referral: dict[str, Any], state: str) -> None:
    """As if people had decided so: the state, which is what the sale's events look at, and the case
    that a suspicion opens."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        open_case(uow, locked(uow, uuid.UUID(referral["id"])), Reason.CALLBACK_TWO_WRONG)
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text("UPDATE referral SET state = :state, due_at = NULL WHERE id = :id"),
            {"state": state, "id": referral["id"]},
        )
