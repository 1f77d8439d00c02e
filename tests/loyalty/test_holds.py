"""Points and stock put aside, captured or released once, and redemptions that are cancelled."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from api.commands.work import unit_of_work
from loyalty.dealers.roles import Role
from loyalty.rewards.stock import return_overdue_stock
from tests.support import ledger_rows as books
from tests.support import story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop, hire, open_shop

CASH = {"amount_fen": 20_000, "currency": "CNY"}


def saver(shop: Shop, yuan: int = 500, **facts: str) -> uuid.UUID:
    """A member who earned this many points."""
    member = story.member(shop, **facts)
    story.earn(shop, member, yuan)
    return member


def ask(shop: Shop, member: uuid.UUID, role: str = "crm", **facts: Any) -> TestResponse:
    body = {"member_id": str(member), "points": 300, "minutes": 60} | facts
    return shop.post(role, "/v1/point-holds", body, subject=member if role == "owner" else None)


def held(shop: Shop, member: uuid.UUID, **facts: Any) -> dict[str, Any]:
    return story.ok(ask(shop, member, **facts))


def end(
    shop: Shop,
    hold: dict[str, Any],
    how: str,
    role: str = "service_desk",
    *,
    subject: uuid.UUID | None = None,
    **body: Any,
) -> TestResponse:
    return shop.post(role, f"/v1/point-holds/{hold['id']}/{how}", body, subject=subject)


def look(shop: Shop, hold: dict[str, Any]) -> dict[str, Any]:
    return story.ok(shop.get("crm", f"/v1/point-holds/{hold['id']}"), 200)


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["code"]


def cancel(shop: Shop, redemption: str, *, subject: uuid.UUID | None = None) -> TestResponse:
    path = f"/v1/redemptions/{redemption}/cancellations"
    return shop.post("service_desk", path, {"reason": "客户改变主意"}, subject=subject)


def test_300_of_500_points_are_held_with_the_gift_and_the_rest_is_paid_in_cash(shop: Shop) -> None:
    member, gift = saver(shop), story.reward(shop, points=500, stock=2)
    hold = held(shop, member, reward_id=gift, quantity=1, cash=CASH)
    assert (hold["state"], hold["stock"], hold["cash"]) == ("open", "kept", CASH)
    assert story.balance(shop, member) == 200
    assert books.account(shop, member) == (200, 300)
    assert books.stock(shop, gift) == 1
    done = story.ok(end(shop, hold, "captures"))
    assert (done["state"], done["captured"], done["stock"]) == ("captured", 300, "used")
    redemption = story.ok(shop.get("duty_manager", f"/v1/redemptions/{done['redemption_id']}"), 200)
    assert (redemption["points"], redemption["quantity"]) == (300, 1)
    assert books.account(shop, member) == (200, 0)
    assert books.stock(shop, gift) == 1
    assert books.broken(shop, member) == []


def test_a_release_gives_back_the_same_lots_with_the_same_dates(shop: Shop) -> None:
    member, gift = story.member(shop), story.reward(shop, points=250)
    story.earn(shop, member, 200, occurred_on="2025-01-15")
    story.earn(shop, member, 100)
    before = books.lots(shop, member)
    hold = held(shop, member, points=250, reward_id=gift, quantity=1)
    assert [lot[1:3] for lot in books.lots(shop, member)] == [(0, 200), (50, 50)]
    path = f"/v1/point-holds/{hold['id']}/releases"
    done = story.ok(shop.post("owner", path, subject=member))
    assert (done["state"], done["stock"], done["redemption_id"]) == ("released", "returned", None)
    assert books.lots(shop, member) == before
    assert books.stock(shop, gift) == 10
    assert books.broken(shop, member) == []


def test_a_hold_past_its_time_is_spendable_at_that_instant_though_no_job_has_run(
    shop: Shop, clock: TestClock
) -> None:
    member, gift = saver(shop, 300), story.reward(shop, points=300)
    hold = held(shop, member, minutes=1)
    assert (story.balance(shop, member), look(shop, hold)["state"]) == (0, "open")
    clock.add(seconds=61)
    assert story.balance(shop, member) == 300
    seen = look(shop, hold)
    assert (seen["state"], seen["ended_at"]) == ("expired", hold["expires_at"])
    body = {"member_id": str(member), "reward_id": gift}
    story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))
    assert look(shop, hold)["state"] == "expired"
    assert books.broken(shop, member) == []


@pytest.mark.parametrize("how", ["captures", "releases"])
def test_a_hold_past_its_time_can_neither_be_captured_nor_released(
    shop: Shop, clock: TestClock, how: str
) -> None:
    member, gift = saver(shop, 300), story.reward(shop, points=300, stock=1)
    hold = held(shop, member, minutes=1, reward_id=gift, quantity=1)
    clock.add(seconds=61)
    assert problem(end(shop, hold, how)) == (409, "hold_ended")
    assert story.balance(shop, member) == 300


@pytest.mark.parametrize("first", ["captures", "releases"])
@pytest.mark.parametrize("second", ["captures", "releases"])
def test_a_hold_ends_once(shop: Shop, first: str, second: str) -> None:
    hold = held(shop, saver(shop), reward_id=story.reward(shop, points=300), quantity=1)
    story.ok(end(shop, hold, first))
    assert problem(end(shop, hold, second)) == (409, "hold_ended")


def test_of_a_part_captured_the_rest_goes_back_to_its_lots(shop: Shop) -> None:
    member = story.member(shop)
    story.earn(shop, member, 200, occurred_on="2025-01-15")
    story.earn(shop, member, 200)
    hold = held(shop, member, points=300)
    done = story.ok(end(shop, hold, "captures", points=120))
    assert (done["state"], done["points"], done["captured"]) == ("captured", 300, 120)
    assert [lot[1:3] for lot in books.lots(shop, member)] == [(80, 0), (200, 0)]
    assert books.broken(shop, member) == []


def test_more_than_is_held_cannot_be_captured(shop: Shop) -> None:
    member = saver(shop)
    hold = held(shop, member)
    assert problem(end(shop, hold, "captures", points=301)) == (422, "capture_exceeds_hold")
    assert books.account(shop, member) == (200, 300)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"points": 501}, (409, "insufficient_points")),
        ({"points": 400, "reward": True}, (422, "hold_exceeds_price")),
        ({"points": 300, "reward": True}, (201, "")),
        ({"points": 200, "reward": True}, (422, "cash_too_little")),
        ({"points": 200, "reward": True, "fen": 99}, (422, "cash_too_little")),
        ({"points": 200, "reward": True, "fen": 100}, (201, "")),
        ({"quantity": 1}, (422, "reward_and_quantity_together")),
        ({"reward_id": str(uuid.uuid4()), "quantity": 1}, (404, "reward_not_found")),
        ({"minutes": 0}, (422, "validation_failed")),
        ({"minutes": 43_201}, (422, "validation_failed")),
        ({"points": 0}, (422, "validation_failed")),
    ],
)
def test_points_and_cash_together_fit_the_price(
    shop: Shop, facts: dict[str, Any], expected: tuple[int, str]
) -> None:
    facts = dict(facts)
    if facts.pop("reward", False):
        facts |= {"reward_id": story.reward(shop, points=300), "quantity": 1}
    if fen := facts.pop("fen", 0):
        facts["cash"] = {"amount_fen": fen, "currency": "CNY"}
    answer = ask(shop, saver(shop), **facts)
    assert (answer.status_code, (answer.json or {}).get("code", "")) == expected


def test_a_hold_that_keeps_a_reward_is_captured_whole(shop: Shop) -> None:
    """Two hundred yuan were paid besides 300 points; nobody gets the gift for one point."""
    member, gift = saver(shop), story.reward(shop, points=500, stock=2)
    hold = held(shop, member, reward_id=gift, quantity=1, cash=CASH)
    for part in (1, 299, 301):
        refused = end(shop, hold, "captures", points=part)
        assert problem(refused) == (422, "capture_whole_reward")
        assert refused.json is not None
        assert refused.json["errors"][0]["pointer"] == "/points"
    assert (look(shop, hold)["state"], books.account(shop, member)) == ("open", (200, 300))
    done = story.ok(end(shop, hold, "captures", points=300))
    assert (done["captured"], done["stock"]) == (300, "used")


ORDER = {"source": "mall", "id": "O-1"}


def test_an_order_holds_points_once_at_a_time(shop: Shop) -> None:
    member = saver(shop)
    hold = held(shop, member, points=10, order_ref=ORDER)
    assert hold["order_ref"] == ORDER
    refused = (409, "order_held_already")
    assert problem(ask(shop, member, points=10, order_ref=ORDER)) == refused
    assert books.account(shop, member) == (490, 10)
    story.ok(end(shop, hold, "captures"))
    assert problem(ask(shop, member, points=10, order_ref=ORDER)) == refused
    assert books.account(shop, member) == (490, 0)


def test_an_order_whose_hold_was_released_holds_again(shop: Shop) -> None:
    member = saver(shop)
    for _ in range(2):
        hold = held(shop, member, points=10, order_ref=ORDER)
        story.ok(end(shop, hold, "releases"))
    last = held(shop, member, points=10, order_ref=ORDER)
    assert problem(ask(shop, member, points=10, order_ref=ORDER)) == (409, "order_held_already")
    assert look(shop, last)["state"] == "open"
    assert books.account(shop, member) == (490, 10)


@pytest.mark.parametrize("same", [True, False])
def test_an_order_whose_hold_ran_out_holds_again_though_no_job_has_run(
    shop: Shop, clock: TestClock, same: bool
) -> None:
    member = saver(shop)
    payer = member if same else saver(shop, phone="13900139000")
    late = held(shop, member, points=10, minutes=1, order_ref=ORDER)
    assert problem(ask(shop, payer, points=20, order_ref=ORDER)) == (409, "order_held_already")
    clock.add(seconds=61)
    story.ok(ask(shop, payer, points=20, order_ref=ORDER))
    assert problem(ask(shop, payer, points=20, order_ref=ORDER)) == (409, "order_held_already")
    assert look(shop, late)["state"] == "expired"
    assert problem(end(shop, late, "captures")) == (409, "hold_ended")
    assert books.account(shop, payer) == (480, 20)


def test_a_capture_that_read_the_clock_before_its_order_went_on_comes_too_late(
    shop: Shop, clock: TestClock
) -> None:
    member, payer = saver(shop), saver(shop, phone="13900139000")
    late = held(shop, member, points=10, minutes=1, order_ref=ORDER)
    clock.add(seconds=61)
    story.ok(ask(shop, payer, points=20, order_ref=ORDER))
    clock.add(seconds=-30)
    assert problem(end(shop, late, "captures")) == (409, "hold_ended")
    assert books.account(shop, member) == (490, 10)


def test_of_16_holds_at_once_for_an_order_that_is_free_again_one_stands(
    shop: Shop, clock: TestClock
) -> None:
    members = [saver(shop, 10, phone=f"1380013{number:04}") for number in range(16)]
    held(shop, members[0], points=10, minutes=1, order_ref=ORDER)
    clock.add(seconds=61)

    def act(number: int) -> int:
        return ask(shop, members[number], points=10, order_ref=ORDER).status_code

    assert at_once(16, act) == {201: 1, 409: 15}
    assert sum(story.balance(shop, member) for member in members) == 150


def test_what_is_out_of_stock_holds_no_points(shop: Shop) -> None:
    member, gift = saver(shop), story.reward(shop, points=100, stock=1)
    answer = ask(shop, member, points=200, reward_id=gift, quantity=2)
    assert problem(answer) == (409, "out_of_stock")
    assert (story.balance(shop, member), books.stock(shop, gift)) == (500, 1)


def test_stock_of_a_hold_that_ran_out_serves_the_next_owner(shop: Shop, clock: TestClock) -> None:
    first, second, third = (saver(shop, phone=f"1380013800{n}") for n in range(3))
    wish: dict[str, Any] = {"reward_id": story.reward(shop, points=300, stock=1), "quantity": 1}
    late = held(shop, first, minutes=1, **wish)
    assert problem(ask(shop, second, **wish)) == (409, "out_of_stock")
    clock.add(seconds=61)
    story.ok(ask(shop, second, **wish))
    assert look(shop, late)["stock"] == "returned"
    assert problem(ask(shop, third, **wish)) == (409, "out_of_stock")
    assert problem(end(shop, late, "captures")) == (409, "hold_ended")
    assert story.balance(shop, first) == 500


def test_the_night_brings_overdue_stock_back_once(shop: Shop, clock: TestClock) -> None:
    gifts = [story.reward(shop, points=100, stock=3) for _ in range(2)]
    for gift in gifts:
        held(shop, saver(shop), points=200, minutes=1, reward_id=gift, quantity=2)
    clock.add(seconds=61)

    def night() -> int:
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="night") as uow:
            return return_overdue_stock(uow, 1)

    assert [night(), night(), night()] == [2, 2, 0]
    assert [books.stock(shop, gift) for gift in gifts] == [3, 3]


def test_only_a_partner_of_this_dealer_honours_a_capture(shop: Shop) -> None:
    partner = open_shop(shop.app, shop.service).dealer_id
    member = saver(shop)
    hold = held(shop, member)
    body: dict[str, Any] = {"honoured_by": str(partner)}
    assert problem(end(shop, hold, "captures", **body)) == (422, "partner_unknown")
    befriend(shop, partner)
    story.ok(end(shop, hold, "captures", **body))
    asked = "SELECT points, counterparty_id FROM point_entry WHERE account = 'payable'"
    assert [tuple(row) for row in books.rows(shop, asked)] == [(300, partner)]


def befriend(shop: Shop, partner: uuid.UUID) -> None:
    engine = create_engine(shop.service.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO dealer_partner VALUES (:dealer, :partner, 'P', '伙伴店')"),
            {"dealer": shop.dealer_id, "partner": partner},
        )
    engine.dispose()


def test_an_owner_holds_and_releases_his_own_and_captures_nothing(shop: Shop) -> None:
    me, neighbour = saver(shop), saver(shop, phone="13900139000")
    mine, theirs = story.ok(ask(shop, me, "owner")), held(shop, neighbour)
    body = {"member_id": str(neighbour), "points": 1, "minutes": 1}
    answer = shop.post("owner", "/v1/point-holds", body, subject=me)
    assert problem(answer) == (404, "member_not_found")
    for path in (f"/v1/point-holds/{theirs['id']}", f"/v1/point-holds/{uuid.uuid4()}"):
        assert problem(shop.get("owner", path, subject=me)) == (404, "hold_not_found")
        assert problem(shop.post("owner", f"{path}/releases", subject=me)) == (
            404,
            "hold_not_found",
        )
    assert problem(end(shop, mine, "captures", "owner", subject=me)) == (403, "role_lacks")
    assert look(shop, theirs)["state"] == "open"


def test_a_machine_holds_and_releases_but_captures_nothing(shop: Shop) -> None:
    """Points are spent by a person (api.md, who may do what)."""
    hold = held(shop, saver(shop))
    assert problem(end(shop, hold, "captures", "crm")) == (403, "role_lacks")
    assert story.ok(end(shop, hold, "releases", "crm"))["state"] == "released"


def test_nobody_captures_or_cancels_for_himself(shop: Shop) -> None:
    member, gift = saver(shop), story.reward(shop, points=100)
    me, colleague = hire(shop, "service_desk", phone="13800138000"), hire(shop, "service_desk")
    hold = held(shop, member, points=100, reward_id=gift, quantity=1)
    assert problem(end(shop, hold, "captures", subject=me)) == (403, "own_account")
    done = story.ok(end(shop, hold, "captures", subject=colleague))
    refused = cancel(shop, done["redemption_id"], subject=me)
    assert problem(refused) == (403, "own_account")
    assert books.account(shop, member) == (400, 0)
    story.ok(cancel(shop, done["redemption_id"], subject=colleague))


def test_a_members_holds_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    member = saver(shop)
    made = [held(shop, member, points=points)["id"] for points in (1, 2, 3)]
    path = f"/v1/members/{member}/point-holds"
    first = story.ok(shop.get("owner", path, subject=member, limit="2"), 200)
    query = {"limit": "2", "cursor": first["next_cursor"]}
    rest = story.ok(shop.get("owner", path, subject=member, **query), 200)
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["has_more"] is False


def test_of_32_captures_and_releases_of_one_hold_exactly_one_wins(shop: Shop) -> None:
    gift = story.reward(shop, points=300, stock=5)
    for _ in range(3):
        member = saver(shop)
        shelf = books.stock(shop, gift)
        hold = held(shop, member, reward_id=gift, quantity=1)

        def act(number: int, hold: dict[str, Any] = hold) -> int:
            return end(shop, hold, "captures" if number % 2 else "releases").status_code

        assert at_once(32, act) == {201: 1, 409: 31}
        captured = look(shop, hold)["state"] == "captured"
        assert books.account(shop, member) == ((200, 0) if captured else (500, 0))
        assert books.stock(shop, gift) == (shelf - 1 if captured else shelf)
        assert books.broken(shop, member) == []


def test_the_last_piece_is_held_by_one_of_32_owners(shop: Shop) -> None:
    gift = story.reward(shop, points=10, stock=1)
    members = [saver(shop, 10, phone=f"1380013{number:04}") for number in range(32)]

    def act(number: int) -> int:
        wish = {"points": 10, "reward_id": gift, "quantity": 1}
        return ask(shop, members[number], "owner", **wish).status_code

    assert at_once(32, act) == {201: 1, 409: 31}
    assert books.stock(shop, gift) == 0
    assert sum(story.balance(shop, member) for member in members) == 310


def redeemed(shop: Shop, member: uuid.UUID, gift: str) -> str:
    body = {"member_id": str(member), "reward_id": gift}
    found: str = story.ok(shop.post("owner", "/v1/redemptions", body, subject=member))["id"]
    return found


def test_a_cancelled_redemption_restores_lots_dates_and_stock_once(shop: Shop) -> None:
    member, gift = story.member(shop), story.reward(shop, points=250)
    story.earn(shop, member, 200, occurred_on="2025-01-15")
    story.earn(shop, member, 100)
    before = books.lots(shop, member)
    redemption = redeemed(shop, member, gift)
    done = story.ok(cancel(shop, redemption))
    assert (done["redemption_id"], done["restored"]) == (redemption, 250)
    assert books.lots(shop, member) == before
    assert books.stock(shop, gift) == 10
    assert problem(cancel(shop, redemption)) == (409, "already_reversed")
    assert books.stock(shop, gift) == 10
    assert books.broken(shop, member) == []


def test_a_captured_hold_is_cancelled_like_a_redemption(shop: Shop) -> None:
    member, gift = saver(shop), story.reward(shop, points=300)
    hold = held(shop, member, reward_id=gift, quantity=1)
    done = story.ok(end(shop, hold, "captures"))
    assert story.ok(cancel(shop, done["redemption_id"]))["restored"] == 300
    assert (books.account(shop, member), books.stock(shop, gift)) == ((500, 0), 10)


def test_a_redemption_whose_lot_has_expired_meanwhile_gives_nothing_back_and_says_so(
    shop: Shop, clock: TestClock
) -> None:
    member, gift = saver(shop, 100), story.reward(shop, points=100)
    redemption = redeemed(shop, member, gift)
    [(_, _, _, ends)] = books.lots(shop, member)
    clock.add(seconds=(ends - clock() + timedelta(seconds=1)).total_seconds())
    assert story.ok(cancel(shop, redemption))["restored"] == 0
    assert (story.balance(shop, member), books.stock(shop, gift)) == (0, 10)


def test_of_16_cancellations_at_once_one_restores(shop: Shop) -> None:
    member, gift = saver(shop, 100), story.reward(shop, points=100)
    redemption = redeemed(shop, member, gift)
    assert at_once(16, lambda _: cancel(shop, redemption).status_code) == {201: 1, 409: 15}
    assert (story.balance(shop, member), books.stock(shop, gift)) == (100, 10)
