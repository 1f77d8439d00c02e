"""P1: simultaneous spends of a whole balance, and everything that moves points at once.

Storms return what broke, in words; an empty list means the promise held.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from typing import Final
from uuid import UUID

from loyalty.points.nightly import catch_up
from tests.faults.checker import CAPTURES, booked, kind_of, unaccounted
from tests.faults.client import Answer, together
from tests.faults.rig import Rig, entered, give, people
from tests.support import earning, story
from tests.support.shop import Shop

FEW, LASTING, FLEETING, FLEETING_POINTS = 4, 200, 12, 8
HORIZON_S: Final = 1.0
CONFLICTS: Final = {"insufficient_points", "transfer_limit", "hold_ended"}


def spend_storm(rig: Rig, *, rounds: int, crowd: int = 64) -> list[str]:
    """In each round `crowd` clients spend the whole balance of one member at the same moment."""
    shop, broken = rig.open_shop(), []
    reward = story.reward(shop, points=100, stock=rounds * crowd)
    for number, member in enumerate(people(shop, rounds, points=100)):
        body = {"member_id": str(member), "reward_id": reward}

        def spend(_: int, member: UUID = member, body: dict[str, str] = body) -> Answer:
            return rig.client.post(shop, "owner", "/v1/redemptions", body, subject=member)

        got = Counter((each.status, each.code) for each in together(crowd, spend))
        if got != {(201, None): 1, (409, "insufficient_points"): crowd - 1}:
            broken.append(f"P1 round {number}: {dict(got)}")
        if left := story.balance(shop, member):
            broken.append(f"P1 round {number}: {left} points left")
    return [*broken, *_server_errors(rig, shop), *unaccounted(rig, shop)]


def mixed_storm(rig: Rig, *, rounds: int, seed: int, crowd: int = 32, steps: int = 3) -> list[str]:
    """In each round `crowd` clients redeem, adjust, transfer, hold, capture and release points of
    a few members, while lots expire by the instant and the night's work is done over and over."""
    shop, broken = rig.open_shop(), []
    reward = story.reward(shop, points=7, stock=rounds * crowd * steps)
    for number in range(rounds):
        members = people(shop, FEW, points=LASTING)
        _give_fleeting(shop, members, Random(f"{seed}/{number}"))
        end = time.monotonic() + HORIZON_S

        def walk(place: int, number: int = number, members: list[UUID] = members) -> list[Answer]:
            dice = Random(f"{seed}/{number}/{place}")
            done = (_step(rig, shop, members, reward, dice) for _ in range(steps))
            return [answer for answers in done for answer in answers]

        with _nights(shop, members):
            walks = together(crowd, walk)
        time.sleep(max(0.0, end - time.monotonic()))
        _night(shop, members)
        answers = [answer for walked in walks for answer in walked]
        broken += [f"P1 mixed round {number}: {said}" for said in _wrong(shop, members, answers)]
    return [*broken, *_server_errors(rig, shop), *unaccounted(rig, shop)]


def _give_fleeting(shop: Shop, members: Sequence[UUID], dice: Random) -> None:
    with entered(shop) as uow:
        for member in members:
            ends = [dice.uniform(0.1, HORIZON_S) for _ in range(FLEETING)]
            lots = [(FLEETING_POINTS, uow.now + timedelta(seconds=end)) for end in ends]
            give(uow, member, *lots)


def _step(rig: Rig, shop: Shop, members: Sequence[UUID], reward: str, dice: Random) -> list[Answer]:
    member, other = dice.sample(list(members), 2)
    whom, points = {"member_id": str(member)}, dice.choice((1, 7, 20, 90))
    send = partial(rig.client.post, shop)
    match dice.choice(("redeem", "redeem", "adjust", "transfer", "hold", "hold")):
        case "redeem":
            body = whom | {"reward_id": reward}
            return [send("owner", "/v1/redemptions", body, subject=member)]
        case "adjust":
            wish = whom | {"points": dice.choice((-9, -4, 4, 9)), "reason": "工单漏记积分"}
            return [send("showroom_manager", "/v1/point-adjustments", wish)]
        case "transfer":
            gift = {"from_member_id": str(member), "to_member_id": str(other), "points": points}
            return [send("duty_manager", "/v1/point-transfers", gift)]
    held = send("crm", "/v1/point-holds", whom | {"points": points, "minutes": 60})
    if held.status != 201:
        return [held]
    end = dice.choice(("captures", "releases"))
    return [held, send("service_desk", f"/v1/point-holds/{held.id}/{end}", {})]


@contextmanager
def _nights(shop: Shop, members: Sequence[UUID]) -> Iterator[None]:
    """The night's work on these members, again and again until the block ends."""
    over, failed = threading.Event(), []

    def work() -> None:
        try:
            while not over.wait(0.03):
                _night(shop, members)
        except Exception as error:  # handed to the test below
            failed.append(error)

    night = threading.Thread(target=work)
    night.start()
    try:
        yield
    finally:
        over.set()
        night.join()
    assert not failed, failed


def _night(shop: Shop, members: Sequence[UUID]) -> None:
    with entered(shop) as uow:
        catch_up(uow, members, as_of=uow.now)


def _wrong(shop: Shop, members: Sequence[UUID], answers: Sequence[Answer]) -> Iterator[str]:
    """What the clients were told, added up, is what the members have: nothing lost, none made."""
    odd = {
        (answer.status, answer.code)
        for answer in answers
        if answer.status != 201 and not (answer.status == 409 and answer.code in CONFLICTS)
    }
    if odd:
        yield f"answers {odd}"
    given = len(members) * (LASTING + FLEETING * FLEETING_POINTS)
    adjusted = _told(answers, "/v1/point-adjustments")
    spent = _told(answers, "/v1/redemptions") + _told(answers, CAPTURES)
    expired = booked(shop, "expired", members)
    accounts = [earning.account(shop, member) for member in members]
    has = sum(account["available"] + account["held"] for account in accounts)
    if not 0 <= expired <= len(members) * FLEETING * FLEETING_POINTS:
        yield f"{expired} expired"
    if given + adjusted != has + spent + expired:
        yield f"{given} given, {adjusted} adjusted; {has} left, {spent} spent, {expired} expired"
    if min(account["available"] for account in accounts) < 0:
        yield "somebody has less than nothing"


def _told(answers: Sequence[Answer], path: str) -> int:
    return sum(each.points for each in answers if each.status == 201 and kind_of(each.path) == path)


def _server_errors(rig: Rig, shop: Shop) -> list[str]:
    failed = Counter(each.status for each in rig.history.of(shop.dealer_id) if each.status >= 500)
    return [f"P1 {count} answers {status}" for status, count in failed.items()]
