"""Real threads over one pool and one redemption: every code once, every end once."""

import itertools
import uuid
from decimal import Decimal

import pytest

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from tests.support import codes as pools
from tests.support import rewards, story
from tests.support.codes import act, cancel, coded, codes_of, pool, redeemed, saver, stock
from tests.support.race import at_once
from tests.support.shop import Shop


def test_64_owners_over_a_pool_of_40_codes_get_40_codes_and_24_clear_refusals(shop: Shop) -> None:
    gift = coded(shop, *(f"WASH-{number:04}" for number in range(40)))
    members = [story.member(shop, phone=f"1380013{number:04}") for number in range(64)]
    give_each(shop, members, 100)
    got: dict[int, str] = {}

    def spend(number: int) -> int:
        answer = rewards.redeem(shop, members[number], gift)
        if answer.status_code == 201 and answer.json:
            got[number] = answer.json["id"]
        else:
            assert rewards.refusal(answer) == (409, "out_of_stock")
        return answer.status_code

    assert at_once(64, spend) == {201: 40, 409: 24}
    seen = [codes_of(shop, members[number], redemption) for number, redemption in got.items()]
    assert sorted(itertools.chain(*seen)) == [f"WASH-{number:04}" for number in range(40)]
    assert (pool(shop, gift), stock(shop, gift)) == ((0, 0, 40, 0), (40, 0))
    assert sum(story.balance(shop, member) for member in members) == 24 * 100
    assert pools.broken(shop) == []


def test_a_list_uploaded_by_16_at_once_is_taken_once(shop: Shop) -> None:
    gift = coded(shop, "OLD-0001")
    codes = [f"WASH-{number:04}" for number in range(50)]

    def send(number: int) -> int:
        return int(story.ok(pools.upload(shop, gift, *codes[number:], *codes[:number]))["new"])

    assert at_once(16, send) == {50: 1, 0: 15}
    assert (pool(shop, gift), stock(shop, gift)) == ((51, 0, 0, 0), (51, 51))


def test_a_redemption_is_cancelled_or_handed_over_and_only_once(shop: Shop) -> None:
    member, gift = saver(shop), rewards.termed(shop, stock=9, fulfilment="counter")
    for _ in range(3):
        redemption = redeemed(shop, member, gift)

        def end(number: int, redemption: str = redemption) -> int:
            answer = cancel(shop, redemption) if number % 2 else act(shop, redemption, "handovers")
            return answer.status_code

        assert at_once(16, end) == {201: 1, 409: 15}
    assert pools.broken(shop) == []


def give_each(shop: Shop, members: list[uuid.UUID], points: int) -> None:
    """So many points for every one of them, in one transaction."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        terms = ledger.Terms("test", 1, uow.today, uow.now, None, Decimal(1))
        for member in members:
            source = ledger.Source("test", uuid.uuid4().hex)
            ledger.accrue(uow, member, points, issuer_id=uow.dealer_id, source=source, terms=terms)


@pytest.mark.parametrize("void_codes", [False, True])
def test_a_code_goes_back_or_is_seen_and_never_both(shop: Shop, void_codes: bool) -> None:
    member, gift = saver(shop), coded(shop, *(f"WASH-{number:04}" for number in range(4)))
    for _ in range(4):
        redemption = redeemed(shop, member, gift)
        outcome = race(shop, member, redemption, void_codes=void_codes)
        cancelled, seen = outcome[0], outcome[1]
        assert cancelled == 1 if void_codes else (cancelled, bool(seen)) in {(1, False), (0, True)}
    back = "SELECT count(*) FROM reward_code WHERE state = 'available' AND revealed_at IS NOT NULL"
    assert pools.rows(shop, back)[0][0] == 0
    assert sum(pool(shop, gift)) == 4
    assert pools.broken(shop) == []


def race(shop: Shop, member: uuid.UUID, redemption: str, *, void_codes: bool) -> tuple[int, int]:
    """How many of eight cancelled and how many of eight saw the code."""
    done = [0, 0]

    def go(number: int) -> int:
        if number % 2:
            answer = cancel(shop, redemption, "showroom_manager", void_codes=void_codes)
        else:
            answer = pools.reveal(shop, member, redemption)
        if answer.status_code == 201:
            done[1 - number % 2] += 1
        return answer.status_code

    assert set(at_once(16, go)) <= {201, 409}
    return done[0], done[1]
