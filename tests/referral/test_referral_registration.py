"""Registering a referral: before the sale, by the right people, about the right owner."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop, hire


def test_a_registration_after_the_order_is_refused_and_kept(shop: Shop) -> None:
    story.owner(shop)
    story.order(shop)
    referral = story.submitted(shop)
    assert (referral["state"], referral["reason"]) == ("refused", "registered_after_order")
    assert story.read(shop, referral["id"])["state"] == "refused"


def test_an_owner_who_first_surfaces_at_the_hand_over_is_no_referral(shop: Shop) -> None:
    story.owner(shop)
    story.order(shop)
    story.delivery(shop)
    referral = story.submitted(shop)
    assert referral["reason"] == "owner_surfaced_at_delivery"


def test_an_order_between_report_and_confirmation_ends_the_referral(shop: Shop) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    story.order(shop)
    assert story.read(shop, referral["id"])["reason"] == "registered_after_order"


def test_an_order_told_late_but_made_before_the_registration_ends_it_too(shop: Shop) -> None:
    story.owner(shop)
    before = story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, occurred_at=before)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("refused", "registered_after_order")


def test_cancelling_the_order_makes_no_room_for_a_later_report(shop: Shop) -> None:
    story.owner(shop)
    story.order(shop)
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    assert story.submitted(shop)["reason"] == "registered_after_order"


def slip(shop: Shop, **facts: Any) -> dict[str, Any]:
    whole: dict[str, Any] = story.report(shop)["slip"] | facts
    return whole


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"owner_phone": "13800138999"}, "owner_not_found"),
        ({"owner_name": "张三丰"}, "owner_not_found"),
        ({"owner_phone": "13900139000"}, "self_same_phone"),
    ],
)
def test_a_slip_that_names_no_owner_is_refused(
    shop: Shop, facts: dict[str, str], reason: str
) -> None:
    story.owner(shop)
    assert story.submitted(shop, slip=slip(shop, **facts))["reason"] == reason


def test_an_owner_without_a_car_yet_is_refused(shop: Shop) -> None:
    story.owner(shop, owned_from=story.today(shop))
    assert story.submitted(shop)["reason"] == "owner_not_yet_owner"


def test_an_owner_who_sold_his_car_before_is_refused(shop: Shop) -> None:
    story.owner(shop, owned_until="2025-01-01")
    assert story.submitted(shop)["reason"] == "owner_sold_car"


def test_a_buyer_who_is_a_customer_already_is_refused(shop: Shop) -> None:
    story.owner(shop)
    story.member(shop, name="李四", phone="13900139000")
    assert story.submitted(shop)["reason"] == "buyer_existing_customer"


def test_without_consent_nothing_is_registered(shop: Shop) -> None:
    story.owner(shop)
    assert story.submitted(shop, consent_version=None)["reason"] == "consent_missing"


def test_staff_do_not_recommend(shop: Shop) -> None:
    story.owner(shop)
    body = {
        "staff_no": "X",
        "name": "张三",
        "phone": "138 0013 8000",
        "roles": ["service_desk"],
        "team": "service",
    }
    story.ok(shop.post("crm", "/v1/staff", body))
    assert story.submitted(shop)["reason"] == "owner_is_staff"


def test_the_first_report_of_a_buyer_wins(shop: Shop) -> None:
    story.owner(shop)
    story.submitted(shop)
    rival = hire(shop, "consultant")
    answer = shop.post("consultant", "/v1/referrals", story.report(shop), subject=rival)
    assert (answer.status_code, answer.json["code"]) == (409, "buyer_already_referred")


def test_a_consultant_who_is_also_duty_manager_cannot_confirm_his_own_report(shop: Shop) -> None:
    story.owner(shop)
    both = hire(shop, "consultant")
    change = {"roles": ["consultant", "duty_manager"], "team": "sales-a", "active": True}
    story.ok(shop.post("dealer_admin", f"/v1/staff/{both}/changes", change, version=1))
    report = story.report(shop)
    referral = story.ok(shop.post("consultant", "/v1/referrals", report, subject=both))
    path = f"/v1/referrals/{referral['id']}/confirmations"
    answer = shop.post("duty_manager", path, subject=both, version=1)
    assert (answer.status_code, answer.json["code"]) == (403, "separation_of_duties")
    assert story.read(shop, referral["id"])["state"] == "submitted"


def test_a_confirmation_after_a_day_finds_the_report_expired(shop: Shop, clock: TestClock) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    clock.add(hours=24)
    referral = story.confirmed(shop, referral)
    assert (referral["state"], referral["reason"]) == ("expired", "timeout_fail_closed")


def test_a_decision_on_a_stale_screen_is_refused(shop: Shop) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    path = f"/v1/referrals/{referral['id']}/confirmations"
    assert shop.post("duty_manager", path).status_code == 428
    stale = shop.post("duty_manager", path, version=referral["version"] + 1)
    assert (stale.status_code, stale.json["code"]) == (412, "version_changed")


def test_confirming_twice_changes_nothing_even_after_the_order(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    referral = story.read(shop, referral["id"])
    path = f"/v1/referrals/{referral['id']}/confirmations"
    again = shop.post("duty_manager", path, version=referral["version"])
    assert (again.status_code, again.json["code"]) == (409, "transition_not_allowed")
    assert story.read(shop, referral["id"])["state"] == "ordered"


def test_a_manager_refuses_with_a_typed_reason_only(shop: Shop) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    path = f"/v1/referrals/{referral['id']}/refusals"
    version = referral["version"]
    wrong = shop.post("duty_manager", path, {"reason": "callback_two_wrong"}, version=version)
    assert (wrong.status_code, wrong.json["code"]) == (422, "reason_not_allowed")
    body = {"reason": "refused_by_manager"}
    refused = story.ok(shop.post("duty_manager", path, body, version=version))
    assert (refused["state"], refused["reason"]) == ("refused", "refused_by_manager")


def test_a_mention_in_the_future_is_refused(shop: Shop) -> None:
    story.owner(shop)
    later = (shop.service.clock() + timedelta(minutes=6)).isoformat()
    answer = shop.post(
        "consultant", "/v1/referrals", story.report(shop, slip=slip(shop, mentioned_at=later))
    )
    assert (answer.status_code, answer.json["code"]) == (422, "in_the_future")


def test_a_crm_clock_that_runs_ahead_makes_no_room_for_a_late_report(shop: Shop) -> None:
    story.owner(shop)
    ahead = (shop.service.clock() + timedelta(minutes=4)).isoformat()
    story.order(shop, occurred_at=ahead)
    assert story.submitted(shop)["reason"] == "registered_after_order"


def test_an_earlier_order_told_after_the_sale_was_called_ends_the_referral_unpaid(
    shop: Shop,
) -> None:
    story.owner(shop)
    before = story.now(shop)
    referral = story.calling(shop)
    call = story.desk(shop)
    story.order(shop, order_no="DD-EARLIER", occurred_at=before)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("refused", "registered_after_order")
    path = f"/v1/callbacks/{call['id']}"
    assert story.ok(shop.get("callback_agent", path), 200)["state"] == "closed"


def test_an_earlier_order_told_while_the_reward_is_held_cancels_it(shop: Shop) -> None:
    before = story.now(shop)
    referral = story.verified_referral(shop)
    story.order(shop, order_no="DD-EARLIER", occurred_at=before)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reward"]["state"]) == ("refused", "cancelled")


def test_an_order_after_the_registration_has_timed_out_backs_nothing(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    clock.add(days=90)
    story.order(shop)
    referral = story.read(shop, referral["id"])
    assert (referral["state"], referral["reason"]) == ("expired", "timeout_fail_closed")
