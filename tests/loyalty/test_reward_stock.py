"""What is left of a reward: pieces of holds that are over, codes past their day, pieces added."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.rewards.stock import return_overdue_stock
from tests.support import codes as pools
from tests.support import rewards, story
from tests.support.clock import TestClock
from tests.support.codes import cancel, coded, codes_of, pool, redeemed, saver, stock, upload
from tests.support.race import at_once
from tests.support.shop import Shop

BY_OWNER: dict[str, Any] = {"until": "handed_over", "by_owner": True}


def test_of_two_who_want_the_two_pieces_of_holds_that_ran_out_both_get_one(
    shop: Shop, clock: TestClock
) -> None:
    members = [saver(shop, phone=f"1380014{number:04}") for number in range(4)]
    for _ in range(8):
        gift = rewards.termed(shop, stock=2)
        for member in members[:2]:
            story.ok(rewards.hold(shop, member, gift))
        clock.add(minutes=61)
        wanted = members[2:]
        got = at_once(2, lambda n: rewards.redeem(shop, wanted[n], gift).status_code)  # noqa: B023
        assert (got, stock(shop, gift)) == ({201: 2}, (2, 0))


def test_a_redemption_waits_for_the_night_that_gives_a_piece_back(
    shop: Shop, clock: TestClock
) -> None:
    first, second = saver(shop), saver(shop, phone="13800130001")
    gift = rewards.termed(shop, stock=1)
    story.ok(rewards.hold(shop, first, gift))
    clock.add(minutes=61)
    with ThreadPoolExecutor(1) as pool_of_one:
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
            assert return_overdue_stock(uow, 10) == 1
            asked = pool_of_one.submit(lambda: rewards.redeem(shop, second, gift).status_code)
            assert not wait([asked], timeout=0.3).done
        assert asked.result() == 201
    assert stock(shop, gift) == (1, 0)


def test_a_code_past_its_day_is_offered_to_nobody_though_no_night_has_passed(
    shop: Shop, clock: TestClock
) -> None:
    gift, member = coded(shop, ("GONE-0001", pools.day(shop, 0)), "WASH-0001"), saver(shop)
    assert rewards.offers(shop, member)[gift]["in_stock"] == 2
    clock.add(days=1)
    assert rewards.offers(shop, member)[gift]["in_stock"] == 1
    redeemed(shop, member, gift)
    offer = rewards.offers(shop, member)[gift]
    assert (offer["reason"], offer["in_stock"]) == ("out_of_stock", 0)
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")


@pytest.mark.parametrize("take", [rewards.redeem, rewards.hold])
def test_codes_past_their_day_do_not_hide_those_of_holds_that_ran_out(
    shop: Shop, clock: TestClock, take: Any
) -> None:
    soon = pools.day(shop, 0)
    gift = coded(shop, ("GONE-0001", soon), ("GONE-0002", soon), "WASH-0001", "WASH-0002")
    first, second = saver(shop), saver(shop, phone="13800130001")
    facts: dict[str, Any] = {"quantity": 2, "points": 200, "minutes": 2 * 24 * 60}
    story.ok(rewards.hold(shop, first, gift, **facts))
    clock.add(days=3)
    offer = rewards.offers(shop, second)[gift]
    assert (offer["may_redeem"], offer["in_stock"]) == (True, 2)
    both = {"quantity": 2} if take is rewards.redeem else {"quantity": 2, "points": 200}
    story.ok(take(shop, second, gift, **both))
    taken = (0, 0, 2, 2) if take is rewards.redeem else (0, 2, 0, 2)
    assert (pool(shop, gift), stock(shop, gift)) == (taken, (2, 0))
    assert pools.broken(shop) == []


def test_codes_that_ended_while_a_hold_kept_them_are_no_pieces(
    shop: Shop, clock: TestClock
) -> None:
    gift, member = coded(shop, ("SOON-0001", pools.day(shop, 1))), saver(shop)
    story.ok(rewards.hold(shop, member, gift))
    clock.add(days=3)
    assert rewards.offers(shop, member)[gift]["in_stock"] == 0
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")


def test_a_redemption_whose_code_has_ended_gives_its_owner_nothing_back(
    shop: Shop, clock: TestClock
) -> None:
    gift = coded(shop, ("SOON-0001", pools.day(shop, 0)), "WASH-0001", cancel=BY_OWNER)
    member = saver(shop)
    both = redeemed(shop, member, gift, quantity=2)
    clock.add(days=40)
    own = cancel(shop, both, "owner", subject=member)
    assert rewards.refusal(own) == (409, "code_lapsed")
    seen = pools.standing(shop, both, "owner", subject=member)
    assert (seen["may_cancel"], seen["cancel_refused"]) == (False, "code_lapsed")
    done = story.ok(cancel(shop, both))
    assert done["codes_to_block"] == 0
    assert (pool(shop, gift), stock(shop, gift)) == ((1, 0, 0, 1), (1, 1))
    assert codes_of(shop, member, redeemed(shop, member, gift)) == ["WASH-0001"]
    assert pools.broken(shop) == []


def test_only_codes_still_good_are_told_to_be_blocked(shop: Shop, clock: TestClock) -> None:
    gift, member = coded(shop, ("SOON-0001", pools.day(shop, 0)), "WASH-0001"), saver(shop)
    both = redeemed(shop, member, gift, quantity=2)
    clock.add(days=1)
    done = story.ok(cancel(shop, both, "showroom_manager", void_codes=True))
    assert done["codes_to_block"] == 1
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 0, 2), (0, 0))
    assert pools.broken(shop) == []


def test_a_known_code_told_with_another_last_day_is_not_swallowed(shop: Shop) -> None:
    day = pools.day(shop, 30)
    gift = coded(shop, "WASH-0001", ("WASH-0002", day))
    answer = story.ok(
        upload(shop, gift, ("WASH-0001", day), ("WASH-0002", day), "WASH-0003", ("WASH-0003", day))
    )
    assert (answer["new"], answer["known"], answer["known_other_day"]) == (1, 3, 2)
    assert [each["reason"] for each in answer["results"]] == [
        "known_other_day",
        None,
        None,
        "known_other_day",
    ]


def add(shop: Shop, gift: str, pieces: int, role: str = "showroom_manager") -> Any:
    body = {"pieces": pieces, "reason": "到货补充"}
    return shop.post(role, f"/v1/rewards/{gift}/stock-additions", body)


@pytest.mark.parametrize("role", ["showroom_manager", "dealer_admin", "programme_admin"])
def test_a_reward_that_ran_out_is_filled_up_again(shop: Shop, role: str) -> None:
    gift, member = rewards.termed(shop, stock=0), saver(shop)
    assert rewards.refusal(rewards.redeem(shop, member, gift)) == (409, "out_of_stock")
    done = story.ok(add(shop, gift, 3, role))
    assert (done["pieces"], done["available"], done["reason"]) == (3, 3, "到货补充")
    story.ok(rewards.redeem(shop, member, gift, quantity=2))
    assert stock(shop, gift) == (3, 1)
    told = (
        "SELECT (SELECT count(*) FROM reward_stock_addition WHERE reward_id = :g),"
        " (SELECT count(*) FROM outbox_event WHERE subject_id = :g AND kind = 'reward.restocked'),"
        " (SELECT count(*) FROM audit_event WHERE subject_id = :g AND action = 'reward.restocked')"
    )
    assert [tuple(each) for each in pools.rows(shop, told, g=gift)] == [(1, 1, 1)]
    assert pools.broken(shop) == []


@pytest.mark.parametrize("pieces", [0, -1, 100_001])
def test_pieces_are_added_within_bounds(shop: Shop, pieces: int) -> None:
    gift = story.reward(shop, stock=1)
    assert rewards.refusal(add(shop, gift, pieces)) == (422, "validation_failed")
    assert stock(shop, gift) == (1, 1)


def test_a_pool_grows_by_codes_alone(shop: Shop) -> None:
    filled, empty = coded(shop, "WASH-0001"), rewards.termed(shop, stock=0, fulfilment="code")
    for gift in (filled, empty):
        assert rewards.refusal(add(shop, gift, 1)) == (409, "reward_stock_is_codes")
    assert (stock(shop, filled), stock(shop, empty)) == ((1, 1), (0, 0))


def test_pieces_added_while_others_redeem_are_all_there(shop: Shop) -> None:
    gift, member = rewards.termed(shop, stock=8), saver(shop)

    def go(number: int) -> int:
        if number % 2:
            return int(add(shop, gift, 1).status_code)
        return rewards.redeem(shop, member, gift).status_code

    assert at_once(16, go) == {201: 16}
    assert stock(shop, gift) == (16, 8)
    assert pools.broken(shop) == []
