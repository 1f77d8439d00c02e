"""The reward of a verified referral: points by how many the owner has brought already.

A reader would break this by changing a figure without a new `RULE_VERSION`.
"""

from collections.abc import Collection
from itertools import count

RULE_ID = "referral_reward_ladder"
RULE_VERSION = 1
HOLD_DAYS = 15
CAP_PER_YEAR = 12

_STEPS = ((6, 500), (2, 400), (1, 200))


def ladder(nth: int) -> int:
    """Points for the owner's nth paid referral, counted from 1 (referral.md, section 2).

    1st 200, 2nd to 5th 400, 6th on 500. Raises ValueError when `nth` is below 1.
    """
    for first, points in _STEPS:
        if nth >= first:
            return points
    raise ValueError("referrals are counted from 1")


def place(taken: Collection[int]) -> int:
    """The owner's place on the ladder: the first one none of his live rewards holds.

    A cancelled reward frees its place, so it never lifts the next one.
    """
    return next(nth for nth in count(1) if nth not in taken)
