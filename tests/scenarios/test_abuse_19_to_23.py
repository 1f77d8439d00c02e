"""Schemes 19 to 23 of referral.md, section 6, played over HTTP: the cheat gets nothing."""

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from kernel.database import owner_session
from tests.support import justice, sales, story
from tests.support.clock import TestClock
from tests.support.refusals import (
    PAID,
    audited,
    decide,
    eight_at_once,
    postings,
    refused_in_sql,
    stands,
    turned_away,
)
from tests.support.shop import Shop
from tests.support.story import ok

SHANGHAI = ZoneInfo("Asia/Shanghai")


def accepted(shop: Shop, referral: dict[str, Any], judges: list[uuid.UUID]) -> dict[str, Any]:
    """Two people accept it, and the referral as it then stands."""
    for judge in judges:
        ok(justice.said(shop, referral, "accept", judge))
    return justice.read(shop, referral)


def travel_to(shop: Shop, clock: TestClock, moment: datetime) -> None:
    clock.add(seconds=(moment - shop.service.clock()).total_seconds())


def test_abuse_19_a_new_policy_pays_a_paid_referral_nothing_more(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    sales.policy(shop, ladder=[[1, 9_000]], buyer_points=500)
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "transition_not_allowed")
    assert story.balance(shop, sales.owner_of(referral)) == 200
    second = (
        "INSERT INTO referral_reward (id, dealer_id, referral_id, member_id, rule_id, rule_version,"
        " nth, points, state, held_at, release_at) SELECT gen_random_uuid(), dealer_id,"
        " referral_id, member_id, rule_id, rule_version + 1, nth + 1, points, 'held', held_at,"
        " release_at FROM referral_reward"
    )
    assert refused_in_sql(shop, second) == "uq_referral_reward_once"


def test_abuse_19_verified_again_after_an_appeal_it_is_paid_once(
    shop: Shop, clock: TestClock
) -> None:
    referral = justice.doubted(shop)
    judges = justice.bench(shop, 2)
    for judge in judges:
        ok(justice.said(shop, referral, "reject", judge))
    sales.policy(shop, ladder=[[1, 300]])
    ok(justice.decided(shop, ok(justice.appealed(shop, referral, "owner")), "upheld"))
    held = accepted(shop, justice.read(shop, referral), judges)
    assert (held["state"], held["reward"]["points"]) == ("reward_held", 300)
    clock.add(days=16)
    paid = ok(decide(shop, "finance", held, "reward-payments"))
    assert paid["state"] == "rewarded"
    late = justice.appealed(shop, paid)
    turned_away(late, 409, "decision_not_appealable")
    turned_away(decide(shop, "finance", paid, "reward-payments"), 409, "transition_not_allowed")
    assert (postings(shop), story.balance(shop, sales.owner_of(paid))) == (
        {"referral_reward": 1},
        300,
    )


def test_abuse_19_a_paid_referral_cleared_of_a_suspicion_is_not_paid_again(
    shop: Shop, clock: TestClock
) -> None:
    referral = sales.rewarded(shop, clock)
    judges = justice.bench(shop, 2)
    body = {"reason": "客户称不认识"}
    ok(decide(shop, "showroom_manager", referral, "suspicions", body, subject=judges[0]))
    justice.stated(shop, referral)
    for judge in judges:
        ok(justice.said(shop, referral, "clear", judge))
    assert stands(shop, referral) == ("rewarded", None)
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "transition_not_allowed")
    assert postings(shop) == {"referral_reward": 1}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York", "Europe/Berlin"])
