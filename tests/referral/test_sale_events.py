"""What the CRM tells of a sale: deposits, contracts with several phones, demo cars, returns."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.support import sales, story
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop, hire

SECOND = "13900139001"


def wang_wu(shop: Shop) -> None:
    """Another owner, 王五, with a black Tiguan."""
    wang = story.member(shop, name="王五", phone="13800138005")
    car = {**story.SAGITAR, "vin": "LSVAA4183E2000001", "plate": "京A12346", "model": "途观"}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(wang), **car}))


def by_wang_wu(shop: Shop, phone: str) -> dict[str, Any]:
    """李四 under another phone, reported by a second consultant as 王五's friend."""
    slip = story.report(shop)["slip"] | {"owner_name": "王五", "owner_phone": "13800138005"}
    report = story.report(shop, buyer=sales.buyer(shop, phone), slip=slip)
    rival = hire(shop, "consultant")
    return story.ok(shop.post("consultant", "/v1/referrals", report, subject=rival))


def state(shop: Shop, referral: dict[str, Any]) -> tuple[str, str | None]:
    now = story.read(shop, referral["id"])
    return now["state"], now["reason"]


# --- deposits and the cut-off


def test_a_deposit_before_the_report_is_no_obstacle_where_the_order_counts(shop: Shop) -> None:
    story.owner(shop)
    sales.deposit(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    assert state(shop, referral) == ("ordered", None)


def test_where_the_deposit_counts_a_report_after_it_is_too_late(shop: Shop) -> None:
    story.owner(shop)
    sales.policy(shop, cut_off="deposit")
    sales.deposit(shop)
    assert story.submitted(shop)["reason"] == "registered_after_order"


def test_where_the_deposit_counts_one_told_late_ends_the_referral(shop: Shop) -> None:
    story.owner(shop)
    sales.policy(shop, cut_off="deposit")
    before = story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    sales.deposit(shop, occurred_at=before)
    assert state(shop, referral) == ("refused", "registered_after_order")


def test_where_the_delivery_counts_a_report_after_the_order_stands(shop: Shop) -> None:
    story.owner(shop)
    sales.policy(shop, cut_off="delivery")
    story.order(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.delivery(shop)
    assert state(shop, referral) == ("delivered", None)


def test_where_the_delivery_counts_one_told_late_ends_the_referral(shop: Shop) -> None:
    story.owner(shop)
    sales.policy(shop, cut_off="delivery")
    ordered_at, delivered_at = story.now(shop), story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, occurred_at=ordered_at)
    assert state(shop, referral) == ("ordered", None)
    story.delivery(shop, occurred_at=delivered_at)
    assert state(shop, referral) == ("refused", "registered_after_order")


def test_a_report_keeps_the_cut_off_it_was_made_under(shop: Shop) -> None:
    story.owner(shop)
    before = story.now(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    sales.policy(shop, cut_off="deposit")
    sales.deposit(shop, occurred_at=before)
    assert state(shop, referral) == ("registered", None)


def test_a_deposit_alone_is_never_a_sale_and_the_referral_expires(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    sales.deposit(shop)
    assert state(shop, referral) == ("registered", None)
    clock.add(days=90)
    story.order(shop)
    assert state(shop, referral) == ("expired", "timeout_fail_closed")


# --- one buyer, several phones


def test_a_buyer_reported_again_under_a_new_phone_stays_the_first_owners(shop: Shop) -> None:
    story.owner(shop)
    wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    second = story.confirmed(shop, by_wang_wu(shop, SECOND))
    told = story.order(shop, buyer_phone=SECOND, other_phones=["+86 139 0013 9000"])
    assert told["referral_id"] == first["id"]
    assert state(shop, first) == ("ordered", None)
    assert state(shop, second) == ("refused", "buyer_already_referred")


def test_the_first_to_be_registered_wins_and_not_the_first_to_be_reported(shop: Shop) -> None:
    story.owner(shop)
    wang_wu(shop)
    early = story.submitted(shop)
    first = story.confirmed(shop, by_wang_wu(shop, SECOND))
    late = story.confirmed(shop, early)
    story.order(shop, other_phones=[SECOND])
    assert state(shop, first) == ("ordered", None)
    assert state(shop, late) == ("refused", "buyer_already_referred")


def test_a_report_not_confirmed_before_the_order_loses_as_ever(shop: Shop) -> None:
    story.owner(shop)
    wang_wu(shop)
    waiting = by_wang_wu(shop, SECOND)
    first = story.confirmed(shop, story.submitted(shop))
    story.order(shop, other_phones=[SECOND])
    assert state(shop, first) == ("ordered", None)
    assert state(shop, waiting) == ("refused", "registered_after_order")


def test_every_phone_of_a_contract_is_the_buyers_when_somebody_reports_him_later(
    shop: Shop,
) -> None:
    story.owner(shop)
    story.order(shop, buyer_phone="13900139009", other_phones=["13900139000"])
    assert story.submitted(shop)["reason"] == "registered_after_order"


def test_a_second_contract_that_names_both_phones_ends_the_later_referral(shop: Shop) -> None:
    story.owner(shop)
    wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    second = story.confirmed(shop, by_wang_wu(shop, SECOND))
    story.order(shop, order_no="DD-8", buyer_phone=SECOND)
    assert state(shop, second) == ("ordered", None)
    story.order(shop, other_phones=[SECOND])
    assert state(shop, first) == ("ordered", None)
    assert state(shop, second) == ("refused", "buyer_already_referred")


@pytest.mark.parametrize(
    ("kind", "facts", "pointer"),
    [
        ("deposit", {}, "/buyer_phone"),
        ("return", {"buyer_phone": "13900139000"}, "/buyer_phone"),
        ("cancellation", {"other_phones": ["13900139000"]}, "/other_phones"),
        ("deposit", {"buyer_phone": "13900139000", "sale_type": "demo"}, "/sale_type"),
    ],
)
def test_an_event_names_what_belongs_to_it_and_nothing_else(
    shop: Shop, kind: str, facts: dict[str, Any], pointer: str
) -> None:
    answer = sales.sale_event(shop, kind, **facts)
    assert (answer.status_code, answer.json["code"]) == (422, "sale_event_incomplete")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_contract_names_five_more_phones_at_most_and_keeps_none_in_clear(shop: Shop) -> None:
    phones = [f"1390014{number:04}" for number in range(6)]
    facts = {"buyer_phone": "13900139000"}
    assert sales.sale_event(shop, "order", **facts, other_phones=phones).status_code == 422
    story.ok(sales.sale_event(shop, "order", **facts, other_phones=phones[:5]))
    with shop.service.database.transaction(shop.dealer_id) as session:
        kept = str(session.execute(text("SELECT e::text FROM sale_event e")).all())
    assert not any(phone in kept for phone in phones)


# --- what is no sale


@pytest.mark.parametrize("sale_type", ["demo", "fleet"])
def test_a_demo_or_fleet_sale_backs_no_referral(shop: Shop, sale_type: str) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, sale_type=sale_type)
    assert state(shop, referral) == ("cancelled", "sale_not_retail")
    story.delivery(shop)
    assert state(shop, referral) == ("cancelled", "sale_not_retail")


def test_a_sale_of_no_type_is_retail(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, sale_type="retail")
    assert state(shop, referral) == ("ordered", None)


@pytest.mark.parametrize(
    ("kind", "reason"), [("cancellation", "sale_cancelled"), ("return", "sale_returned")]
)
def test_a_sale_undone_ends_the_referral_unpaid(shop: Shop, kind: str, reason: str) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop)
    story.delivery(shop)
    story.ok(sales.sale_event(shop, kind))
    assert state(shop, referral) == ("cancelled", reason)


def test_a_return_told_before_its_order_counts_when_the_order_comes(shop: Shop) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    at = story.now(shop)
    sales.returned(shop)
    story.order(shop, occurred_at=at)
    assert state(shop, referral) == ("cancelled", "sale_returned")


def test_sixteen_orders_of_one_contract_at_once_are_one(shop: Shop) -> None:
    story.owner(shop)
    wang_wu(shop)
    first = story.confirmed(shop, story.submitted(shop))
    second = story.confirmed(shop, by_wang_wu(shop, SECOND))
    at = story.now(shop)

    def tell(_: int) -> int:
        facts = {"buyer_phone": SECOND, "other_phones": ["13900139000"], "occurred_at": at}
        return sales.sale_event(shop, "order", **facts).status_code

    assert at_once(16, tell) == {201: 1, 409: 15}
    assert state(shop, first) == ("ordered", None)
    assert state(shop, second) == ("refused", "buyer_already_referred")


# --- consent taken back


def withdrawal(shop: Shop, referral: dict[str, Any], role: str, party: str, **who: Any) -> Any:
    return shop.post(role, f"/v1/referrals/{referral['id']}/withdrawals", {"party": party}, **who)


@pytest.mark.parametrize(
    ("role", "party"), [("owner", "owner"), ("crm", "owner"), ("crm", "buyer")]
)
def test_consent_taken_back_ends_the_referral(shop: Shop, role: str, party: str) -> None:
    zhang_san = story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    who = {"subject": zhang_san} if role == "owner" else {}
    ended = story.ok(withdrawal(shop, referral, role, party, **who))
    assert (ended["state"], ended["reason"]) == ("withdrawn", "consent_withdrawn")
    story.order(shop)
    assert state(shop, referral) == ("withdrawn", "consent_withdrawn")
    again = withdrawal(shop, referral, role, party, **who)
    assert (again.status_code, again.json["code"]) == (409, "transition_not_allowed")


def test_an_owner_speaks_for_himself_alone_and_about_his_own_referral(shop: Shop) -> None:
    zhang_san = story.owner(shop)
    wang = story.member(shop, name="王五", phone="13800138005")
    referral = story.confirmed(shop, story.submitted(shop))
    other = withdrawal(shop, referral, "owner", "buyer", subject=zhang_san)
    assert (other.status_code, other.json["code"]) == (422, "consent_of_another")
    stranger = withdrawal(shop, referral, "owner", "owner", subject=wang)
    assert (stranger.status_code, stranger.json["code"]) == (404, "referral_not_found")
    assert state(shop, referral) == ("registered", None)
