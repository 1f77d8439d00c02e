"""What the owner gets: 200 for the first referral, 400 for the next four, then 500 each."""

import pytest

from referral.rules.reward import HOLD_DAYS, RULE_ID, RULE_VERSION, ladder


@pytest.mark.parametrize(
    ("nth", "points"), [(1, 200), (2, 400), (5, 400), (6, 500), (7, 500), (1000, 500)]
)
def test_the_reward_grows_with_the_referrals_brought(nth: int, points: int) -> None:
    assert ladder(nth) == points


@pytest.mark.parametrize("nth", [0, -1])
def test_there_is_no_reward_before_the_first_referral(nth: int) -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        ladder(nth)


def test_the_figures_belong_to_a_named_version_and_are_held_for_fifteen_days() -> None:
    assert (RULE_ID, RULE_VERSION, HOLD_DAYS) == ("referral_reward_ladder", 1, 15)
