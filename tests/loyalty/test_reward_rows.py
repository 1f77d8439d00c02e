"""What the database itself holds of redemptions, steps and codes, whatever the service does."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support import codes as pools
from tests.support import rewards, story
from tests.support.codes import act, coded, redeemed, saver
from tests.support.shop import Shop

_CANCELLED = (
    "INSERT INTO redemption_cancellation (redemption_id, dealer_id, member_id, posting_set_id,"
    " restored, reason, cancelled_at, cancelled_by) SELECT id, dealer_id, {whose},"
    " posting_set_id, points, 'x', now(), 'x' FROM redemption WHERE id = :redemption"
)
_STEP = "INSERT INTO redemption_step VALUES ({whose}, :redemption, '{step}', :dealer, now(), 'x')"


def attempt(shop: Shop, *statements: str, then: str = "SELECT 1", **values: Any) -> Any:
    """Statements with the rights of the service, checked to the last constraint; what is read
    after them. Nothing stays."""
    told = {"dealer": shop.dealer_id} | values
    with shop.service.database.transaction(shop.dealer_id) as session:
        for statement in statements:
            session.execute(text(statement), told)
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        found = session.scalars(text(then), told).all()
        session.rollback()
    return found


def of_two(shop: Shop) -> dict[str, Any]:
    """A member's redemption for the counter, and another member."""
    member, other = saver(shop), saver(shop, phone="13800130002")
    gift = rewards.termed(shop, fulfilment="counter")
    redemption = redeemed(shop, member, gift)
    return {"member": member, "other": other, "redemption": redemption}


def test_a_cancellation_ends_its_redemption_whoever_writes_it(shop: Shop) -> None:
    facts = of_two(shop)
    steps = "SELECT step FROM redemption_step WHERE redemption_id = :redemption"
    told = attempt(shop, _CANCELLED.format(whose="member_id"), then=steps, **facts)
    assert told == ["cancelled"]


def test_nothing_handed_over_is_cancelled(shop: Shop) -> None:
    facts = of_two(shop)
    story.ok(act(shop, facts["redemption"], "handovers"))
    with pytest.raises(DBAPIError, match="uq_redemption_step_end"):
        attempt(shop, _CANCELLED.format(whose="member_id"), **facts)


def test_no_step_says_cancelled_without_a_cancellation(shop: Shop) -> None:
    facts = of_two(shop)
    with pytest.raises(DBAPIError, match="without a cancellation"):
        attempt(shop, _STEP.format(whose=":member", step="cancelled"), **facts)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (_STEP.format(whose=":other", step="handed_over"), "fk_redemption_step_redemption"),
        (_CANCELLED.format(whose=":other"), "fk_redemption_cancellation_member"),
    ],
)
def test_what_happens_to_a_redemption_happens_to_its_member(
    shop: Shop, statement: str, named: str
) -> None:
    with pytest.raises(DBAPIError, match=named):
        attempt(shop, statement, **of_two(shop))


_ISSUE = (
    "UPDATE reward_code SET state = 'issued', member_id = {whose}, redemption_id = :redemption"
    " WHERE id = (SELECT min(id::text)::uuid FROM reward_code"
    " WHERE reward_id = :pool AND state = 'available')"
)
_PIECE = "UPDATE reward_stock SET available = available - 1 WHERE reward_id = :pool"


@pytest.mark.parametrize(
    ("whose", "named"),
    [(":member", "of another reward"), (":other", "of another reward|fk_reward_code_redemption")],
)
def test_a_code_goes_to_a_redemption_of_its_own_reward(shop: Shop, whose: str, named: str) -> None:
    facts = of_two(shop) | {"pool": coded(shop, "WASH-0001")}
    with pytest.raises(DBAPIError, match=named):
        attempt(shop, _ISSUE.format(whose=whose), _PIECE, **facts)


def test_a_code_goes_to_the_member_who_redeemed_it(shop: Shop) -> None:
    member, other = saver(shop), saver(shop, phone="13800130002")
    gift = coded(shop, "WASH-0001", "WASH-0002")
    facts = {"other": other, "pool": gift, "redemption": redeemed(shop, member, gift)}
    with pytest.raises(DBAPIError, match="fk_reward_code_redemption"):
        attempt(shop, _ISSUE.format(whose=":other"), _PIECE, **facts)


def test_a_code_is_seen_by_its_member_alone(shop: Shop) -> None:
    member, gift = saver(shop), coded(shop, "WASH-0001")
    seen = (
        "UPDATE reward_code SET revealed_at = now(), revealed_by = :who"
        " WHERE redemption_id = :redemption"
    )
    redemption = redeemed(shop, member, gift)
    attempt(shop, seen, redemption=redemption, who=str(member))
    with pytest.raises(DBAPIError, match="ck_reward_code_revealed"):
        attempt(shop, seen, redemption=redemption, who=str(shop.people["service_desk"]))


_VOID = "UPDATE reward_code SET state = 'void', voided_at = {at} WHERE reward_id = :pool"
_GONE = (
    "UPDATE reward_stock SET received = received - 1, available = available - 1"
    " WHERE reward_id = :pool"
)


@pytest.mark.parametrize(
    ("ends", "at", "named"),
    [
        (None, "now()", "reward_code stands"),
        (0, "now()", "reward_code stands"),
        (0, "NULL", "reward_code stands"),
        (0, "now() + interval '3 days'", None),
    ],
)
def test_a_code_of_the_pool_becomes_void_after_its_last_day_alone(
    shop: Shop, ends: int | None, at: str, named: str | None
) -> None:
    gift = coded(shop, ("WASH-0001", None if ends is None else pools.day(shop, ends)))
    if named is None:
        attempt(shop, _VOID.format(at=at), _GONE, pool=gift)
        return
    with pytest.raises(DBAPIError, match=named):
        attempt(shop, _VOID.format(at=at), _GONE, pool=gift)


def test_a_reward_that_has_had_terms_is_always_asked_for_them(shop: Shop) -> None:
    with pytest.raises(DBAPIError, match="stays termed"):
        attempt(shop, "UPDATE reward SET termed = false WHERE id = :g", g=rewards.termed(shop))
