"""Shapes of a dealer's policy for referrals."""

from api.schemas.base import Strict
from api.schemas.fields import Day
from api.schemas.rules import JsonObject, VersionOut


class ReferralPolicyIn(Strict):
    """`body` names the figures that differ from the built-in ones: times, days, the ladder of
    rewards and what the buyer gets, caps, calls, penalties; see the guide to referrals."""

    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class ReferralPolicyOut(VersionOut):
    """One version of the policy, every figure named."""
