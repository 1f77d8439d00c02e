"""P3: a retry storm under one key has one effect, and every answer is the same bytes.

A part of the storm sends another body under the same key: whichever body came first is the key's,
the other one gets nothing but 422.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from tests.faults.checker import unaccounted
from tests.faults.client import Answer, together
from tests.faults.rig import Rig, people
from tests.support import ledger_rows, story
from tests.support.shop import Shop

PRICE, THERE, YUAN = 10, 1_000, 30
STRANGERS = 8
"""One client of so many sends the other body."""


class Wish(NamedTuple):
    """One request in two variants, and what each is worth to the member."""

    role: str
    path: str
    bodies: tuple[dict[str, Any], dict[str, Any]]
    worth: tuple[int, int]


def retry_storm(rig: Rig, *, keys: int, crowd: int, seed: int) -> list[str]:
    """`crowd` clients send one request under one key at once, abort by chance and come again."""
    shop, broken = rig.open_shop(), []
    reward = story.reward(shop, points=PRICE, stock=keys * crowd * 2)
    for number, member in enumerate(people(shop, keys, points=THERE)):
        wish = _document(shop, member) if number % 2 else _redemption(member, reward)
        key = uuid4().hex

        def ask(place: int, number: int = number, member: UUID = member, wish: Wish = wish,
                key: str = key) -> Answer:  # fmt: skip
            dice = Random(f"{seed}/{number}/{place}")
            body = wish.bodies[place % STRANGERS == STRANGERS - 1]
            whom = member if wish.role == "owner" else None
            return rig.client.post(
                shop, wish.role, wish.path, body, subject=whom, key=key, dice=dice
            )

        answers = together(crowd, ask)
        broken += [f"P3 key {number}: {said}" for said in _wrong(shop, member, wish, answers)]
    if all(answer.status for answer in rig.history.of(shop.dealer_id)):
        broken.append("P3 no client ever aborted: this was no storm")
    return [*broken, *unaccounted(rig, shop)]


def _redemption(member: UUID, reward: str) -> Wish:
    once: dict[str, Any] = {"member_id": str(member), "reward_id": reward, "quantity": 1}
    twice = once | {"quantity": 2}
    return Wish("owner", "/v1/redemptions", (once, twice), (-PRICE, -2 * PRICE))


def _document(shop: Shop, member: UUID) -> Wish:
    def of(yuan: int) -> dict[str, Any]:
        return {
            "external_ref": {"source": "dms", "id": f"P3-{member}"},
            "kind": "service_order",
            "member_id": str(member),
            "occurred_on": story.today(shop),
            "lines": [
                {"payer": "customer", "amount": {"amount_fen": yuan * 100, "currency": "CNY"}}
            ],
        }

    return Wish("crm", "/v1/documents", (of(YUAN), of(2 * YUAN)), (YUAN, 2 * YUAN))


def _wrong(shop: Shop, member: UUID, wish: Wish, answers: Sequence[Answer]) -> Iterator[str]:
    ours, theirs = (
        [each for place, each in enumerate(answers) if (place % STRANGERS == STRANGERS - 1) == odd]
        for odd in (False, True)
    )
    first = int(theirs[0].status == 201)
    winners, losers = (theirs, ours) if first else (ours, theirs)
    if len({(each.status, each.bytes) for each in winners}) != 1 or winners[0].status != 201:
        yield f"answers {Counter((each.status, each.code, each.bytes[:8]) for each in winners)}"
    refused = Counter((each.status, each.code) for each in losers)
    if set(refused) != {(422, "idempotency_key_reused")}:
        yield f"the other body got {dict(refused)}"
    made = "SELECT id FROM redemption WHERE member_id = :member UNION ALL"
    made += " SELECT id FROM source_document WHERE member_id = :member"
    if (count := len(ledger_rows.rows(shop, made, member=member))) != 1:
        yield f"{count} effects"
    if (has := story.balance(shop, member)) != THERE + wish.worth[first]:
        yield f"a balance of {has}, not {THERE + wish.worth[first]}"
