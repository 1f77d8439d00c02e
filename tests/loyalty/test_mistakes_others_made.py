"""The mistakes other programmes made (ledger.md), each as it would look here."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import OperationalError
from sqlalchemy import text

from kernel.database import Database, owner_session
from kernel.errors import Conflict
from loyalty.points import ledger
from loyalty.points.ledger import earn as earning
from loyalty.points.proof import prove
from tests.api import test_idempotency
from tests.loyalty.books import Books, accounts_of, lots_of
from tests.support import story
from tests.support.earning import (
    earned,
    flat_rule,
    line,
    money,
    paper,
    returned,
    spend_rule,
    survey,
    tier,
)
from tests.support.race import at_once
from tests.support.shop import Shop


@pytest.fixture
def books(shop: Shop) -> Books:
    return Books(shop, members=2)


def redeem(
    shop: Shop, member: uuid.UUID, reward: str, quantity: int = 1, key: str | None = None
) -> Any:
    body = {"member_id": str(member), "reward_id": reward, "quantity": quantity}
    return shop.post("owner", "/v1/redemptions", body, subject=member, key=key)


def cancel(shop: Shop, redemption: str) -> Any:
    path = f"/v1/redemptions/{redemption}/cancellations"
    return shop.post("duty_manager", path, {"reason": "客户改变主意"})


def broken(shop: Shop) -> list[str]:
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        return [found.says for found in prove(session) if found.count]


def test_twenty_parallel_gifts_and_burns_each_count_once(books: Books) -> None:
    """A write-back of a computed balance: 20 parallel gifts turned 100 points into 2,000."""
    books.earn(100)

    def move(act: Callable[[], object]) -> int:
        act()
        return 1

    assert at_once(20, lambda _: move(lambda: books.earn(5))) == {1: 20}
    assert books.spendable() == 200
    assert at_once(20, lambda _: move(lambda: books.burn(5))) == {1: 20}
    assert books.spendable() == 100
    assert books.broken() == []


def test_sixteen_threads_that_saw_the_same_hundred_points_spend_them_once(shop: Shop) -> None:
    """Sixteen threads that read 100 points and then spend 100: all sixteen succeed."""
    member, gift = story.member(shop), story.reward(shop, points=100, stock=100)
    story.earn(shop, member, 100)

    def read_then_spend(_: int) -> int:
        assert story.balance(shop, member) == 100
        everybody_has_read.wait(30)
        return int(redeem(shop, member, gift).status_code)

    everybody_has_read = threading.Barrier(16)
    assert at_once(16, read_then_spend) == {201: 1, 409: 15}
    assert story.balance(shop, member) == 0


@pytest.mark.parametrize("watched", [True, False], ids=["a night at each end", "no night"])
def test_a_spent_lot_is_not_subtracted_again_when_it_ends(books: Books, watched: bool) -> None:
    """Balance = unexpired credits - all debits: a spent lot is subtracted twice."""
    books.earn(100, ends=1)
    books.earn(100, ends=3)
    books.burn(100)
    books.hour += 1
    if watched:
        books.night()
    assert books.spendable() == 100
    books.burn(40)
    books.hour += 2
    if watched:
        books.night()
    assert (books.spendable(), books.broken()) == (0, [])


@pytest.mark.parametrize(
    "label",
    ["expiry", "EXPIRED", "过期", "never expires", "no_expiry", "", "x'; --", "e\u0301xpiry‮", "🎁"],
)
def test_what_a_lot_is_called_neither_ends_it_nor_keeps_it(books: Books, label: str) -> None:
    """The expiry job was selected by a free-text label."""
    terms = {name: books.terms(ends=ends) for name, ends in (("ends", 1), ("stays", None))}
    with books.work() as uow:
        for each in terms.values():
            named = ledger.Terms(
                label, 1, each.business_on, uow.now, each.expires_at, each.unit_cost_fen
            )
            source = ledger.Source(label, uuid.uuid4().hex)
            part = ledger.Credit(10, books.own, named)
            ledger.credit(uow, books.member, [part], source=source, reason=label)
    books.hour += 1
    assert books.spendable() == 10
    assert books.night() == (0, 0, 0, 1, 0)
    assert books.account().available == 10


def test_redeeming_and_cancelling_ten_times_mints_nothing(shop: Shop) -> None:
    """A refund loop that mints points."""
    member, gift = story.member(shop), story.reward(shop, points=70, stock=1)
    story.earn(shop, member, 100)
    path = f"/v1/members/{member}/expiry-schedule"
    before = story.ok(shop.get("owner", path, subject=member), 200)["items"]
    for _ in range(10):
        redemption = story.ok(redeem(shop, member, gift))["id"]
        assert story.balance(shop, member) == 30
        assert cancel(shop, redemption).status_code == 201
        assert cancel(shop, redemption).json["code"] == "already_reversed"
        assert story.balance(shop, member) == 100
    assert story.ok(shop.get("owner", path, subject=member), 200)["items"] == before
    assert broken(shop) == []


def test_partial_returns_take_back_what_was_earned_and_no_more(shop: Shop) -> None:
    """A refund loop that mints points: by parts too small to cost one."""
    member = story.member(shop)
    document = earned(shop, member, line(10))
    for left in (9, 8, 8, 7, 7):
        returned(shop, document, (0, 51))
        assert story.balance(shop, member) == left
    returned(shop, document, (0, 1000 - 5 * 51))
    assert story.balance(shop, member) == 0
    body = {
        "external_ref": {"source": "dms", "id": uuid.uuid4().hex},
        "document": document["external_ref"],
        "occurred_on": story.today(shop),
        "lines": [{"line": 0, "amount": money(1)}],
        "reason": "配件退货",
    }
    again = shop.post("crm", "/v1/document-returns", body)
    assert (again.status_code, again.json["code"]) == (422, "return_exceeds_line")


def test_giving_points_back_and_forth_changes_neither_their_number_nor_their_end(
    books: Books,
) -> None:
    """A refund loop that mints points: by transfers, which elsewhere made points everlasting."""
    one, other = books.members
    books.earn(60, ends=5)
    books.earn(40, ends=7, issuer=books.partner)
    ends = {books.at(5): 60, books.at(7): 40}
    for turn in range(10):
        books.transfer(*((one, other) if turn % 2 == 0 else (other, one)), 100)
        with books.work() as uow:
            found: dict[Any, int] = {}
            for lot in lots_of(uow, books.members):
                found[lot.expires_at] = found.get(lot.expires_at, 0) + lot.remaining
            assert found == ends
    books.hour += 5
    assert books.spendable(one) + books.spendable(other) == 40


@pytest.mark.parametrize("place", ["before it is written", "after it is written"])
def test_a_document_sent_again_after_a_lost_connection_earns_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A retry after a lost connection doubles points."""
    member, name = story.member(shop), uuid.uuid4().hex
    body, really = paper(shop, member, line(100)), earning.spendable_of
    lost: list[str] = []

    def die_once(uow: Any, who: uuid.UUID) -> int:
        found = really(uow, who)
        if not lost:
            lost.append(place)
            uow.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return found

    if place == "before it is written":
        monkeypatch.setattr(earning, "spendable_of", die_once)
        assert shop.post("crm", "/v1/documents", body, key=name).status_code >= 500
        assert story.balance(shop, member) == 0
    else:
        assert shop.post("crm", "/v1/documents", body, key=name).status_code == 201
    first = shop.post("crm", "/v1/documents", body, key=name)
    again = shop.post("crm", "/v1/documents", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert story.balance(shop, member) == 100


def test_a_redemption_sent_again_after_its_answer_was_lost_spends_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry after a lost connection doubles points: here, what is spent."""
    member, gift = story.member(shop), story.reward(shop, points=30, stock=5)
    story.earn(shop, member, 100)
    really, name = Database.call, uuid.uuid4().hex

    def answer_lost(database: Database, statement: str, arguments: Any) -> Any:
        really(database, statement, arguments)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as once:
        once.setattr(Database, "call", answer_lost)
        assert redeem(shop, member, gift, key=name).status_code >= 500
    again = redeem(shop, member, gift, key=name)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert story.balance(shop, member) == 70


def test_a_document_is_rounded_once_and_not_row_by_row(shop: Shop) -> None:
    """Rounding each row and then the sum."""
    member = story.member(shop)
    lines = [line(0) | {"amount": money(33)} for _ in range(10)]
    assert earned(shop, member, *lines)["points"] == 3


def test_amounts_too_small_for_a_point_add_up_within_a_document(shop: Shop) -> None:
    """A decimal formula that adds nothing."""
    member = story.member(shop)
    spend_rule(shop, award={"per_yuan": {"points": 1, "per_fen": 250}})
    tiny = line(0) | {"amount": money(99)}
    assert earned(shop, member, tiny)["points"] == 0
    assert earned(shop, member, tiny, tiny)["points"] == 0
    assert earned(shop, member, tiny, tiny, tiny)["points"] == 1
    assert story.balance(shop, member) == 1


def test_spending_all_points_changes_no_tier_and_nothing_earned_by_it(shop: Shop) -> None:
    """The tier followed the spendable balance instead of what was earned."""
    member, gift = story.member(shop), story.reward(shop, points=100)
    tier(shop, member, "gold")
    flat_rule(shop, "gold_survey", 100, tiers=["gold"])
    path = f"/v1/members/{member}/tiers"
    assert survey(shop, member)["points"] == 100
    before = shop.get("dealer_admin", path).json
    assert redeem(shop, member, gift).status_code == 201
    assert shop.get("dealer_admin", path).json == before
    assert survey(shop, member)["points"] == 100


@pytest.mark.parametrize(
    ("hours", "spendable"), [(0, 0), (1, 100), (2, 100), (3, 0), (4, 0)], ids=lambda n: str(n)
)
def test_points_live_from_their_first_instant_to_the_one_before_their_end(
    books: Books, hours: int, spendable: int
) -> None:
    """A threshold boundary off by one: the day on which points begin or end."""
    books.earn(100, starts=1, ends=3)
    books.hour += hours
    assert books.spendable() == spendable
    if spendable:
        with pytest.raises(Conflict, match="insufficient_points"):
            books.burn(spendable + 1)
        books.burn(spendable)
    else:
        with pytest.raises(Conflict, match="insufficient_points"):
            books.burn(1)
    assert (books.spendable(), books.broken()) == (0, [])


@pytest.mark.parametrize(("yuan", "counted"), [(99, 99), (100, 100), (101, 100)])
def test_a_cap_is_reached_exactly(shop: Shop, yuan: int, counted: int) -> None:
    """A threshold boundary off by one: a cap."""
    member = story.member(shop)
    spend_rule(shop, caps={"per_member": {"points": 100, "period": "month"}})
    assert earned(shop, member, line(yuan))["points"] == counted
    assert earned(shop, member, line(100))["points"] == 100 - counted


@pytest.mark.parametrize(("have", "status"), [(99, 409), (100, 201), (101, 201)])
def test_the_price_of_a_gift_is_enough_to_the_point(shop: Shop, have: int, status: int) -> None:
    """A threshold boundary off by one: a balance as large as the price."""
    member, gift = story.member(shop), story.reward(shop, points=100)
    story.earn(shop, member, have)
    assert redeem(shop, member, gift).status_code == status
    assert story.balance(shop, member) == (have - 100 if status == 201 else have)


def test_a_person_enrolled_twice_has_one_membership_and_one_account(shop: Shop) -> None:
    """A merge leaves two accounts. Members cannot be merged yet: one reference is one member."""
    body = {"external_ref": {"source": "crm", "id": uuid.uuid4().hex}, **story.ZHANG_SAN}
    answers = [shop.post("crm", "/v1/members", body) for _ in range(2)]
    assert len({answer.json["id"] for answer in answers}) == 1
    threads = at_once(8, lambda _: int(shop.post("crm", "/v1/members", body).status_code < 300))
    assert threads == {1: 8}
    member = uuid.UUID(answers[0].json["id"])
    story.earn(shop, member, 10)
    with shop.service.database.transaction(shop.dealer_id) as session:
        asked = "SELECT count(*) FROM point_account"
        assert session.execute(text(asked)).scalar_one() == 1


@pytest.mark.parametrize("quantity", [-1, -100, 0])
def test_a_negative_quantity_gives_neither_goods_nor_points(shop: Shop, quantity: int) -> None:
    """A negative quantity gives free goods."""
    member, gift = story.member(shop), story.reward(shop, points=10, stock=5)
    story.earn(shop, member, 100)
    assert redeem(shop, member, gift, quantity).status_code == 422
    assert story.balance(shop, member) == 100
    assert shop.get("owner", f"/v1/rewards/{gift}", subject=member).json["available"] == 5


@pytest.mark.parametrize("points", [-1, 0])
def test_no_verb_of_the_ledger_moves_less_than_a_point(books: Books, points: int) -> None:
    """A negative quantity gives free goods: also behind the schemas."""
    books.earn(100)
    for act in (
        lambda: books.earn(points),
        lambda: books.burn(points),
        lambda: books.hold(points, hours=1),
        lambda: books.transfer(*books.members, points),
        lambda: books.claw_back(points, undone=uuid.uuid4()),
    ):
        with pytest.raises(Exception, match="points_out_of_range"):
            act()
    assert books.spendable() == 100


def test_a_capture_of_a_negative_part_is_refused(books: Books) -> None:
    """A negative quantity gives free goods: a capture adds to what the hold keeps."""
    books.earn(100)
    key = books.hold(50, hours=1)
    for points in (-1, 0, 51):
        with pytest.raises(Exception, match="capture_exceeds_hold"), books.work() as uow:
            ledger.capture(uow, books.member, key, points)
    assert books.account().held == 50


def test_balances_are_whole_numbers_in_json_however_the_database_sums(shop: Shop) -> None:
    """PostgreSQL sums bigint into numeric: it arrives as Decimal."""
    member = story.member(shop)
    for yuan in (10, 20):
        story.earn(shop, member, yuan)
    paths = ("balance", "expiry-schedule", "statement")
    found = [shop.get("owner", f"/v1/members/{member}/{path}", subject=member) for path in paths]
    assert found[0].json["available"] == 30
    for answer in found:
        for name, value in numbers(answer.json):
            assert type(value) is int, name


def numbers(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """Every value of a key that counts points, wherever it stands."""
    counted = {"available", "pending", "held", "arrears", "points", "remaining"}
    if isinstance(value, dict):
        return [
            found
            for key, part in value.items()
            for found in (
                [(key, part)]
                if key in counted and not isinstance(part, dict | list)
                else numbers(part, key)
            )
        ]
    return (
        [found for part in value for found in numbers(part, name)]
        if value and isinstance(value, list)
        else []
    )


def test_one_key_in_fifty_hands_is_tested_where_keys_are() -> None:
    """Fifty requests with one key: check-then-insert runs the work 32 times."""
    assert test_idempotency.PARALLEL == 50
    name = "test_fifty_parallel_requests_with_one_key_have_one_effect_and_one_answer"
    assert callable(getattr(test_idempotency, name))


def test_a_clawed_back_and_cancelled_purchase_leaves_nothing(books: Books) -> None:
    """A refund loop that mints points: spend, return the goods, cancel what was bought."""
    earned_by = books.earn(100)
    burnt = books.burn(100)
    assert books.claw_back(100, undone=earned_by).owed == 100
    with books.work() as uow:
        ledger.restore(uow, books.member, burnt, reason="x")
    with books.work() as uow:
        row = accounts_of(uow, [books.member])[books.member]
    assert (row.spendable, row.available, row.arrears) == (0, 0, 0)
