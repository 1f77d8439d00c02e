"""Fulfilment of a redemption and its cancellation by policy: what may follow what, and for whom."""

import uuid
from collections.abc import Collection
from datetime import date
from typing import Any

import pytest

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.rewards.cancel import refusal
from loyalty.rewards.fulfil import State, hand_over, state_by
from loyalty.rewards.rules.terms import Cancel, Fulfilment, Until
from tests.support import codes as pools
from tests.support import ledger_rows as books
from tests.support import rewards, story
from tests.support.clock import TestClock
from tests.support.codes import (
    act,
    cancel,
    coded,
    codes_of,
    pool,
    redeemed,
    saver,
    standing,
    stock,
)
from tests.support.counter import befriend, outcome, show
from tests.support.shop import Shop, hire

NONE, COUNTER, CODE = Fulfilment.NONE, Fulfilment.COUNTER, Fulfilment.CODE


@pytest.mark.parametrize(
    ("fulfilment", "steps", "expected"),
    [
        (NONE, (), State.DONE),
        (NONE, {"cancelled"}, State.CANCELLED),
        (COUNTER, (), State.ORDERED),
        (COUNTER, {"ready"}, State.READY),
        (COUNTER, {"handed_over"}, State.HANDED_OVER),
        (COUNTER, {"ready", "handed_over"}, State.HANDED_OVER),
        (COUNTER, {"ready", "cancelled"}, State.CANCELLED),
        (CODE, {"issued"}, State.ISSUED),
        (CODE, {"issued", "cancelled"}, State.CANCELLED),
    ],
)
def test_the_state_is_the_last_word_of_the_steps(
    fulfilment: Fulfilment, steps: Collection[str], expected: State
) -> None:
    assert state_by(fulfilment, steps) is expected


REDEEMED = date(2026, 11, 20)
WEEK = Cancel(Until.DAYS, 7, by_owner=True)
OPEN = Cancel(Until.HANDED_OVER, by_owner=True)
STAFF_ONLY = Cancel(Until.HANDED_OVER)
NEVER = Cancel(Until.NEVER, by_owner=True)


@pytest.mark.parametrize(
    ("policy", "by_owner", "today", "expected"),
    [
        (None, False, date(2030, 1, 1), None),
        (None, True, REDEEMED, "cancellation_by_staff_only"),
        (OPEN, True, date(2030, 1, 1), None),
        (STAFF_ONLY, False, REDEEMED, None),
        (STAFF_ONLY, True, REDEEMED, "cancellation_by_staff_only"),
        (WEEK, True, REDEEMED, None),
        (WEEK, True, date(2026, 11, 27), None),
        (WEEK, True, date(2026, 11, 28), "cancellation_too_late"),
        (WEEK, False, date(2026, 11, 28), "cancellation_too_late"),
        (NEVER, True, REDEEMED, "cancellation_excluded"),
        (NEVER, False, REDEEMED, "cancellation_excluded"),
    ],
)
def test_a_policy_says_until_when_and_by_whom(
    policy: Cancel | None, by_owner: bool, today: date, expected: str | None
) -> None:
    found = refusal(policy, by_owner=by_owner, redeemed_on=REDEEMED, today=today)
    assert (found.code if found else None) == expected


def ordered(shop: Shop, member: uuid.UUID, **terms: Any) -> tuple[str, str]:
    """A gift to be fetched at the counter, and the member's redemption of it."""
    gift = rewards.termed(shop, stock=5, fulfilment="counter", **terms)
    return gift, redeemed(shop, member, gift)


def test_a_gift_is_ordered_made_ready_and_handed_over_once(shop: Shop) -> None:
    member = saver(shop)
    _, redemption = ordered(shop, member)
    assert standing(shop, redemption)["state"] == "ordered"
    assert story.ok(act(shop, redemption, "ready-notices"))["state"] == "ready"
    done = story.ok(act(shop, redemption, "handovers"))
    assert [each["step"] for each in done["steps"]] == ["ready", "handed_over"]
    assert (done["state"], done["may_cancel"]) == ("handed_over", False)
    for how in ("handovers", "ready-notices"):
        assert rewards.refusal(act(shop, redemption, how)) == (409, "handed_over_already")
    assert rewards.refusal(cancel(shop, redemption)) == (409, "handed_over_already")
    told = standing(shop, redemption, "owner", subject=member)
    assert [each["by"] for each in told["steps"]] == [None, None]
    kinds = "SELECT kind FROM outbox_event WHERE subject_id = :r ORDER BY kind"
    assert [kind for (kind,) in pools.rows(shop, kinds, r=redemption)] == [
        "redemption.handed_over",
        "redemption.ready",
    ]


def test_a_gift_is_told_ready_once(shop: Shop) -> None:
    _, redemption = ordered(shop, saver(shop))
    story.ok(act(shop, redemption, "ready-notices"))
    assert rewards.refusal(act(shop, redemption, "ready-notices")) == (409, "ready_already")


