"""The dealer's policy: who writes it, who publishes it, and that its figures count from then on."""

from typing import Any

import pytest

from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.shop import Shop

BODY = {"body": {"confirm_within_hours": 2}, "effective_from": "2030-01-01"}


def drafted(shop: Shop, **figures: Any) -> dict[str, Any]:
    return story.ok(shop.post("dealer_admin", "/v1/referral-policies", BODY | {"body": figures}))


def test_a_draft_names_every_figure_and_what_it_does_not_name_is_built_in(shop: Shop) -> None:
    body = drafted(shop, ladder=[[1, 300], [4, 600]], buyer_points=100)["body"]
    assert (body["ladder"], body["buyer_points"]) == ([[1, 300], [4, 600]], 100)
    assert (body["confirm_within_hours"], body["hold_days"], body["cut_off"]) == (24, 15, "order")


@pytest.mark.parametrize(
    ("figures", "pointer"),
    [
        ({"confirm_within_days": 1}, "/body/confirm_within_days"),
        ({"confirm_within_hours": 0}, "/body/confirm_within_hours"),
        ({"ladder": [[2, 100]]}, "/body/ladder/0"),
        ({"cut_off": "invoice"}, "/body/cut_off"),
        ({"hold_days": True}, "/body/hold_days"),
        ({"appeal_within_days": 15}, "/body/adjudicate_within_days"),
        ({"adjudicate_within_days": 7}, "/body/adjudicate_within_days"),
    ],
)
def test_a_misspelt_or_impossible_figure_is_refused_where_it_stands(
    shop: Shop, figures: dict[str, Any], pointer: str
) -> None:
    answer = shop.post("dealer_admin", "/v1/referral-policies", BODY | {"body": figures})
    assert (answer.status_code, answer.json["code"]) == (422, "rule_invalid")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_its_author_does_not_publish_it(shop: Shop) -> None:
    body = BODY | {"effective_from": story.today(shop)}
    mine = story.ok(shop.post("programme_admin", "/v1/referral-policies", body))
    path = f"/v1/referral-policies/{mine['id']}/publications"
    answer = shop.post("programme_admin", path)
    assert (answer.status_code, answer.json["code"]) == (403, "separation_of_duties")


@pytest.mark.parametrize("role", ["duty_manager", "finance", "consultant", "crm"])
def test_who_works_by_the_policy_does_not_write_it(shop: Shop, role: str) -> None:
    assert shop.post(role, "/v1/referral-policies", BODY).status_code == 403


def test_the_hours_to_confirm_are_the_dealers(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    sales.policy(shop, confirm_within_hours=2)
    referral = story.submitted(shop)
    clock.add(hours=2)
    assert story.confirmed(shop, referral)["state"] == "expired"


def test_a_report_keeps_the_hours_it_was_made_under(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    sales.policy(shop, confirm_within_hours=1)
    clock.add(hours=2)
    assert story.confirmed(shop, referral)["state"] == "registered"


def test_the_days_to_the_sale_are_the_dealers(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    sales.policy(shop, sale_within_days=10)
    referral = story.confirmed(shop, story.submitted(shop))
    clock.add(days=10)
    story.order(shop)
    assert story.read(shop, referral["id"])["state"] == "expired"


def test_when_it_ends_the_built_in_figures_count_again(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    published = sales.policy(shop, confirm_within_hours=1)
    tomorrow = (shop.service.clock() + story.timedelta(hours=8, days=1)).date().isoformat()
    path = f"/v1/referral-policies/{published['id']}/ends"
    story.ok(shop.post("programme_admin", path, {"effective_until": tomorrow}))
    clock.add(days=1)
    referral = story.submitted(shop)
    clock.add(hours=20)
    assert story.confirmed(shop, referral)["state"] == "registered"


def test_every_version_is_told_with_its_people(shop: Shop) -> None:
    published = sales.policy(shop)
    told = story.ok(shop.get("auditor", "/v1/referral-policies"), 200)["items"]
    assert told[-1] == published
    assert {row["state"] for row in told} == {"published"}
    one = story.ok(shop.get("finance", f"/v1/referral-policies/{published['id']}"), 200)
    assert one["author_id"] != one["publisher_id"]
