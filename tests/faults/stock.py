"""P2: the last piece in stock is issued once, whether it is redeemed at once or held first."""

from collections import Counter
from uuid import UUID

from tests.faults.checker import unaccounted
from tests.faults.client import Answer, together
from tests.faults.rig import Rig, people
from tests.support import ledger_rows, story
from tests.support.shop import Shop

PRICE = 10


def last_piece_storm(rig: Rig, *, rounds: int, crowd: int = 64) -> list[str]:
    """In each round `crowd` owners want one piece; in every second round half of them hold it
    first and have it captured."""
    shop, broken = rig.open_shop(), []
    owners = people(shop, crowd, points=PRICE * rounds)
    for number in range(rounds):
        reward = story.reward(shop, points=PRICE, stock=1)

        def want(place: int, reward: str = reward, holds: bool = number % 2 == 1) -> Answer:
            if holds and place % 2:
                return _hold_and_capture(rig, shop, owners[place], reward)
            body = {"member_id": str(owners[place]), "reward_id": reward}
            return rig.client.post(shop, "owner", "/v1/redemptions", body, subject=owners[place])

        got = Counter((each.status, each.code) for each in together(crowd, want))
        if got != {(201, None): 1, (409, "out_of_stock"): crowd - 1}:
            broken.append(f"P2 round {number}: {dict(got)}")
        if left := ledger_rows.stock(shop, reward):
            broken.append(f"P2 round {number}: {left} pieces left")
    return [*broken, *unaccounted(rig, shop)]


def _hold_and_capture(rig: Rig, shop: Shop, owner: UUID, reward: str) -> Answer:
    wish = {"member_id": str(owner), "points": PRICE, "minutes": 5}
    wish |= {"reward_id": reward, "quantity": 1}
    held = rig.client.post(shop, "owner", "/v1/point-holds", wish, subject=owner)
    if held.status != 201:
        return held
    return rig.client.post(shop, "service_desk", f"/v1/point-holds/{held.id}/captures", {})
