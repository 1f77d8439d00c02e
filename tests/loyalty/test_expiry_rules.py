"""When points expire (F5): months counted, periods rounded up, days of the dealer's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.points.rules.expiry import (
    MOST_MONTHS,
    STANDARD,
    Mode,
    Policy,
    Round,
    expires_at,
    period_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
ROUNDS = st.sampled_from(Round)


def last_day(day: date, policy: Policy, zone: ZoneInfo = SHANGHAI) -> date:
    """The last whole day on which the points can be spent."""
    ends = expires_at(day, policy, zone=zone)
    assert ends is not None
    return (ends.astimezone(zone) - timedelta(microseconds=1)).date()


@pytest.mark.parametrize(
    ("day", "months", "rounded", "last"),
    [
        (date(2026, 3, 1), 24, Round.MONTH, date(2028, 3, 31)),
        (date(2026, 3, 31), 24, Round.MONTH, date(2028, 3, 31)),
        (date(2026, 12, 31), 24, Round.MONTH, date(2028, 12, 31)),
        (date(2026, 11, 15), 1, Round.MONTH, date(2026, 12, 31)),
        (date(2024, 2, 29), 12, Round.MONTH, date(2025, 2, 28)),
        (date(2026, 1, 31), 1, Round.DAY, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, Round.DAY, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, Round.DAY, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, Round.DAY, date(2028, 2, 29)),
        (date(2026, 3, 31), 3, Round.QUARTER, date(2026, 6, 30)),
        (date(2026, 4, 1), 3, Round.QUARTER, date(2026, 9, 30)),
        (date(2025, 12, 31), 1, Round.YEAR, date(2026, 12, 31)),
        (date(2026, 1, 1), 11, Round.YEAR, date(2026, 12, 31)),
        (date(2026, 1, 1), 12, Round.YEAR, date(2027, 12, 31)),
    ],
)
def test_points_last_their_months_to_the_end_of_the_period(
    day: date, months: int, rounded: Round, last: date
) -> None:
    assert last_day(day, Policy(Mode.ROLLING, months, rounded)) == last


@pytest.mark.parametrize(
    ("day", "months", "rounded", "last"),
    [
        (date(2026, 2, 10), 0, Round.MONTH, date(2026, 2, 28)),
        (date(2026, 3, 31), 0, Round.QUARTER, date(2026, 3, 31)),
        (date(2026, 4, 1), 0, Round.QUARTER, date(2026, 6, 30)),
        (date(2026, 3, 31), 3, Round.QUARTER, date(2026, 6, 30)),
        (date(2026, 12, 31), 12, Round.YEAR, date(2027, 12, 31)),
        (date(2026, 1, 31), 1, Round.MONTH, date(2026, 2, 28)),
    ],
)
def test_all_points_of_one_calendar_period_end_together(
    day: date, months: int, rounded: Round, last: date
) -> None:
    policy = Policy(Mode.CALENDAR, months, rounded)
    assert last_day(day, policy) == last
    first, _ = period_of(day, rounded)
    assert last_day(first, policy) == last


def test_the_lot_ends_when_the_dealers_day_ends_not_when_the_utc_day_does() -> None:
    day = date(2026, 3, 15)
    assert expires_at(day, STANDARD, zone=SHANGHAI) == datetime(2028, 3, 31, 16, tzinfo=UTC)
    assert expires_at(day, STANDARD, zone=ZoneInfo("UTC")) == datetime(2028, 4, 1, tzinfo=UTC)


def test_every_activity_counts_inactivity_anew() -> None:
    policy = Policy(Mode.INACTIVITY, 6, Round.DAY)
    assert last_day(date(2026, 1, 10), policy) == date(2026, 7, 10)
    assert last_day(date(2026, 7, 10), policy) == date(2027, 1, 10)


def test_points_that_never_expire_have_no_end() -> None:
    assert expires_at(date(2026, 1, 1), Policy(Mode.NEVER, None, Round.DAY), zone=SHANGHAI) is None


@pytest.mark.parametrize(
    ("mode", "months", "rounded", "pointer", "reason"),
    [
        (Mode.NEVER, 12, Round.DAY, "/months", "exclusive"),
        (Mode.ROLLING, None, Round.DAY, "/months", "missing"),
        (Mode.CALENDAR, None, Round.YEAR, "/months", "missing"),
        (Mode.ROLLING, 0, Round.DAY, "/months", "out_of_range"),
        (Mode.INACTIVITY, 0, Round.DAY, "/months", "out_of_range"),
        (Mode.CALENDAR, -12, Round.YEAR, "/months", "out_of_range"),
        (Mode.ROLLING, MOST_MONTHS + 1, Round.DAY, "/months", "out_of_range"),
        (Mode.CALENDAR, 0, Round.DAY, "/round", "exclusive"),
        (Mode.CALENDAR, 4, Round.QUARTER, "/months", "not_whole_periods"),
        (Mode.CALENDAR, 18, Round.YEAR, "/months", "not_whole_periods"),
    ],
)
def test_an_impossible_policy_cannot_be_made(
    mode: Mode, months: int | None, rounded: Round, pointer: str, reason: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        Policy(mode, months, rounded)
    assert (refused.value.code, refused.value.pointer) == ("rule_invalid", pointer)
    assert refused.value.params == {"reason": reason}


@given(DAYS, st.integers(1, 120), ROUNDS)
def test_rounding_only_ever_gives_the_member_more_time(
    day: date, months: int, rounded: Round
) -> None:
    plain = last_day(day, Policy(Mode.ROLLING, months, Round.DAY))
    given_time = last_day(day, Policy(Mode.ROLLING, months, rounded))
    assert day < plain <= given_time
    assert period_of(given_time, rounded)[1] == given_time + timedelta(days=1)


@given(DAYS, DAYS, st.integers(0, 40), ROUNDS)
def test_later_points_never_expire_before_earlier_ones(
    one: date, other: date, periods: int, rounded: Round
) -> None:
    policy = Policy(Mode.ROLLING, periods + 1, rounded)
    if rounded is not Round.DAY:
        policy = Policy(Mode.CALENDAR, periods * 12, rounded)
    assert last_day(min(one, other), policy) <= last_day(max(one, other), policy)


@given(DAYS, ROUNDS)
def test_periods_follow_each_other_without_gap(day: date, period: Round) -> None:
    first, after = period_of(day, period)
    assert first <= day < after
    assert period_of(after, period)[0] == after
    assert period_of(after - timedelta(days=1), period) == (first, after)
