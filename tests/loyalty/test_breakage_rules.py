"""Breakage and rounding as tables of cases: which history counts, and where fen are rounded."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.finance.rules.breakage import LEAST_LOTS, Vintage, rate_of
from loyalty.finance.rules.rounding import cost_of, exact_sum, portion, shown, times, whole_fen


def vintage(points: int, expired: int, *, lots: int = LEAST_LOTS, open_lots: int = 0) -> Vintage:
    return Vintage(date(2024, 1, 1), lots, open_lots, points, expired)


@pytest.mark.parametrize(
    ("history", "basis_points", "reason"),
    [
        ([], None, "no_finished_vintage"),
        ([vintage(1_000, 250)], 2_500, None),
        ([vintage(1_000, 0)], 0, None),
        ([vintage(1_000, 1_000)], 10_000, None),
        ([vintage(3, 1)], 3_333, None),
        ([vintage(3, 2)], 6_667, None),
        ([vintage(20_000, 1)], 1, None),
        ([vintage(20_001, 1)], 0, None),
        ([vintage(1_000, 250, lots=LEAST_LOTS - 1)], None, "too_few_lots"),
        ([vintage(1_000, 250, lots=60), vintage(3_000, 250, lots=40)], 1_250, None),
        ([vintage(1_000, 250, open_lots=1)], None, "no_finished_vintage"),
        ([vintage(1_000, 250), vintage(9_000, 0, open_lots=1)], 2_500, None),
        ([vintage(0, 0)], None, "no_finished_vintage"),
    ],
    ids=[
        "no history",
        "a quarter expired",
        "nothing expired",
        "everything expired",
        "a third is rounded down",
        "two thirds are rounded up",
        "half a basis point is rounded up",
        "less than half is rounded down",
        "one lot too few",
        "vintages weigh by their points, not alike",
        "a vintage with an open lot is not finished",
        "an unfinished vintage does not dilute the rate",
        "a vintage without points says nothing",
    ],
)
def test_the_rate_comes_from_finished_vintages_with_enough_lots(
    history: list[Vintage], basis_points: int | None, reason: str | None
) -> None:
    rate = rate_of(history)
    assert (rate.basis_points, rate.reason) == (basis_points, reason)


@pytest.mark.parametrize(
    ("exact", "fen"),
    [
        ("0.4999", 0),
        ("0.5000", 1),
        ("1.5000", 2),
        ("2.5000", 3),
        ("-0.4999", 0),
        ("-0.5000", -1),
        ("-2.5000", -3),
        ("99999999999999999.5000", 100_000_000_000_000_000),
    ],
)
def test_half_a_fen_is_rounded_up_and_its_cancellation_with_it(exact: str, fen: int) -> None:
    assert whole_fen(Decimal(exact)) == fen


def test_three_lots_of_a_third_of_a_fen_cost_one_fen_together_and_none_alone() -> None:
    third = Decimal("0.3333")
    assert [whole_fen(third)] * 3 == [0, 0, 0]
    assert cost_of(exact_sum([third] * 3)).amount_fen == 1
    assert cost_of(exact_sum([third] * 3)).exact_fen == "0.9999"


COSTS = st.decimals(0, 99_999_999, places=4)


@given(st.lists(st.tuples(COSTS, st.integers(-(10**7), 10**7)), max_size=20))
def test_a_sum_is_within_half_a_fen_of_the_truth_however_many_lots(
    lots: list[tuple[Decimal, int]],
) -> None:
    truth = sum((Fraction(cost) * points for cost, points in lots), Fraction(0))
    exact = exact_sum(times(cost, points) for cost, points in lots)
    assert Fraction(exact) == truth
    assert abs(whole_fen(exact) - truth) <= Fraction(1, 2)


@given(COSTS, st.integers(0, 10_000))
def test_the_part_that_expires_and_the_part_that_stays_are_the_whole(
    cost: Decimal, basis_points: int
) -> None:
    lost = portion(cost, basis_points)
    assert Fraction(lost) == Fraction(cost) * basis_points / 10_000
    assert shown(portion(Decimal(1), basis_points)) == f"{basis_points / 10_000:.4f}"
