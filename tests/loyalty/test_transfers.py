"""Points given to another member: dates kept, limited by the month, safe in both directions."""

import uuid
from typing import Any

import pytest
from werkzeug.test import TestResponse

from loyalty.points.rules.transfer import Left, left
from tests.support import ledger_rows as books
from tests.support import story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop

LI_SI = {"name": "李四", "phone": "13900139000"}
NOBODY = "13700137000"


@pytest.mark.parametrize(
    ("times", "points", "expected"),
    [
        (0, 0, Left(3, 5_000)),
        (1, 5_000, Left(2, 5_000)),
        (1, 5_001, Left(2, 4_999)),
        (2, 9_999, Left(1, 1)),
        (2, 10_000, Left(1, 0)),
        (3, 3, Left(0, 0)),
        (4, 12_000, Left(0, 0)),
    ],
)
def test_what_a_member_may_still_give_this_month(times: int, points: int, expected: Left) -> None:
    assert left(times, points) == expected


def pair(shop: Shop, yuan: int = 500) -> tuple[uuid.UUID, uuid.UUID]:
    """张三 with points and 李四 without."""
    giver, taker = story.member(shop), story.member(shop, **LI_SI)
    story.earn(shop, giver, yuan)
    return giver, taker


def give(
    shop: Shop, giver: uuid.UUID, taker: uuid.UUID, points: int = 100, role: str = "duty_manager"
) -> TestResponse:
    body = {"from_member_id": str(giver), "to_member_id": str(taker), "points": points}
    return shop.post(role, "/v1/point-transfers", body, subject=giver if role == "owner" else None)


def give_to(shop: Shop, giver: uuid.UUID, to: dict[str, str], points: int = 100) -> TestResponse:
    body = {"from_member_id": str(giver), "to": to, "points": points}
    return shop.post("owner", "/v1/point-transfers", body, subject=giver)


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


def params(answer: TestResponse) -> dict[str, Any]:
    assert answer.json is not None
    found: dict[str, Any] = answer.json["errors"][0]["params"]
    return found


def test_transferred_points_keep_their_dates(shop: Shop) -> None:
    giver, taker = story.member(shop), story.member(shop, **LI_SI)
    story.earn(shop, giver, 200, occurred_on="2025-01-15")
    story.earn(shop, giver, 200)
    soon, later = (lot[3] for lot in books.lots(shop, giver))
    done = story.ok(give(shop, giver, taker, 300))
    assert (done["from_member_id"], done["to_member_id"]) == (str(giver), str(taker))
    assert [lot[1:] for lot in books.lots(shop, taker)] == [(200, 0, soon), (100, 0, later)]
    assert (story.balance(shop, giver), story.balance(shop, taker)) == (100, 300)
    assert books.broken(shop, giver) == books.broken(shop, taker) == []


def test_an_owner_names_the_receiver_by_phone_and_full_name(shop: Shop) -> None:
    giver, taker = pair(shop)
    story.ok(give_to(shop, giver, LI_SI))
    assert story.balance(shop, taker) == 100


@pytest.mark.parametrize(
    "to",
    [
        LI_SI | {"name": "李思"},
        LI_SI | {"phone": NOBODY},
        {"name": "张三", "phone": LI_SI["phone"]},
    ],
)
def test_a_wrong_name_and_a_wrong_phone_are_one_answer(shop: Shop, to: dict[str, str]) -> None:
    giver, _ = pair(shop)
    answer, nobody = (
        give_to(shop, giver, to),
        give_to(shop, giver, {"name": "王五", "phone": NOBODY}),
    )
    assert problem(answer) == (404, "receiver_not_found")
    assert answer.json is not None
    assert nobody.json is not None
    assert answer.json["errors"] == nobody.json["errors"]
    assert story.balance(shop, giver) == 500


def test_two_members_of_one_phone_and_name_are_nobody_in_particular(shop: Shop) -> None:
    giver, _ = pair(shop)
    story.member(shop, **LI_SI)
    assert problem(give_to(shop, giver, LI_SI)) == (404, "receiver_not_found")


def test_guessing_who_is_a_member_is_not_free(shop: Shop) -> None:
    """Who cannot pay for the answer does not get one."""
    giver, _ = pair(shop, 50)
    for to in (LI_SI, {"name": "王五", "phone": NOBODY}):
        answer = give_to(shop, giver, to)
        assert problem(answer) == (409, "insufficient_points")
        assert params(answer) == {"spendable": 50, "needed": 100}


def test_an_owner_gives_only_from_his_own(shop: Shop) -> None:
    giver, taker = pair(shop)
    body = {"from_member_id": str(giver), "to": LI_SI, "points": 1}
    answer = shop.post("owner", "/v1/point-transfers", body, subject=taker)
    assert problem(answer) == (404, "member_not_found")


def test_nobody_gives_to_himself(shop: Shop) -> None:
    giver, _ = pair(shop)
    assert problem(give(shop, giver, giver)) == (422, "transfer_to_oneself")
    himself = {"name": "张三", "phone": "13800138000"}
    assert problem(give_to(shop, giver, himself)) == (422, "transfer_to_oneself")


