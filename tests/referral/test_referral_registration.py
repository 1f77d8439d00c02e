"""Registering a referral: before the sale, by the right people, about the right owner."""

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text

from kernel.unit_of_work import UnitOfWork
from tests.support import sales, story
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


def test_a_buyer_of_the_staff_is_refused(shop: Shop) -> None:
    story.owner(shop)
    hire(shop, "service_desk", phone="13900139000")
    assert story.submitted(shop)["reason"] == "buyer_is_staff"


def test_nobody_reports_himself_as_the_buyer(shop: Shop) -> None:
    story.owner(shop)
    clever = hire(shop, "consultant", phone="13900139000")
    answer = shop.post("consultant", "/v1/referrals", story.report(shop), subject=clever)
    assert (answer.status_code, answer.json["code"]) == (403, "party_or_relative")


def test_a_manager_does_not_confirm_a_referral_of_his_own_as_the_owner(shop: Shop) -> None:
    story.owner(shop)
    referral = story.submitted(shop)
    himself = hire(shop, "duty_manager")
    with shop.service.database.transaction(shop.dealer_id) as session:
        session.execute(
            text(
                "INSERT INTO staff_relative SELECT :who, phone_index, dealer_id, now(), :who"
                " FROM member"
            ),
            {"who": himself},
        )
    path = f"/v1/referrals/{referral['id']}/confirmations"
    answer = shop.post("duty_manager", path, subject=himself, version=referral["version"])
    assert (answer.status_code, answer.json["code"]) == (403, "party_or_relative")
    assert story.read(shop, referral["id"])["state"] == "submitted"


@pytest.mark.parametrize("when", ["enrolled", "changed"])
def test_owner_and_buyer_of_one_household_are_refused(shop: Shop, when: str) -> None:
    zhang_san = story.owner(shop)
    if when == "changed":
        path = f"/v1/members/{zhang_san}/changes"
        story.ok(shop.post("crm", path, {"household_ref": "H-7"}, version=1))
    else:
        car = {**story.SAGITAR, "vin": "LSVAA4183E2000001", "plate": "京A12346"}
        spouse = story.member(shop, phone="13800138001", household_ref="H-7")
        story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(spouse), **car}))
    report = story.report(shop, buyer=sales.buyer(shop, "13900139000", household_ref=" Ｈ-7"))
    if when == "enrolled":
        report["slip"]["owner_phone"] = "13800138001"
    assert story.ok(shop.post("consultant", "/v1/referrals", report))["reason"] == (
        "self_same_household"
    )