def test_abuse_20_no_zone_and_no_clock_of_a_client_makes_a_report_older(
    shop: Shop, zone: str
) -> None:
    """The mention is dated long ago, the order told in another zone, or by a clock that is fast."""
    story.owner(shop)
    ordered_at = story.instant(story.now(shop))
    story.order(shop, occurred_at=ordered_at.astimezone(ZoneInfo(zone)).isoformat())
    long_ago = (ordered_at - timedelta(days=30)).astimezone(ZoneInfo(zone)).isoformat()
    slip = story.report(shop)["slip"] | {"mentioned_at": long_ago}
    late = story.submitted(shop, slip=slip)
    assert (late["state"], late["reason"]) == ("refused", "registered_after_order")
    fast = (shop.service.clock() + timedelta(minutes=2)).isoformat()
    buyer = sales.buyer(shop, "13900139001")
    story.order(shop, order_no="DD-8", buyer_phone="13900139001", occurred_at=fast)
    late = story.submitted(shop, buyer=buyer)
    assert (late["state"], late["reason"]) == ("refused", "registered_after_order")
    assert postings(shop) == {}


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=365)])
def test_abuse_20_what_a_client_dates_ahead_is_refused(shop: Shop, ahead: timedelta) -> None:
    story.owner(shop)
    later = (shop.service.clock() + ahead).isoformat()
    slip = story.report(shop)["slip"] | {"mentioned_at": later}
    turned_away(
        shop.post("consultant", "/v1/referrals", story.report(shop, slip=slip)),
        422,
        "in_the_future",
    )
    order = sales.sale_event(shop, "order", buyer_phone="13900139000", occurred_at=later)
    turned_away(order, 422, "occurred_in_the_future")


@pytest.mark.parametrize(
    ("month", "day", "hours"), [(3, 20, 15 * 24 - 1), (10, 20, 15 * 24 + 1), (6, 10, 15 * 24)]
)
def test_abuse_20_the_hold_ends_at_the_dealers_midnight_though_his_clocks_change(
    shop: Shop, clock: TestClock, month: int, day: int, hours: int
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with owner_session(shop.service.settings.database_url) as session:
        move = text("UPDATE dealer SET timezone = 'Europe/Berlin' WHERE id = :id")
        session.execute(move, {"id": shop.dealer_id})
        session.commit()
    year = shop.service.clock().year + 1
    travel_to(shop, clock, datetime(year, month, day, 14, tzinfo=berlin))
    sales.policy(shop)
    referral = story.verified_referral(shop)
    began = datetime(year, month, day, tzinfo=berlin).astimezone(UTC)
    ends = story.instant(referral["reward"]["release_at"])
    assert ends - began == timedelta(hours=hours)
    assert ends.astimezone(berlin).time() == time()
    travel_to(shop, clock, ends - timedelta(seconds=20))
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "reward_on_hold")
    travel_to(shop, clock, ends)
    assert ok(decide(shop, "finance", referral, "reward-payments"))["state"] == "rewarded"


@pytest.mark.parametrize(("hour", "state"), [(-1, "refused"), (1, "submitted")])
def test_abuse_20_the_yearly_cap_is_the_dealers_year_and_not_that_of_utc(
    shop: Shop, clock: TestClock, hour: int, state: str
) -> None:
    """Midnight of Shanghai is eight hours before that of the server's own calendar."""
    story.verified_referral(shop)
    sales.policy(shop, cap_per_year=1)
    year = shop.service.clock().astimezone(SHANGHAI).year
    new_year = datetime(year + 1, 1, 1, tzinfo=SHANGHAI)
    travel_to(shop, clock, new_year + timedelta(hours=hour))
    again = story.submitted(shop, buyer=sales.buyer(shop, "13900139001"))
    assert (again["state"], again["reason"]) == (
        state,
        "cap_reached" if state == "refused" else None,
    )


@pytest.mark.parametrize("kind", ["cancellation", "return"])
@pytest.mark.parametrize("one_key", [True, False], ids=["replayed", "parallel"])
def test_abuse_21_a_sale_undone_after_the_reward_takes_the_spent_points_back_once(
    shop: Shop, clock: TestClock, kind: str, one_key: bool
) -> None:
    referral = sales.rewarded(shop, clock)
    zhang_san = sales.owner_of(referral)
    spent = {"member_id": str(zhang_san), "reward_id": story.reward(shop, points=150)}
    ok(shop.post("owner", "/v1/redemptions", spent, subject=zhang_san))
    body = {
        "external_ref": {"source": "crm", "id": "U-1"},
        "kind": kind,
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }

    def undo(key: str) -> Any:
        number = "U-1" if one_key else f"U-{key}"
        ref = {"source": "crm", "id": number}
        return shop.post("crm", "/v1/sale-events", body | {"external_ref": ref}, key=key)

    eight_at_once(undo, "sale_event_repeated", one_key=one_key)
    reason = "sale_cancelled" if kind == "cancellation" else "sale_returned"
    assert stands(shop, referral) == ("reversed", reason)
    path = f"/v1/members/{zhang_san}/balance"
    books = ok(shop.get("owner", path, subject=zhang_san), 200)
    assert (books["available"], books["arrears"]) == (0, 150)
    assert postings(shop) == {"referral_reward": 1, "referral_reversal": 1}
    turned_away(decide(shop, "finance", referral, "reward-payments"), 409, "transition_not_allowed")
    story.earn(shop, zhang_san, 2_000)
    books = ok(shop.get("owner", path, subject=zhang_san), 200)
    assert books["arrears"] == 0


