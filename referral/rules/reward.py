"""The reward of a verified referral: points by how many the owner has brought already.

A reader would break this by paying under another version than the one that was held.
"""

from collections.abc import Collection, Sequence
from itertools import count
from typing import Final

OWNER_RULE_ID: Final = "referral_reward_ladder"
BUYER_RULE_ID: Final = "referral_reward_buyer"


def rule_version(policy_version: int) -> int:
    """The version of the reward rule that a policy's version is: the built-in policy is 0, and
    its figures are version 1."""
    return policy_version + 1


def ladder(nth: int, steps: Sequence[tuple[int, int]]) -> int:
    """Points for the owner's nth paid referral, counted from 1 (referral.md, section 2).

    `steps` are the first place of each step and its points, rising from 1; by default 200 for the
    1st, 400 for the 2nd to 5th, 500 from the 6th on. Raises ValueError when `nth` is below 1.
    """
    if nth < 1:
        raise ValueError("referrals are counted from 1")
    return [points for first, points in steps if nth >= first][-1]


def place(taken: Collection[int]) -> int:
    """The owner's place on the ladder: the first one none of his live rewards holds.

    A reward cancelled or taken back frees its place, so it never lifts the next one.
    """
    return next(nth for nth in count(1) if nth not in taken)
