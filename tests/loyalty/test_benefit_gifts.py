"""Benefits that an event brings: a birthday, a visit, a sale; and what becomes of them."""

from typing import Any

import pytest

from tests.support import benefits, earning, story, tiers
from tests.support.benefits import (
    WASH,
    at,
    benefit,
    counts,
    end,
    go_to,
    golden,
    left,
    reserved,
    used,
)
from tests.support.clock import TestClock
from tests.support.shop import Shop


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_birthday_brings_a_gift_of_choice_for_thirty_days(shop: Shop, clock: TestClock) -> None:
    go_to(shop, clock, "2027-03-01")
    choices = [
        {"code": "cake", "name_zh": "蛋糕", "name_en": "A cake"},
        {"code": "flowers", "name_zh": "鲜花", "name_en": "Flowers"},
    ]
    gift = {
        "period": "event",
        "event": {"kind": "birthday", "valid_days": 30},
        "quota": {"gold": 1},
        "choices": choices,
    }
    benefit(shop, "birthday", WASH | gift)
    member = golden(shop)
    assert counts(shop, member) == {}
    earning.earned(shop, member, kind="birthday")
    [lot] = left(shop, member)
    assert (lot["origin"], lot["valid_until"], lot["choices"]) == ("event", "2027-03-31", choices)
    for wrong in ({}, {"choice": "wine"}):
        assert problem(benefits.ask(shop, member, "birthday", **wrong)) == (422, "choice_unknown")
    usage = used(shop, member, "birthday", choice="flowers")
    assert usage["choice"] == choices[1]
    assert counts(shop, member) == {"birthday": [0]}
    go_to(shop, clock, "2027-03-31", 0)
    assert counts(shop, member) == {}


@pytest.mark.parametrize(
    ("parts", "expected"), [([(0, 40_000)], [[1], [0], [2]]), ([(0, 40_000), (0, 60_000)], [])]
)
def test_a_gift_for_a_sale_is_lost_when_all_of_the_sale_is_given_back_and_what_was_used_stays(
    shop: Shop, clock: TestClock, parts: list[tuple[int, int]], expected: list[list[int]]
) -> None:
    go_to(shop, clock, "2027-03-01")
    event = {"period": "event", "event": {"kind": "accessory_sale", "valid_days": 30}}
    for code, units in (("care", 2), ("gift", 1), ("wax", 2)):
        benefit(shop, code, WASH | event | {"quota": {"gold": units}})
    member = golden(shop)
    paper = earning.paper(shop, member, earning.line(1_000), kind="accessory_sale")
    sale = story.ok(shop.post("crm", "/v1/documents", paper))
    taken = used(shop, member, "gift")
    waiting = reserved(shop, member, "care", appointment_at=at(shop, "2027-03-20"))
    assert counts(shop, member) == {"care": [1], "gift": [0], "wax": [2]}
    go_to(shop, clock, "2027-03-05")
    for part in parts:
        earning.returned(shop, sale, part)
    names = ["care", "gift", "wax"]
    assert counts(shop, member) == dict(zip(names, expected, strict=False))
    states = {each["id"]: each for each in benefits.usages(shop, member)}
    assert states[taken["id"]]["state"] == "used"
    if not expected:
        gone = states[waiting["id"]]
        assert (gone["state"], gone["end_reason"]) == ("released", "event_undone")
        assert problem(benefits.ask(shop, member, "wax")) == (404, "benefit_not_found")
        assert problem(end(shop, waiting, "uses")) == (409, "reservation_ended")


def test_a_gift_for_a_visit_that_was_told_wrongly_goes_with_it(
    shop: Shop, clock: TestClock
) -> None:
    go_to(shop, clock, "2027-03-01")
    event = {"period": "event", "event": {"kind": "visit", "valid_days": 30}}
    benefit(shop, "gift", WASH | event | {"quota": {"gold": 2}})
    member = golden(shop)
    told = story.ok(tiers.tell(shop, member, "visit"))
    used(shop, member, "gift")
    assert counts(shop, member) == {"gift": [1]}
    withdrawn = {"reason": "会员有误"}
    story.ok(shop.post("crm", f"/v1/value-facts/{told['id']}/withdrawals", withdrawn))
    assert counts(shop, member) == {}
    assert benefits.usages(shop, member)[0]["state"] == "used"


@pytest.mark.parametrize("written", [False, True])
def test_a_gift_is_of_the_tier_of_its_day_whether_or_not_it_was_written_before_that_changed(
    shop: Shop, clock: TestClock, written: bool
) -> None:
    go_to(shop, clock, "2027-03-01")
    event = {"period": "event", "event": {"kind": "visit", "valid_days": 30}}
    benefit(shop, "gift", WASH | event | {"quota": {"gold": 3, "silver": 1}})
    member = golden(shop)
    story.ok(tiers.tell(shop, member, "visit"))
    if written:
        story.ok(end(shop, reserved(shop, member, "gift"), "releases"))
    assert counts(shop, member) == {"gift": [3]}
    earning.tier(shop, member, "silver")
    assert counts(shop, member) == {"gift": [1]}
    go_to(shop, clock, "2027-03-02")
    earning.tier(shop, member, "gold")
    assert counts(shop, member) == {"gift": [1]}