@pytest.mark.parametrize("sale_type", ["demo", "fleet"])
def test_abuse_22_a_demo_or_fleet_sale_backs_nothing_and_is_not_told_otherwise_later(
    shop: Shop, sale_type: str
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    story.order(shop, sale_type=sale_type)
    story.delivery(shop)
    assert stands(shop, referral) == ("cancelled", "sale_not_retail")
    again = sales.sale_event(shop, "order", buyer_phone="13900139000", sale_type="retail")
    turned_away(again, 409, "sale_event_repeated")
    story.order(shop, order_no="DD-8")
    assert stands(shop, referral) == ("cancelled", "sale_not_retail")
    check = decide(shop, "showroom_manager", referral, "licence-checks", story.LICENCE)
    assert check.status_code == 409
    assert postings(shop) == {}


def test_abuse_22_a_deposit_alone_is_no_sale_and_leads_to_no_check_and_no_call(
    shop: Shop, clock: TestClock
) -> None:
    story.owner(shop)
    referral = story.confirmed(shop, story.submitted(shop))
    sales.deposit(shop)
    story.delivery(shop)
    assert stands(shop, referral) == ("registered", None)
    check = decide(shop, "showroom_manager", referral, "licence-checks", story.LICENCE)
    turned_away(check, 409, "transition_not_allowed")
    clock.add(days=91)
    justice.night(shop)
    assert stands(shop, referral) == ("expired", "timeout_fail_closed")
    assert story.balance(shop, sales.owner_of(referral)) == 0


def owned(shop: Shop, since: int, until: int | None = None) -> dict[str, str]:
    """A Sagitar owned from so many days before today until so many days before."""
    today = shop.service.clock().astimezone(SHANGHAI).date()
    told = {"owned_from": (today - timedelta(days=since)).isoformat()}
    if until is not None:
        told["owned_until"] = (today - timedelta(days=until)).isoformat()
    return told


@pytest.mark.parametrize(
    ("car", "reason"),
    [
        ((0, None), "owner_not_yet_owner"),
        ((400, 1), "owner_sold_car"),
        ((400, 0), "owner_sold_car"),
        ((1, None), None),
    ],
    ids=["bought the same day", "sold the day before", "sold that day", "bought before"],
)
def test_abuse_23_only_who_owns_a_car_when_the_buyer_comes_is_an_owner(
    shop: Shop, car: tuple[int, int | None], reason: str | None
) -> None:
    story.owner(shop, **owned(shop, *car))
    referral = story.submitted(shop)
    assert (referral["state"], referral["reason"]) == ("refused" if reason else "submitted", reason)
    kept = [row["details"] for row in audited(shop, "referral.refuse")]
    assert kept == ([{"state": "refused", "reason": reason}] if reason else [])


@pytest.mark.parametrize("told", ["before the confirmation", "before the check"])
def test_abuse_23_a_car_sold_before_the_visit_counts_whenever_it_is_told(
    shop: Shop, told: str
) -> None:
    zhang_san = story.owner(shop)
    sold = {"member_id": str(zhang_san), **story.SAGITAR, "owned_until": story.today(shop)}

    def tell() -> None:
        ok(shop.post("crm", "/v1/vehicle-ownerships", sold))

    if told == "before the confirmation":
        referral = story.submitted(shop)
        tell()
        refused = story.confirmed(shop, referral)
        assert (refused["state"], refused["reason"]) == ("refused", "owner_sold_car")
    else:
        referral = story.delivered(shop)
        tell()
        check = story.checked(shop, referral)
        assert (check["passed"], check["referral_state"]) == (False, "check_failed")
    assert stands(shop, referral)[0] not in PAID
    assert story.balance(shop, zhang_san) == 0