@pytest.mark.parametrize("both", [True, False])
def test_the_receiver_is_named_exactly_once(shop: Shop, both: bool) -> None:
    giver, taker = pair(shop)
    body: dict[str, Any] = {"from_member_id": str(giver), "points": 1}
    body |= {"to_member_id": str(taker), "to": LI_SI} if both else {}
    answer = shop.post("duty_manager", "/v1/point-transfers", body)
    assert problem(answer) == (422, "receiver_by_exactly_one")


def test_an_owner_never_names_the_receiver_by_id(shop: Shop) -> None:
    """Ids are not for trying out: whom he names, he knows by phone and name."""
    giver, taker = pair(shop)
    for receiver in (taker, uuid.uuid4()):
        answer = give(shop, giver, receiver, role="owner")
        assert problem(answer) == (422, "receiver_by_exactly_one")
        assert answer.json is not None
        assert answer.json["errors"][0]["pointer"] == "/to_member_id"
    assert story.balance(shop, taker) == 0


def test_only_staff_see_which_colleague_moved_the_points(shop: Shop) -> None:
    giver, taker = pair(shop)
    story.ok(give(shop, giver, taker))
    path = f"/v1/members/{giver}/point-transfers"
    [seen] = story.ok(shop.get("owner", path, subject=giver), 200)["items"]
    assert seen["transferred_by"] is None
    [seen] = story.ok(shop.get("auditor", path), 200)["items"]
    assert seen["transferred_by"] == str(shop.people["duty_manager"])


@pytest.mark.parametrize("points", [0, -1, 5_001])
def test_a_transfer_is_between_1_and_5000_points(shop: Shop, points: int) -> None:
    giver, taker = pair(shop, 6_000)
    assert problem(give(shop, giver, taker, points)) == (422, "validation_failed")


def test_three_transfers_a_month_and_again_in_the_next(shop: Shop, clock: TestClock) -> None:
    giver, taker = pair(shop)
    for _ in range(3):
        story.ok(give(shop, giver, taker, 10))
    answer = give(shop, giver, taker, 10)
    assert problem(answer) == (409, "transfer_limit")
    assert params(answer) == {"times_left": 0, "points_left": 0}
    story.ok(give(shop, taker, giver, 10))
    clock.add(days=31)
    assert give(shop, giver, taker, 10).status_code == 201


def test_10000_points_a_month(shop: Shop) -> None:
    giver, taker = pair(shop, 20_000)
    story.ok(give(shop, giver, taker, 5_000))
    story.ok(give(shop, giver, taker, 4_000))
    answer = give(shop, giver, taker, 1_001)
    assert problem(answer) == (409, "transfer_limit")
    assert params(answer) == {"times_left": 1, "points_left": 1_000}
    story.ok(give(shop, giver, taker, 1_000))


def test_a_member_of_another_dealer_is_not_there(shop: Shop, other_shop: Shop) -> None:
    giver, taker = pair(shop)
    stranger = story.member(other_shop, **LI_SI)
    assert problem(give(shop, giver, stranger)) == (404, "member_not_found")
    assert problem(give(other_shop, giver, stranger)) == (404, "member_not_found")
    assert problem(give(other_shop, stranger, taker)) == (404, "member_not_found")
    assert story.balance(shop, giver) == 500


def test_both_see_the_transfer_and_nobody_else_does(shop: Shop) -> None:
    giver, taker = pair(shop)
    third = story.member(shop, name="王五", phone=NOBODY)
    made = [story.ok(give(shop, giver, taker, points))["id"] for points in (1, 2)]
    made.append(story.ok(give(shop, taker, giver, 1))["id"])
    for person, seen in ((giver, made[::-1]), (taker, made[::-1]), (third, [])):
        path = f"/v1/members/{person}/point-transfers"
        page = story.ok(shop.get("owner", path, subject=person), 200)
        assert [each["id"] for each in page["items"]] == seen
        assert "13" + "900139000" not in str(page)


def test_16_transfers_both_ways_at_once_neither_block_nor_lose_a_point(shop: Shop) -> None:
    one, other = pair(shop)
    story.earn(shop, other, 500)

    def act(number: int) -> int:
        ends = (one, other) if number % 2 else (other, one)
        return give(shop, *ends, points=10).status_code

    assert at_once(16, act) == {201: 6, 409: 10}
    assert (story.balance(shop, one), story.balance(shop, other)) == (500, 500)
    assert books.broken(shop, one) == books.broken(shop, other) == []


def test_the_months_limit_holds_against_16_transfers_at_once(shop: Shop) -> None:
    giver, _ = pair(shop, 20_000)
    takers = [story.member(shop, phone=f"1380013{number:04}") for number in range(16)]
    seen = at_once(16, lambda n: give(shop, giver, takers[n], 5_000).status_code)
    assert seen == {201: 2, 409: 14}
    assert story.balance(shop, giver) == 10_000
