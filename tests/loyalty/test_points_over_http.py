"""Earning, spending and expiring, as the CRM and the owner website see it."""

import uuid

import pytest

from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop


def lines(*parts: tuple[str, int]) -> list[dict[str, object]]:
    return [
        {"payer": payer, "amount": {"amount_fen": fen, "currency": "CNY"}} for payer, fen in parts
    ]


def redeem(shop: Shop, member: uuid.UUID, reward: str, quantity: int = 1) -> object:
    body = {"member_id": str(member), "reward_id": reward, "quantity": quantity}
    return shop.post("owner", "/v1/redemptions", body, subject=member)


def test_only_what_the_customer_paid_himself_earns(shop: Shop) -> None:
    member = story.member(shop)
    parts = lines(("customer", 60_050), ("warranty", 99_900), ("insurer", 10_000))
    assert story.earn(shop, member, 0, lines=parts)["points"] == 600
    assert story.balance(shop, member) == 600


def test_the_sum_is_rounded_once_and_not_line_by_line(shop: Shop) -> None:
    member = story.member(shop)
    parts = lines(("customer", 50), ("customer", 50))
    assert story.earn(shop, member, 0, lines=parts)["points"] == 1


def test_a_document_below_one_yuan_is_kept_and_earns_nothing(shop: Shop) -> None:
    member = story.member(shop)
    document = story.earn(shop, member, 0, lines=lines(("customer", 99)))
    assert (document["points"], document["posting_set_id"]) == (0, None)


def test_a_repeated_document_is_answered_with_its_first_result(shop: Shop) -> None:
    member = story.member(shop)
    first = story.earn(shop, member, 100, external_ref={"source": "dms", "id": "A"})
    body = {
        "external_ref": {"source": "dms", "id": "A"},
        "kind": "service_order",
        "member_id": str(member),
        "occurred_on": story.today(shop),
        "lines": lines(("customer", 10_000)),
    }
    again = shop.post("crm", "/v1/documents", body)
    assert (again.status_code, again.json) == (200, first)
    assert story.balance(shop, member) == 100


def test_a_changed_document_is_refused(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100, external_ref={"source": "dms", "id": "A"})
    body = {
        "external_ref": {"source": "dms", "id": "A"},
        "kind": "service_order",
        "member_id": str(member),
        "occurred_on": story.today(shop),
        "lines": lines(("customer", 20_000)),
    }
    answer = shop.post("crm", "/v1/documents", body)
    assert (answer.status_code, answer.json["code"]) == (409, "document_changed")
    assert story.balance(shop, member) == 100


def test_redeeming_more_than_the_balance_is_refused(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 99)
    answer = redeem(shop, member, story.reward(shop, points=100))
    assert (answer.status_code, answer.json["code"]) == (409, "insufficient_points")
    assert answer.json["errors"][0]["params"] == {"spendable": 99, "needed": 100}
    assert story.balance(shop, member) == 99


def test_the_whole_balance_can_be_spent_to_the_last_point(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    assert redeem(shop, member, story.reward(shop, points=100)).status_code == 201
    assert story.balance(shop, member) == 0


def test_a_gift_out_of_stock_takes_no_points(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    answer = redeem(shop, member, story.reward(shop, points=10, stock=1), quantity=2)
    assert (answer.status_code, answer.json["code"]) == (409, "out_of_stock")
    assert story.balance(shop, member) == 100


@pytest.mark.parametrize("quantity", [0, -1, 101])
def test_a_quantity_that_makes_no_sense_is_refused(shop: Shop, quantity: int) -> None:
    member = story.member(shop)
    answer = redeem(shop, member, story.reward(shop), quantity)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "field_range")


def test_the_lot_that_expires_first_is_spent_first(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 300, occurred_on=story.today(shop))
    story.earn(shop, member, 200, occurred_on="2025-01-15")
    redeem(shop, member, story.reward(shop, points=250))
    path = f"/v1/members/{member}/expiry-schedule"
    schedule = story.ok(shop.get("owner", path, subject=member), 200)["items"]
    assert [part["points"] for part in schedule] == [250]
    line = story.ok(shop.get("owner", f"/v1/members/{member}/statement", subject=member), 200)[
        "items"
    ][0]
    assert [share["points"] for share in line["lots"]] == [-200, -50]


def test_points_are_gone_the_instant_they_expire_though_no_job_has_run(
    shop: Shop, clock: TestClock
) -> None:
    member = story.member(shop)
    story.earn(shop, member, 100)
    path = f"/v1/members/{member}/balance"
    ends_on = story.ok(shop.get("owner", path, subject=member), 200)["next_expiry"]["expires_on"]
    reward = story.reward(shop, points=1)
    last = story.instant(f"{ends_on}T00:00:00+08:00") - clock()
    clock.add(seconds=last.total_seconds() - 60)
    assert story.balance(shop, member) == 100
    clock.add(seconds=61)
    assert story.balance(shop, member) == 0
    assert redeem(shop, member, reward).json["code"] == "insufficient_points"


def test_the_statement_names_document_rule_and_version_page_by_page(shop: Shop) -> None:
    member = story.member(shop)
    for yuan in (1, 2, 3):
        story.earn(shop, member, yuan)
    path = f"/v1/members/{member}/statement"
    first = story.ok(shop.get("owner", path, subject=member, limit="2"), 200)
    assert [line["points"] for line in first["items"]] == [3, 2]
    assert first["has_more"] is True
    rest = story.ok(
        shop.get("owner", path, subject=member, limit="2", cursor=first["next_cursor"]), 200
    )
    assert [line["points"] for line in rest["items"]] == [1]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    line = rest["items"][0]
    assert (line["rule_id"], line["rule_version"]) == ("standard_spend", 1)
    assert line["source"] == "crm"


def test_a_document_of_tomorrow_is_refused(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    clock.add(days=1)
    tomorrow = story.today(shop)
    clock.reset()
    body = {
        "external_ref": {"source": "crm", "id": "T"},
        "kind": "service_order",
        "member_id": str(member),
        "occurred_on": tomorrow,
        "lines": lines(("customer", 100)),
    }
    answer = shop.post("crm", "/v1/documents", body)
    assert (answer.status_code, answer.json["code"]) == (422, "occurred_in_the_future")
