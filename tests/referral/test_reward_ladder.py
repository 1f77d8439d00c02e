"""What the owner gets: 200 for the first referral, 400 for the next four, then 500 each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.rules.policy import DEFAULT
from referral.rules.reward import BUYER_RULE_ID, OWNER_RULE_ID, ladder, place, rule_version


@pytest.mark.parametrize(
    ("nth", "points"), [(1, 200), (2, 400), (5, 400), (6, 500), (7, 500), (1000, 500)]
)
def test_the_reward_grows_with_the_referrals_brought(nth: int, points: int) -> None:
    assert ladder(nth, DEFAULT.ladder) == points


@pytest.mark.parametrize(
    ("steps", "points"),
    [
        (((1, 300),), [300, 300, 300, 300]),
        (((1, 100), (2, 50)), [100, 50, 50, 50]),
        (((1, 1), (3, 9), (4, 10_000_000)), [1, 1, 9, 10_000_000]),
    ],
)
def test_a_dealers_own_ladder_counts_instead(
    steps: tuple[tuple[int, int], ...], points: list[int]
) -> None:
    assert [ladder(nth, steps) for nth in (1, 2, 3, 4)] == points


@pytest.mark.parametrize("nth", [0, -1])
def test_there_is_no_reward_before_the_first_referral(nth: int) -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        ladder(nth, DEFAULT.ladder)


@given(st.sets(st.integers(1, 8)))
def test_a_place_is_never_taken_twice_and_leaves_none_free_below_it(taken: set[int]) -> None:
    nth = place(taken)
    assert nth not in taken
    assert set(range(1, nth)) <= taken


def test_the_built_in_figures_are_version_one_of_the_rule_and_are_held_for_fifteen_days() -> None:
    assert (OWNER_RULE_ID, BUYER_RULE_ID) == ("referral_reward_ladder", "referral_reward_buyer")
    assert (rule_version(0), rule_version(4), DEFAULT.hold_days) == (1, 5, 15)
    assert (DEFAULT.cap_per_year, DEFAULT.buyer_points) == (12, 0)
