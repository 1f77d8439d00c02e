"""When a step that people owe a referral falls, by the dealer's policy of today."""

from datetime import datetime, timedelta
from typing import Final

from kernel.unit_of_work import UnitOfWork
from referral.policy import policy_on

CHECK_WITHIN: Final = timedelta(days=30)
"""How long a licence check that an appeal reopened may take, as after a delivery."""


def judge_by(uow: UnitOfWork) -> datetime:
    """When a suspicion or an open question ends unpaid without two alike (15 days at first)."""
    return uow.now + timedelta(days=policy_on(uow).policy.adjudicate_within_days)


def confirm_by(uow: UnitOfWork) -> datetime:
    """Until when the duty manager must confirm a report (24 hours at first)."""
    return uow.now + timedelta(hours=policy_on(uow).policy.confirm_within_hours)


def check_by(uow: UnitOfWork) -> datetime:
    """Until when the licence must be checked."""
    return uow.now + CHECK_WITHIN
