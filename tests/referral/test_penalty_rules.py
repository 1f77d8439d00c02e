"""What a proven fake costs, by how often it was proven in twelve months: a table, no I/O."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.rules.penalty import Measure, measure, months_later
from referral.rules.policy import DEFAULT, Policy

OWN = Policy(fine_fen=(10_000, 30_000), excluded_consultant_months=6)


@pytest.mark.parametrize(
    ("nth", "policy", "due"),
    [
        (1, DEFAULT, Measure(50_000, pay_withheld=True, excluded_months=0, referred_to_hr=False)),
        (2, DEFAULT, Measure(100_000, pay_withheld=False, excluded_months=3, referred_to_hr=False)),
        (3, DEFAULT, Measure(0, pay_withheld=False, excluded_months=3, referred_to_hr=True)),
        (7, DEFAULT, Measure(0, pay_withheld=False, excluded_months=3, referred_to_hr=True)),
        (1, OWN, Measure(10_000, pay_withheld=True, excluded_months=0, referred_to_hr=False)),
        (2, OWN, Measure(30_000, pay_withheld=False, excluded_months=6, referred_to_hr=False)),
    ],
)
def test_the_penalty_grows_with_the_cases_of_twelve_months(
    nth: int, policy: Policy, due: Measure
) -> None:
    assert measure(nth, policy) == due


@pytest.mark.parametrize("nth", [0, -1])
def test_there_is_no_penalty_without_a_case(nth: int) -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        measure(nth, DEFAULT)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 22), 3, date(2027, 2, 22)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 11, 22), -12, date(2025, 11, 22)),
        (date(2026, 1, 31), 0, date(2026, 1, 31)),
    ],
)
def test_months_are_counted_on_the_calendar(day: date, months: int, then: date) -> None:
    assert months_later(day, months) == then


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)), months=st.integers(1, 60))
def test_later_is_later_and_at_most_so_many_months(day: date, months: int) -> None:
    then = months_later(day, months)
    assert then > day
    assert (then.year - day.year) * 12 + then.month - day.month == months
    assert then.day <= day.day