def test_nothing_is_handed_over_after_a_cancellation(shop: Shop) -> None:
    member = saver(shop)
    gift, redemption = ordered(shop, member)
    story.ok(cancel(shop, redemption))
    assert standing(shop, redemption)["state"] == "cancelled"
    for how in ("handovers", "ready-notices"):
        assert rewards.refusal(act(shop, redemption, how)) == (409, "redemption_cancelled")
    assert rewards.refusal(cancel(shop, redemption)) == (409, "already_reversed")
    assert (story.balance(shop, member), books.stock(shop, gift)) == (1000, 5)
    assert pools.broken(shop) == []


def test_what_has_no_terms_is_done_and_staff_may_cancel_it_as_ever(shop: Shop) -> None:
    member = saver(shop)
    redemption = redeemed(shop, member, story.reward(shop))
    seen = standing(shop, redemption)
    assert (seen["fulfilment"], seen["state"], seen["may_cancel"]) == ("none", "done", True)
    own = standing(shop, redemption, "owner", subject=member)
    assert own["cancel_refused"] == "cancellation_by_staff_only"
    refused = (409, "redemption_not_for_counter")
    assert rewards.refusal(act(shop, redemption, "handovers")) == refused
    assert rewards.refusal(pools.reveal(shop, member, redemption)) == (
        409,
        "redemption_without_codes",
    )
    assert rewards.refusal(cancel(shop, redemption, "owner", subject=member)) == (
        403,
        "cancellation_by_staff_only",
    )
    story.ok(cancel(shop, redemption))


def test_an_owner_cancels_his_own_where_the_terms_let_him_and_in_time(
    shop: Shop, clock: TestClock
) -> None:
    member, stranger = saver(shop), saver(shop, phone="13800130008")
    week = {"until": "days", "days": 7, "by_owner": True}
    gift, first = ordered(shop, member, cancel=week)
    second = redeemed(shop, member, gift)
    assert rewards.refusal(cancel(shop, first, "owner", subject=stranger)) == (
        404,
        "redemption_not_found",
    )
    clock.add(days=7)
    assert story.ok(cancel(shop, first, "owner", subject=member))["restored"] == 100
    clock.add(days=1)
    late = cancel(shop, second, "owner", subject=member)
    assert rewards.refusal(late) == (409, "cancellation_too_late")
    assert (story.balance(shop, member), books.stock(shop, gift)) == (900, 4)


def test_what_can_never_be_cancelled_stays_even_for_staff(shop: Shop) -> None:
    member = saver(shop)
    _, redemption = ordered(shop, member, cancel={"until": "never"})
    assert rewards.refusal(cancel(shop, redemption)) == (409, "cancellation_excluded")
    assert story.balance(shop, member) == 900


def test_a_redemption_keeps_the_policy_it_was_made_on(shop: Shop) -> None:
    gift, redemption = ordered(shop, saver(shop), cancel={"until": "never"})
    later = {"points": 100, "fulfilment": "none", "cancel": {"until": "handed_over"}}
    rewards.publish(shop, rewards.draft(shop, gift, later))
    seen = standing(shop, redemption)
    assert (seen["fulfilment"], seen["cancel_refused"]) == ("counter", "cancellation_excluded")


def test_a_code_not_yet_seen_goes_back_to_the_pool_and_to_the_next_owner(shop: Shop) -> None:
    gift, member = coded(shop, "WASH-0001"), saver(shop)
    redemption = redeemed(shop, member, gift)
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 1, 0), (1, 0))
    story.ok(cancel(shop, redemption))
    assert (pool(shop, gift), stock(shop, gift)) == ((1, 0, 0, 0), (1, 1))
    gone = pools.reveal(shop, member, redemption)
    assert rewards.refusal(gone) == (409, "redemption_cancelled")
    other = saver(shop, phone="13800130007")
    assert codes_of(shop, other, redeemed(shop, other, gift)) == ["WASH-0001"]
    assert pools.broken(shop) == []


def test_a_code_that_was_seen_comes_back_to_nobody(shop: Shop) -> None:
    terms = {"cancel": {"until": "handed_over", "by_owner": True}}
    gift, member = coded(shop, "WASH-0001", "WASH-0002", **terms), saver(shop)
    redemption = redeemed(shop, member, gift)
    assert standing(shop, redemption, "owner", subject=member)["may_cancel"] is True
    codes_of(shop, member, redemption)
    assert rewards.refusal(cancel(shop, redemption)) == (409, "code_revealed")
    own = cancel(shop, redemption, "owner", subject=member, void_codes=True)
    assert rewards.refusal(own) == (403, "void_codes_staff_only")
    clerk = cancel(shop, redemption, void_codes=True)
    assert rewards.refusal(clerk) == (403, "void_codes_by_manager_only")
    done = story.ok(cancel(shop, redemption, "showroom_manager", void_codes=True))
    assert (done["restored"], done["codes_to_block"]) == (100, 1)
    told = "SELECT data FROM outbox_event WHERE subject_id = :r AND kind = 'redemption.cancelled'"
    [(event,)] = pools.rows(shop, told, r=redemption)
    assert event == {"restored": 100, "cash_fen": 0, "codes_to_block": 1}
    assert (pool(shop, gift), stock(shop, gift)) == ((1, 0, 0, 1), (1, 1))
    assert story.balance(shop, member) == 1000
    assert pools.broken(shop) == []


