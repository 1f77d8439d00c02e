"""Real threads on real connections: what must happen once happens once."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from api.commands.work import unit_of_work
from kernel.database import owner_session
from kernel.ids import new_id
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.models import PointAccount, PostingSet
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
    assert broken(shop) == []


def test_a_spend_that_waited_for_an_earning_stands_after_it_in_the_books(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spend has its id first and the account second: ids alone would tell it the other way."""
    member, named, go = story.member(shop), threading.Event(), threading.Event()
    spend = threading.Thread(target=lambda: move(shop, member, -100), name="spend")

    def id_of_the_spend_long_before_its_lock() -> uuid.UUID:
        made = new_id()
        if threading.current_thread() is spend:
            named.set()
            assert go.wait(10)
        return made

    monkeypatch.setattr("loyalty.points.ledger.spend.new_id", id_of_the_spend_long_before_its_lock)
    spend.start()
    assert named.wait(10)
    move(shop, member, 100)
    go.set()
    spend.join()
    sets = statement(shop, member)
    assert [line["points"] for line in sets] == [-100, 100]
    assert sets[0]["id"] < sets[1]["id"]
    assert broken(shop) == []


def test_a_waiting_posting_gets_its_place_when_it_gets_the_account(shop: Shop) -> None:
    member = story.member(shop)
    move(shop, member, 10)
    at_once(8, lambda number: move(shop, member, number + 1))
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        places = session.scalars(
            select(PostingSet.account_version)
            .where(PostingSet.member_id == member)
            .order_by(PostingSet.account_version)
        ).all()
        account = session.get_one(PointAccount, member)
        assert places == list(range(2, 11))
        assert account.version == places[-1]


def move(shop: Shop, member: uuid.UUID, points: int) -> int:
    """Credit or debit a member through the ledger's door, in a transaction of its own."""
    source = ledger.Source("test", uuid.uuid4().hex)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow:
        if points < 0:
            return ledger.burn(uow, member, -points, source=source).spendable
        since = uow.now - timedelta(minutes=1)
        terms = ledger.Terms("test", 1, uow.today, since, None, Decimal(1))
        return ledger.accrue(
            uow, member, points, issuer_id=uow.dealer_id, source=source, terms=terms
        ).spendable


def statement(shop: Shop, member: uuid.UUID) -> list[dict[str, Any]]:
    """The whole statement, one line a page."""
    lines: list[dict[str, Any]] = []
    query = {"limit": "1"}
    while True:
        path = f"/v1/members/{member}/statement"
        page = story.ok(shop.get("owner", path, subject=member, **query), 200)
        lines += page["items"]
        if not page.get("next_cursor"):
            return lines
        query["cursor"] = page["next_cursor"]


def broken(shop: Shop) -> list[str]:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return [finding.says for finding in prove(session) if finding.count]
