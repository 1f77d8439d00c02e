"""Reserved benefits used by a counter code: at home, at a partner who is owed for it, once."""

import uuid

import pytest

from tests.support import benefits, story
from tests.support.benefits import WASH, counts, golden, reserved, usages
from tests.support.counter import befriend, outcome, show
from tests.support.race import at_once
from tests.support.shop import Shop, hire

GIFT = WASH | {
    "choices": [
        {"code": "tea", "name_zh": "茶礼", "name_en": "Tea"},
        {"code": "wine", "name_zh": "红酒", "name_en": "Wine"},
    ]
}


def code_of(shop: Shop, usage: str, member: uuid.UUID) -> str:
    """The owner asks for a code for what he reserved."""
    body = {"purpose": "benefit", "subject_id": usage}
    found: str = story.ok(shop.post("owner", "/v1/counter-codes", body, subject=member))["code"]
    return found


def test_a_reserved_wash_is_used_when_the_desk_types_the_owners_code(shop: Shop) -> None:
    benefits.benefit(shop, "wash", WASH)
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    answer = story.ok(show(shop, code_of(shop, usage["id"], member)))
    assert (answer["outcome"], answer["what"]["name_zh"]) == ("accepted", "免费洗车")
    assert counts(shop, member) == {"wash": [11]}
    used = usages(shop, member)[0]
    assert (used["state"], used["honoured_by"]) == ("used", str(shop.dealer_id))


def test_the_desk_sees_what_the_owner_chose(shop: Shop) -> None:
    benefits.benefit(shop, "gift", GIFT)
    member = golden(shop)
    usage = reserved(shop, member, "gift", choice="wine")
    what = story.ok(show(shop, code_of(shop, usage["id"], member)))["what"]
    assert (what["choice_zh"], what["choice_en"], what["quantity"]) == ("红酒", "Wine", 1)


def test_a_partner_who_gives_the_wash_is_owed_for_it(shop: Shop, other_shop: Shop) -> None:
    befriend(shop, other_shop)
    benefits.benefit(shop, "wash", WASH | {"partner_fen": 3_500})
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    code = code_of(shop, usage["id"], member)
    assert outcome(show(other_shop, code, issued_by=shop.dealer_id)) == "accepted"
    assert usages(shop, member)[0]["honoured_by"] == str(other_shop.dealer_id)
    month = story.today(shop)[:7]
    owed = story.ok(shop.get("finance", "/v1/partner-benefit-statements", month=month), 200)
    lines = [
        (row["partner_id"], row["units"], row["amount"]["amount_fen"]) for row in owed["items"]
    ]
    assert lines == [(str(other_shop.dealer_id), 1, 3_500)]


def test_a_reservation_that_was_given_up_is_not_given_out(shop: Shop) -> None:
    benefits.benefit(shop, "wash", WASH)
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    code = code_of(shop, usage["id"], member)
    story.ok(benefits.end(shop, usage, "releases", "owner", subject=member))
    refused = show(shop, code)
    assert (refused.status_code, outcome(refused)) == (409, "reservation_ended")
    assert counts(shop, member) == {"wash": [12]}


def test_a_neighbour_gets_no_code_for_what_somebody_else_reserved(shop: Shop) -> None:
    benefits.benefit(shop, "wash", WASH)
    usage = reserved(shop, golden(shop), "wash")
    neighbour = golden(shop, phone="13900139000")
    body = {"purpose": "benefit", "subject_id": usage["id"]}
    refused = shop.post("owner", "/v1/counter-codes", body, subject=neighbour)
    assert (refused.status_code, outcome(refused)) == (404, "subject_not_found")


@pytest.mark.parametrize("abroad", [False, True])
def test_16_desks_with_the_code_or_without_use_a_reservation_once(
    shop: Shop, other_shop: Shop, abroad: bool
) -> None:
    befriend(shop, other_shop)
    benefits.benefit(shop, "wash", WASH)
    member = golden(shop)
    usage = reserved(shop, member, "wash")
    code = code_of(shop, usage["id"], member)
    desk = other_shop if abroad else shop
    clerks = [hire(desk, "service_desk") for _ in range(8)]
    answers = [""] * 16

    def act(number: int) -> int:
        if number % 2:
            answer = benefits.end(shop, usage, "uses")
            answers[number] = "accepted" if answer.status_code == 201 else "not_reserved"
        else:
            answer = show(desk, code, person=clerks[number // 2], issued_by=shop.dealer_id)
            answers[number] = outcome(answer)
        return answer.status_code

    statuses = at_once(16, act)
    assert set(statuses) <= {201, 409}
    assert answers.count("accepted") == 1
    assert counts(shop, member) == {"wash": [11]}
