"""How members climb and fall (F25, F26): up at once, down after the grace, by the table."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.tiers.rules.ladder import (
    Cause,
    Decision,
    Ladder,
    Level,
    PeriodEnd,
    Standing,
    Step,
    checked,
    decide,
)

LEVELS = (
    Level("base", "普通", "Base", 0),
    Level("silver", "银卡", "Silver", 4_000, {"辉昂": 3_000}),
    Level("gold", "金卡", "Gold", 7_000, {"辉昂": 6_500, "朗逸": 8_000}),
)
ONE = Ladder(LEVELS, grace_days=30, step=Step.ONE)
FULL = Ladder(LEVELS, grace_days=30, step=Step.FULL)
MARCH = date(2026, 3, 1)


def after(days: int) -> date:
    return MARCH + timedelta(days=days)


@pytest.mark.parametrize(
    ("score", "models", "rank"),
    [
        (0, [], 0),
        (3_999, [], 0),
        (4_000, [], 1),
        (6_999, [], 1),
        (7_000, [], 2),
        (10_000, [], 2),
        (2_999, ["辉昂"], 0),
        (3_000, ["辉昂"], 1),
        (6_500, ["辉昂"], 2),
        (7_999, ["朗逸"], 1),
        (8_000, ["朗逸"], 2),
        (7_000, ["朗逸", "速腾"], 2),
        (6_500, ["朗逸", "辉昂"], 2),
    ],
)
def test_a_threshold_is_reached_by_its_own_score_and_the_best_car_counts(
    score: int, models: list[str], rank: int
) -> None:
    assert ONE.earned(score, models) == rank


CASES = [
    # ladder, has, earned, on, stands afterwards, why
    (ONE, None, 0, MARCH, Standing(0), Cause.FIRST),
    (ONE, None, 2, MARCH, Standing(2), Cause.FIRST),
    (ONE, Standing(0), 2, MARCH, Standing(2), Cause.PROMOTED),
    (ONE, Standing(1, MARCH), 2, after(40), Standing(2), Cause.PROMOTED),
    (ONE, Standing(1), 1, MARCH, Standing(1), None),
    (ONE, Standing(2), 1, MARCH, Standing(2, MARCH), None),
    (ONE, Standing(2, MARCH), 1, after(29), Standing(2, MARCH), None),
    (ONE, Standing(2, MARCH), 1, after(30), Standing(1), Cause.DEMOTED),
    (ONE, Standing(2, MARCH), 1, after(31), Standing(1), Cause.DEMOTED),
    (ONE, Standing(2, MARCH), 2, after(29), Standing(2), None),
    (ONE, Standing(2, MARCH), 0, after(30), Standing(1, after(30)), Cause.DEMOTED),
    (ONE, Standing(1, after(30)), 0, after(59), Standing(1, after(30)), None),
    (ONE, Standing(1, after(30)), 0, after(60), Standing(0), Cause.DEMOTED),
    (FULL, Standing(2, MARCH), 0, after(29), Standing(2, MARCH), None),
    (FULL, Standing(2, MARCH), 0, after(30), Standing(0), Cause.DEMOTED),
]


@pytest.mark.parametrize(("ladder", "has", "earned", "on", "stands", "why"), CASES)
def test_up_at_once_and_down_after_the_grace(
    ladder: Ladder, has: Standing | None, earned: int, on: date, stands: Standing, why: Cause | None
) -> None:
    assert decide(ladder, has, earned, on) == Decision(stands, why)


@pytest.mark.parametrize(
    ("period", "since", "falls"),
    [
        (PeriodEnd.NONE, date(2026, 3, 1), date(2026, 3, 31)),
        (PeriodEnd.NONE, date(2028, 2, 1), date(2028, 3, 2)),
        (PeriodEnd.MONTH, date(2026, 3, 1), date(2026, 4, 1)),
        (PeriodEnd.MONTH, date(2026, 3, 5), date(2026, 4, 4)),
        (PeriodEnd.QUARTER, date(2026, 3, 1), date(2026, 4, 1)),
        (PeriodEnd.QUARTER, date(2026, 3, 31), date(2026, 4, 30)),
        (PeriodEnd.QUARTER, date(2026, 10, 1), date(2027, 1, 1)),
        (PeriodEnd.YEAR, date(2026, 3, 1), date(2027, 1, 1)),
        (PeriodEnd.YEAR, date(2026, 12, 15), date(2027, 1, 14)),
    ],
)
def test_a_fall_waits_for_the_grace_and_for_the_end_of_its_period(
    period: PeriodEnd, since: date, falls: date
) -> None:
    assert Ladder(LEVELS, 30, Step.ONE, period).falls_on(since) == falls


@pytest.mark.parametrize(
    ("levels", "wrong"),
    [
        (LEVELS, None),
        (LEVELS[:1], None),
        ((*LEVELS, LEVELS[1]), "repeated"),
        (LEVELS[1:], "lowest_not_zero"),
        ((Level("base", "", "", 0, {"辉昂": 1}),), "lowest_not_zero"),
        ((LEVELS[0], Level("a", "", "", 500), Level("b", "", "", 500)), "not_rising"),
        (
            (LEVELS[0], Level("a", "", "", 500), Level("b", "", "", 600, {"朗逸": 500})),
            "not_rising",
        ),
        ((LEVELS[0], Level("a", "", "", 500, {"朗逸": 0})), "not_rising"),
    ],
)
def test_a_ladder_begins_at_zero_and_rises_for_every_owner(
    levels: tuple[Level, ...], wrong: str | None
) -> None:
    assert checked(levels) == wrong


LADDERS = st.builds(
    Ladder,
    st.just(LEVELS),
    st.integers(1, 60),
    st.sampled_from(Step),
    st.sampled_from(PeriodEnd),
)
DAYS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 45)), min_size=1, max_size=30)


@given(LADDERS, DAYS)
def test_deciding_a_day_again_changes_nothing(ladder: Ladder, days: list[tuple[int, int]]) -> None:
    standing, on = None, MARCH
    for earned, passed in days:
        on += timedelta(days=passed)
        standing = decide(ladder, standing, earned, on).standing
        again = decide(ladder, standing, earned, on)
        assert again == Decision(standing)


@given(LADDERS, DAYS)
def test_nobody_stands_below_what_he_has_earned_or_falls_without_his_grace(
    ladder: Ladder, days: list[tuple[int, int]]
) -> None:
    standing, on = None, MARCH
    for earned, passed in days:
        on += timedelta(days=passed)
        before, decided = standing, decide(ladder, standing, earned, on)
        standing = decided.standing
        assert standing.rank >= earned
        assert (standing.below_since is not None) == (standing.rank > earned)
        if before and standing.rank < before.rank:
            assert decided.cause is Cause.DEMOTED
            assert before.below_since is not None
            assert (on - before.below_since).days >= ladder.grace_days
