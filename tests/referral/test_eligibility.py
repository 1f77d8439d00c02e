"""Whether a report may be registered: every obstacle and boundary, and which comes first."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.reasons import Reason
from referral.rules.eligibility import (
    CHECKS,
    Candidate,
    SaleTimes,
    lead_is_older,
    refusal,
    too_late,
)
from referral.rules.policy import CutOff

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
VISIT = date(2026, 3, 8)
DAY = timedelta(days=1)
GOOD = Candidate(
    registering_at=NOON,
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
    ({"consultant_suspended": True}, Reason.CONSULTANT_SUSPENDED),
    ({"sale": SaleTimes(delivery=NOON - DAY)}, Reason.OWNER_SURFACED_AT_DELIVERY),
    ({"sale": SaleTimes(order=NOON - DAY)}, Reason.REGISTERED_AFTER_ORDER),
    ({"owner_phone": "+8613900000002"}, Reason.SELF_SAME_PHONE),
    ({"owner_found": False}, Reason.OWNER_NOT_FOUND),
    ({"same_household": True}, Reason.SELF_SAME_HOUSEHOLD),
    ({"party_excluded": True}, Reason.PARTY_EXCLUDED),
    ({"owner_is_staff": True}, Reason.OWNER_IS_STAFF),
    ({"consultant_related": True}, Reason.CONSULTANT_RELATED),
    ({"buyer_is_staff": True}, Reason.BUYER_IS_STAFF),
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
    sale = SaleTimes(
        order=None if order is None else NOON + order,
        delivery=None if delivery is None else NOON + delivery,
    )
    assert refusal(replace(GOOD, sale=sale)) == reason


@pytest.mark.parametrize(
    ("cut_off", "deposit", "order", "delivery"),
    [
        (CutOff.DEPOSIT, True, True, True),
        (CutOff.ORDER, False, True, True),
        (CutOff.DELIVERY, False, False, True),
    ],
)
@pytest.mark.parametrize("at", [NOON - DAY, NOON, NOON + INSTANT])
def test_the_policy_says_what_a_report_must_come_before_and_later_steps_count_too(
    cut_off: CutOff, deposit: bool, order: bool, delivery: bool, at: datetime
) -> None:
    late = [
        too_late(cut_off, sale, NOON)
        for sale in (SaleTimes(deposit=at), SaleTimes(order=at), SaleTimes(delivery=at))
    ]
    assert late == [step and at <= NOON for step in (deposit, order, delivery)]


@pytest.mark.parametrize("cut_off", CutOff)
def test_an_owner_who_surfaces_at_the_hand_over_is_no_referral_under_any_policy(
    cut_off: CutOff,
) -> None:
    handed_over = replace(GOOD, cut_off=cut_off, sale=SaleTimes(delivery=NOON))
    assert refusal(handed_over) == Reason.OWNER_SURFACED_AT_DELIVERY


def test_a_deposit_before_the_report_is_no_order_unless_the_policy_says_so() -> None:
    paid = replace(GOOD, sale=SaleTimes(deposit=NOON - DAY))
    assert refusal(paid) is None
    assert refusal(replace(paid, cut_off=CutOff.DEPOSIT)) == Reason.REGISTERED_AFTER_ORDER


@pytest.mark.parametrize(
    ("before", "days", "older"),
    [
        (7 * DAY, 7, True),
        (7 * DAY - INSTANT, 7, False),
        (8 * DAY, 7, True),
        (timedelta(0), 0, True),
        (-INSTANT, 0, False),
        (-DAY, 7, False),
    ],
)
def test_a_lead_is_older_from_the_very_instant_the_days_are_over(
    before: timedelta, days: int, older: bool
) -> None:
    assert lead_is_older(NOON - before, NOON, days=days) is older


def test_the_same_instant_in_another_time_zone_is_still_before() -> None:
    shanghai = datetime.fromisoformat("2026-03-10T12:00:00+08:00")
    ordered = replace(GOOD, sale=SaleTimes(order=shanghai))
    assert refusal(ordered) == Reason.REGISTERED_AFTER_ORDER


def test_the_hour_that_comes_twice_when_summer_ends_is_told_apart() -> None:
    first = datetime.fromisoformat("2026-10-25T02:30:00+02:00")
    second = datetime.fromisoformat("2026-10-25T02:30:00+01:00")
    registered_first = replace(GOOD, registering_at=first, sale=SaleTimes(order=second))
    ordered_first = replace(GOOD, registering_at=second, sale=SaleTimes(order=first))
    assert refusal(registered_first) is None
    assert refusal(ordered_first) == Reason.REGISTERED_AFTER_ORDER


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
        facts = OBSTACLES[number][0] | facts  # of two sales the first in the order stays
    assert refusal(replace(GOOD, **facts)) == OBSTACLES[min(chosen)][1]