def test_people_of_two_households_or_of_none_known_are_no_household(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    buyer = sales.buyer(shop, "13900139000", household_ref="H-8")
    assert story.submitted(shop, buyer=buyer)["state"] == "submitted"
    path = f"/v1/members/{zhang_san}/changes"
    story.ok(shop.post("crm", path, {"household_ref": "H-7"}, version=1))
    other = sales.buyer(shop, "13900139001")
    assert story.submitted(shop, buyer=other)["state"] == "submitted"


def test_the_number_of_a_household_is_nowhere_in_clear_and_told_again_the_same(shop: Shop) -> None:
    body = {
        "external_ref": {"source": "crm", "id": "HOME"},
        **story.ZHANG_SAN,
        "household_ref": "HOUSE-4711",
    }
    first = story.ok(shop.post("crm", "/v1/members", body))
    assert "household" not in str(first)
    assert story.ok(shop.post("crm", "/v1/members", body))["id"] == first["id"]
    other = shop.post("crm", "/v1/members", body | {"household_ref": "HOUSE-4712"})
    assert (other.status_code, other.json["code"]) == (409, "member_changed")
    with shop.service.database.transaction(shop.dealer_id) as session:
        assert "4711" not in str(session.execute(text("SELECT member::text FROM member")).all())


def test_a_mention_long_ago_makes_no_report_older_than_the_order(shop: Shop) -> None:
    story.owner(shop)
    story.order(shop)
    long_ago = slip(shop, mentioned_at="2026-01-01T10:00:00+08:00")
    assert story.submitted(shop, slip=long_ago)["reason"] == "registered_after_order"


@pytest.mark.parametrize("zone", ["+14:00", "-12:00", "+08:00"])
def test_the_zone_a_crm_writes_its_times_in_moves_no_order(shop: Shop, zone: str) -> None:
    story.owner(shop)
    hours = int(zone[:3])
    local = (shop.service.clock() + timedelta(hours=hours)).replace(tzinfo=None)
    story.order(shop, occurred_at=f"{local.isoformat()}{zone}")
    assert story.submitted(shop)["reason"] == "registered_after_order"


@pytest.mark.parametrize(
    ("facts", "flagged"),
    [
        ({}, True),
        ({"channel": "referral"}, False),
        ({"days": 6}, False),
        ({"days": 7}, True),
        ({"phone": "13900139001"}, False),
    ],
)
def test_a_buyer_who_was_a_lead_of_another_channel_is_looked_at_by_two_people(
    shop: Shop, facts: dict[str, Any], flagged: bool
) -> None:
    story.owner(shop)
    opened_at = shop.service.clock() - timedelta(days=facts.pop("days", 30), seconds=1)
    story.ok(sales.lead(shop, opened_at=opened_at.isoformat(), **facts))
    referral = story.confirmed(shop, story.submitted(shop))
    assert referral["state"] == "registered"
    assert referral["review"] == (["buyer_existing_lead"] if flagged else [])


def test_a_lead_told_after_the_registration_is_looked_at_too(shop: Shop) -> None:
    story.owner(shop)
    opened_at = (shop.service.clock() - timedelta(days=30)).isoformat()
    referral = story.confirmed(shop, story.submitted(shop))
    story.ok(sales.lead(shop, opened_at=opened_at))
    assert story.read(shop, referral["id"])["review"] == ["buyer_existing_lead"]


def test_consultant_and_owner_do_not_learn_that_two_people_will_look(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    opened_at = (shop.service.clock() - timedelta(days=30)).isoformat()
    story.ok(sales.lead(shop, opened_at=opened_at))
    path = f"/v1/referrals/{story.confirmed(shop, story.submitted(shop))['id']}"
    for role, subject in (("consultant", None), ("owner", zhang_san), ("crm", None)):
        assert story.ok(shop.get(role, path, subject=subject), 200)["review"] is None
    for role in ("duty_manager", "showroom_manager", "dealer_admin", "auditor"):
        assert story.ok(shop.get(role, path), 200)["review"] == ["buyer_existing_lead"]


def test_a_lead_told_twice_is_one_and_told_otherwise_is_refused(shop: Shop) -> None:
    facts = {"external_ref": {"source": "crm", "id": "L"}, "opened_at": story.now(shop)}
    first, again = sales.lead(shop, **facts), sales.lead(shop, **facts)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    other = sales.lead(shop, **facts, channel="walk_in")
    assert (other.status_code, other.json["code"]) == (409, "document_changed")
    ahead = (shop.service.clock() + timedelta(minutes=6)).isoformat()
    assert sales.lead(shop, opened_at=ahead).json["code"] == "occurred_in_the_future"


def test_a_suspended_consultants_report_is_kept_refused(shop: Shop) -> None:
    story.owner(shop)
    with patch("referral.register.is_suspended", return_value=True):
        assert story.submitted(shop)["reason"] == "consultant_suspended"


@pytest.mark.parametrize("party", ["buyer", "owner"])
def test_who_took_part_in_a_fake_is_out_until_his_day(shop: Shop, party: str) -> None:
    story.owner(shop)
    report = story.report(shop)
    phone = report["buyer"]["phone"] if party == "buyer" else report["slip"]["owner_phone"]

    def until(uow: UnitOfWork, index: bytes) -> date | None:
        return date(2100, 1, 1) if index == uow.blind(f"+86{phone}", column="phone") else None

    with patch("referral.register.excluded_until", until):
        assert story.submitted(shop)["reason"] == "party_excluded"
    assert story.submitted(shop)["state"] == "submitted"