def test_what_a_partner_gives_is_handed_over_by_the_partner_alone(
    shop: Shop, other_shop: Shop
) -> None:
    befriend(shop, other_shop)
    gift = rewards.termed(shop, fulfilment="counter")
    partner = other_shop.dealer_id
    redemption = redeemed_by_staff(shop, saver(shop), gift, honoured_by=str(partner))
    answer = act(shop, redemption, "handovers")
    assert rewards.refusal(answer) == (409, "honoured_elsewhere")
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        given = hand_over(uow, uuid.UUID(redemption), honoured_by=partner)
        assert given.state is State.HANDED_OVER


def redeemed_by_staff(shop: Shop, member: uuid.UUID, gift: str, **facts: Any) -> str:
    found: str = story.ok(rewards.redeem(shop, member, gift, "duty_manager", **facts))["id"]
    return found


def test_staff_hand_nothing_over_to_themselves(shop: Shop) -> None:
    _, redemption = ordered(shop, saver(shop))
    himself = hire(shop, "service_desk", phone="13800138000")
    for how in ("handovers", "ready-notices"):
        answer = act(shop, redemption, how, subject=himself)
        assert rewards.refusal(answer) == (403, "own_account")
    assert standing(shop, redemption)["steps"] == []


def test_who_redeemed_for_a_member_does_not_hand_the_goods_over_alone(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    redemption = redeemed_by_staff(shop, member, gift)
    alone = act(shop, redemption, "handovers", "duty_manager")
    assert rewards.refusal(alone) == (403, "separation_of_duties")
    assert standing(shop, redemption)["state"] == "ordered"
    story.ok(act(shop, redemption, "handovers", "duty_manager", subject=hire(shop, "duty_manager")))
    by_code = redeemed_by_staff(shop, member, gift)
    asked = {"purpose": "reward", "subject_id": by_code}
    code = story.ok(shop.post("owner", "/v1/counter-codes", asked, subject=member))["code"]
    shown = story.ok(show(shop, code, role="duty_manager"))
    assert shown["outcome"] == "accepted"


def test_who_took_the_cash_of_a_hold_does_not_hand_the_goods_over_alone(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, fulfilment="counter")
    held = story.ok(rewards.hold(shop, member, gift))["id"]
    done = story.ok(shop.post("service_desk", f"/v1/point-holds/{held}/captures"))
    redemption = done["redemption_id"]
    alone = act(shop, redemption, "handovers")
    assert rewards.refusal(alone) == (403, "separation_of_duties")
    story.ok(act(shop, redemption, "handovers", "showroom_manager"))


def test_who_redeemed_does_not_give_up_a_code_that_was_seen(shop: Shop) -> None:
    member, gift = saver(shop), coded(shop, "WASH-0001")
    made = story.ok(rewards.redeem(shop, member, gift, "showroom_manager"))["id"]
    codes_of(shop, member, made)
    himself = cancel(shop, made, "showroom_manager", void_codes=True)
    assert rewards.refusal(himself) == (403, "separation_of_duties")
    for clerk in ("service_desk", "duty_manager"):
        refused = cancel(shop, made, clerk, void_codes=True)
        assert rewards.refusal(refused) == (403, "void_codes_by_manager_only")
    assert story.balance(shop, member) == 900
    done = story.ok(cancel(shop, made, "dealer_admin", void_codes=True))
    assert done["codes_to_block"] == 1
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 0, 1), (0, 0))


def test_a_frozen_account_takes_nothing_out(shop: Shop) -> None:
    member = saver(shop)
    voucher = redeemed(shop, member, coded(shop, "WASH-0001"))
    _, ordered_one = ordered(shop, member)
    asked = {"purpose": "reward", "subject_id": ordered_one}
    code = story.ok(shop.post("owner", "/v1/counter-codes", asked, subject=member))["code"]
    told = {"member_id": str(member), "reason": "核实中"}
    freeze = story.ok(shop.post("showroom_manager", "/v1/account-freezes", told))["id"]
    frozen = (409, "account_frozen")
    assert rewards.refusal(pools.reveal(shop, member, voucher)) == frozen
    assert rewards.refusal(act(shop, ordered_one, "handovers")) == frozen
    assert outcome(show(shop, code)) == "account_frozen"
    assert standing(shop, voucher)["codes_revealed"] == 0
    story.ok(shop.post("dealer_admin", f"/v1/account-freezes/{freeze}/lifts"))
    assert codes_of(shop, member, voucher) == ["WASH-0001"]
    story.ok(act(shop, ordered_one, "handovers"))
