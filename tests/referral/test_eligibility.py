"""Whether a report may be registered: every obstacle and boundary, and which comes first."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.reasons import Reason
from referral.rules.eligibility import CHECKS, Candidate, refusal

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
VISIT = date(2026, 3, 8)
DAY = timedelta(days=1)
GOOD = Candidate(
    registering_at=NOON,
    earliest_order_at=None,
    earliest_delivery_at=None,
    buyer_phone="+8613900000002",
    owner_phone="+8613800000001",
    owner_found=True,
    owner_is_staff=False,
    owner_vehicle_from_days=((date(2021, 5, 1), None),),
    buyer_first_visit_on=VISIT,
    buyer_is_member=False,
    consent_given=True,
    owner_rewards_this_year=0,
    cap_per_year=10,
)
OBSTACLES: list[tuple[dict[str, Any], Reason]] = [
    ({"consent_given": False}, Reason.CONSENT_MISSING),
    ({"earliest_delivery_at": NOON - DAY}, Reason.OWNER_SURFACED_AT_DELIVERY),
    ({"earliest_order_at": NOON - DAY}, Reason.REGISTERED_AFTER_ORDER),
    ({"owner_phone": "+8613900000002"}, Reason.SELF_SAME_PHONE),
    ({"owner_found": False}, Reason.OWNER_NOT_FOUND),
    ({"owner_is_staff": True}, Reason.OWNER_IS_STAFF),
    ({"owner_vehicle_from_days": ()}, Reason.OWNER_NOT_YET_OWNER),
    ({"owner_vehicle_from_days": ((VISIT - DAY, VISIT),)}, Reason.OWNER_SOLD_CAR),
    ({"buyer_is_member": True}, Reason.BUYER_EXISTING_CUSTOMER),
    ({"owner_rewards_this_year": 10}, Reason.CAP_REACHED),
]


def test_a_report_made_in_time_for_a_real_owner_may_be_registered() -> None:
    assert refusal(GOOD) is None


@pytest.mark.parametrize(("facts", "reason"), OBSTACLES)
def test_an_obstacle_is_refused_with_its_own_reason(facts: dict[str, Any], reason: Reason) -> None:
    assert refusal(replace(GOOD, **facts)) == reason


def test_every_check_is_in_the_table_above_in_the_documented_order() -> None:
    assert [reason for _, reason in OBSTACLES] == [reason for reason, _ in CHECKS]


@pytest.mark.parametrize(
    ("order", "delivery", "reason"),
    [
        (-INSTANT, None, Reason.REGISTERED_AFTER_ORDER),
        (timedelta(0), None, Reason.REGISTERED_AFTER_ORDER),
        (INSTANT, None, None),
        (None, -INSTANT, Reason.OWNER_SURFACED_AT_DELIVERY),
        (None, timedelta(0), Reason.OWNER_SURFACED_AT_DELIVERY),
        (None, INSTANT, None),
        (-DAY, -INSTANT, Reason.OWNER_SURFACED_AT_DELIVERY),
        (-DAY, INSTANT, Reason.REGISTERED_AFTER_ORDER),
        (INSTANT, DAY, None),
    ],
)
def test_a_sale_at_the_very_instant_of_the_report_counts_as_before_it(
    order: timedelta | None, delivery: timedelta | None, reason: Reason | None
) -> None:
    sale = replace(
        GOOD,
        earliest_order_at=None if order is None else NOON + order,
        earliest_delivery_at=None if delivery is None else NOON + delivery,
    )
    assert refusal(sale) == reason


def test_the_same_instant_in_another_time_zone_is_still_before() -> None:
    shanghai = datetime.fromisoformat("2026-03-10T12:00:00+08:00")
    assert refusal(replace(GOOD, earliest_order_at=shanghai)) == Reason.REGISTERED_AFTER_ORDER


@pytest.mark.parametrize(
    ("cars", "reason"),
    [
        (((VISIT - DAY, None),), None),
        (((VISIT, None),), Reason.OWNER_NOT_YET_OWNER),
        (((VISIT + DAY, None),), Reason.OWNER_NOT_YET_OWNER),
        (((VISIT - DAY, VISIT + DAY),), None),
        (((VISIT - 2 * DAY, VISIT - DAY),), Reason.OWNER_SOLD_CAR),
        (((VISIT - 2 * DAY, VISIT),), Reason.OWNER_SOLD_CAR),
        (((VISIT - 2 * DAY, VISIT - DAY), (VISIT, None)), Reason.OWNER_SOLD_CAR),
        (((VISIT - 2 * DAY, VISIT - DAY), (VISIT - DAY, None)), None),
    ],
)
def test_the_owner_must_own_a_car_from_before_the_buyers_first_visit_until_after_it(
    cars: tuple[tuple[date, date | None], ...], reason: Reason | None
) -> None:
    assert refusal(replace(GOOD, owner_vehicle_from_days=cars)) == reason


@pytest.mark.parametrize(
    ("paid", "cap", "reason"),
    [(0, 1, None), (1, 1, Reason.CAP_REACHED), (9, 10, None), (0, 0, Reason.CAP_REACHED)],
)
def test_the_yearly_cap_lets_exactly_so_many_referrals_through(
    paid: int, cap: int, reason: Reason | None
) -> None:
    capped = replace(GOOD, owner_rewards_this_year=paid, cap_per_year=cap)
    assert refusal(capped) == reason


@given(st.sets(st.integers(0, len(OBSTACLES) - 1), min_size=1))
def test_of_several_obstacles_the_first_in_the_order_is_told(chosen: set[int]) -> None:
    facts: dict[str, Any] = {}
    for number in sorted(chosen):
        facts = OBSTACLES[number][0] | facts
    assert refusal(replace(GOOD, **facts)) == OBSTACLES[min(chosen)][1]
