"""Nobody helps himself to benefits: not staff with their own, not a clerk with a partner's pay."""

import uuid
from typing import Any

import pytest

from tests.support import benefits, story
from tests.support.benefits import LOUNGE, WASH, at, benefit, counts, end, go_to, golden, reserved
from tests.support.clock import TestClock
from tests.support.counter import ask, befriend, code_of, outcome, rows, show
from tests.support.shop import Shop, hire

PHONE = "13800138000"


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def owed(shop: Shop) -> int:
    """What partners are owed this month, in fen."""
    path = "/v1/partner-benefit-statements"
    found: int = story.ok(shop.get("finance", path), 200)["amount"]["amount_fen"]
    return found


def freeze(shop: Shop, member: uuid.UUID) -> None:
    body = {"member_id": str(member), "reason": "投诉核实"}
    story.ok(shop.post("dealer_admin", "/v1/account-freezes", body))


def test_a_partners_clerk_does_not_use_his_own_wash_and_his_dealer_is_not_paid(
    shop: Shop, other_shop: Shop
) -> None:
    befriend(shop, other_shop)
    benefit(shop, "wash", WASH | {"partner_fen": 3_500})
    member = golden(shop, phone=PHONE)
    clerk = hire(other_shop, "service_desk", phone=PHONE)
    code = code_of(shop, reserved(shop, member, "wash"), member)
    tried = show(other_shop, code, person=clerk, issued_by=shop.dealer_id)
    assert problem(tried) == (403, "own_account")
    assert (owed(shop), counts(shop, member)) == (0, {"wash": [11]})
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"
    assert owed(shop) == 3_500


def test_a_clerk_alone_makes_no_debt_to_a_partner(shop: Shop, other_shop: Shop) -> None:
    befriend(shop, other_shop)
    benefit(shop, "wash", WASH | {"partner_fen": 100_000})
    usage = reserved(shop, golden(shop), "wash", role="service_desk")
    refused = end(shop, usage, "uses", honoured_by=str(other_shop.dealer_id))
    assert problem(refused) == (422, "validation_failed")
    done = story.ok(end(shop, usage, "uses"))
    assert (done["honoured_by"], owed(shop)) == (str(shop.dealer_id), 0)


def test_what_a_partner_gave_is_undone_by_a_manager_and_he_is_owed_until_then(
    shop: Shop, other_shop: Shop
) -> None:
    befriend(shop, other_shop)
    benefit(shop, "wash", WASH | {"partner_fen": 3_500})
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    code = code_of(shop, usage, member)
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"
    refused = end(shop, usage, "reversals", reason="登记有误")
    assert problem(refused) == (403, "separation_of_duties")
    assert (owed(shop), counts(shop, member)) == (3_500, {"wash": [11]})
    story.ok(end(shop, usage, "reversals", "duty_manager", reason="登记有误"))
    assert (owed(shop), counts(shop, member)) == (0, {"wash": [12]})


def lounge(shop: Shop, clock: TestClock, **facts: str) -> tuple[uuid.UUID, dict[str, Any]]:
    """A member, and his appointment of 5 March, whose unit a no-show forfeits."""
    go_to(shop, clock, "2027-03-01")
    benefits.supplier(shop)
    benefit(shop, "lounge", LOUNGE)
    member = golden(shop, **facts)
    return member, reserved(shop, member, "lounge", appointment_at=at(shop, "2027-03-05"))


def test_a_clerk_does_not_escape_his_own_no_show(shop: Shop, clock: TestClock) -> None:
    member, usage = lounge(shop, clock, phone=PHONE)
    manager = hire(shop, "duty_manager", phone=PHONE)
    for day in ("2027-03-04", "2027-03-05"):
        go_to(shop, clock, day, 20)
        for how in ("releases", "no-shows"):
            refused = end(shop, usage, how, "duty_manager", manager)
            assert problem(refused) == (403, "own_account")
    story.ok(end(shop, usage, "no-shows"))
    assert counts(shop, member) == {"lounge": [1]}


@pytest.mark.parametrize(
    ("role", "before", "after"),
    [
        ("owner", 201, 409),
        ("service_desk", 201, 409),
        ("crm", 201, 409),
        ("duty_manager", 201, 201),
        ("showroom_manager", 201, 201),
    ],
)
@pytest.mark.parametrize("passed", [False, True])
def test_after_the_appointment_only_a_manager_lets_it_go(
    shop: Shop, clock: TestClock, role: str, before: int, after: int, passed: bool
) -> None:
    member, usage = lounge(shop, clock)
    go_to(shop, clock, "2027-03-05", 10 if passed else 9.9)
    answer = end(shop, usage, "releases", role, member if role == "owner" else None)
    assert answer.status_code == (after if passed else before)
    if answer.status_code == 409:
        assert problem(answer) == (409, "appointment_passed")


def test_a_frozen_account_takes_no_benefit_out_and_may_give_back(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    benefit(shop, "wash", WASH)
    member = golden(shop)
    done, kept, let_go = (reserved(shop, member, "wash") for _ in range(3))
    story.ok(end(shop, done, "uses"))
    code = code_of(shop, kept, member)
    freeze(shop, member)
    frozen = (409, "account_frozen")
    assert problem(benefits.ask(shop, member, "wash")) == frozen
    assert problem(end(shop, kept, "uses")) == frozen
    assert problem(show(shop, code)) == frozen
    assert problem(ask(shop, uuid.UUID(kept["id"]), member)) == frozen
    story.ok(end(shop, let_go, "releases", "owner", member))
    story.ok(end(shop, done, "reversals", reason="登记有误"))
    assert counts(shop, member) == {"wash": [11]}


@pytest.mark.parametrize(
    ("first_owner_only", "named", "answer"),
    [
        (True, True, (422, "vehicle_unfit")),
        (True, False, (422, "vehicle_needed")),
        (False, True, (201, None)),
    ],
)
def test_units_of_a_first_owner_are_not_given_to_a_second_who_would_lose_them(
    shop: Shop,
    clock: TestClock,
    first_owner_only: bool,
    named: bool,
    answer: tuple[int, str | None],
) -> None:
    go_to(shop, clock, "2027-03-01")
    bound = {"bound_to": "vehicle", "first_owner_only": first_owner_only, "quota": {"silver": 1}}
    benefit(shop, "care", WASH | bound)
    first, second = golden(shop), golden(shop, phone="13900139000")
    for member, since in ((first, "2024-05-01"), (second, "2026-05-01")):
        body = {"member_id": str(member), **story.SAGITAR, "owned_from": since}
        story.ok(shop.post("crm", "/v1/vehicle-ownerships", body))
    [[car]] = rows(shop, "SELECT id FROM vehicle")
    grant = {
        "member_id": str(second),
        "benefit": "care",
        "vehicle_id": str(car) if named else None,
        "units": 5,
        "valid_until": "2027-12-01",
        "reason": "补偿",
    }
    told = shop.post("dealer_admin", "/v1/benefit-grants", grant)
    assert told.json is not None
    assert (told.status_code, told.json.get("code")) == answer
    sold = shop.post("dealer_admin", "/v1/benefit-grants", grant | {"member_id": str(first)})
    assert sold.status_code == 422
    assert counts(shop, second) == ({"care": [5]} if answer[0] == 201 else {})
