"""Real threads on real connections: what must happen once happens once."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable

from sqlalchemy.orm import Session

from kernel.database import Database
from loyalty.points.proof import prove
from tests.support import story
from tests.support.shop import Shop

THREADS = 64


def at_once(count: int, act: Callable[[int], int]) -> Counter[int]:
    """What `count` threads got that were let go at the same moment."""
    gate, results = threading.Barrier(count), [0] * count

    def run(number: int) -> None:
        gate.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(results)


def test_of_64_simultaneous_spends_of_one_balance_exactly_one_wins(shop: Shop) -> None:
    reward = story.reward(shop, points=100, stock=1000)
    for _ in range(3):
        member = story.member(shop)
        story.earn(shop, member, 100)
        body = {"member_id": str(member), "reward_id": reward}

        def spend(_: int, member: uuid.UUID = member, body: dict[str, str] = body) -> int:
            return shop.post("owner", "/v1/redemptions", body, subject=member).status_code

        assert at_once(THREADS, spend) == {201: 1, 409: THREADS - 1}
        assert story.balance(shop, member) == 0


def test_the_last_gift_in_stock_is_issued_once_to_one_of_32_owners(shop: Shop) -> None:
    reward = story.reward(shop, points=10, stock=1)
    members = [story.member(shop, phone=f"1380013{n:04}") for n in range(32)]
    for member in members:
        story.earn(shop, member, 10)

    def spend(number: int) -> int:
        body = {"member_id": str(members[number]), "reward_id": reward}
        return shop.post("owner", "/v1/redemptions", body, subject=members[number]).status_code

    assert at_once(32, spend) == {201: 1, 409: 31}
    assert sum(story.balance(shop, member) for member in members) == 310


def test_a_document_sent_32_times_at_once_earns_once(shop: Shop) -> None:
    member = story.member(shop)
    body = {
        "external_ref": {"source": "dms", "id": "storm"},
        "kind": "service_order",
        "member_id": str(member),
        "occurred_on": story.today(shop),
        "lines": [{"payer": "customer", "amount": {"amount_fen": 10_000, "currency": "CNY"}}],
    }

    def send(_: int) -> int:
        return shop.post("crm", "/v1/documents", body).status_code

    assert at_once(32, send) == {201: 1, 200: 31}
    assert story.balance(shop, member) == 100


def test_after_spends_and_earnings_at_once_the_ledger_proves_itself(shop: Shop) -> None:
    reward = story.reward(shop, points=7, stock=1000)
    member = story.member(shop)
    story.earn(shop, member, 50)
    body = {"member_id": str(member), "reward_id": reward}

    def act(number: int) -> int:
        if number % 4 == 0:
            return 0 if story.earn(shop, member, 5) else 1
        return shop.post("owner", "/v1/redemptions", body, subject=member).status_code

    seen = at_once(48, act)
    assert set(seen) <= {0, 201, 409}
    assert story.balance(shop, member) == 50 + 12 * 5 - 7 * seen[201]
    owner = Database(shop.service.settings.database_url, role=None)
    with Session(owner.engine) as session:
        assert [f.check.says for f in prove(session) if f.count] == []
    owner.dispose()
