"""The dealer's policy for referrals (推荐政策): drafted, published by another, ended once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from referral.models import ReferralPolicy
from referral.rules.policy import DEFAULT, Policy, dump, parse

CODE: Final = "referral"
BUILT_IN: Final = 0


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy with the number of its version; 0 is what the service brings along."""

    version: int
    policy: Policy


def policy_on(uow: UnitOfWork, day: date | None = None) -> InForce:
    """The policy of a business day, by default today."""
    for row in versions.in_force(uow, ReferralPolicy, day or uow.today, code=CODE):
        return InForce(row.version, parse(row.body))
    return InForce(BUILT_IN, DEFAULT)


def policy_numbered(uow: UnitOfWork, version: int) -> Policy:
    """What the policy of this version says; 0 is what the service brings along."""
    if version == BUILT_IN:
        return DEFAULT
    row = uow.session.scalars(
        select(ReferralPolicy).where(
            ReferralPolicy.dealer_id == uow.dealer_id,
            ReferralPolicy.code == CODE,
            ReferralPolicy.version == version,
        )
    ).one()
    return parse(row.body)


def draft_policy(
    uow: UnitOfWork,
    *,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> ReferralPolicy:
    """Write down the next version. Raises as `parse` and `versions.draft`."""
    return versions.draft(
        uow,
        ReferralPolicy,
        code=CODE,
        body=dump(parse(body)),
        effective_from=effective_from,
        effective_until=effective_until,
    )


def publish_policy(uow: UnitOfWork, policy_id: UUID) -> ReferralPolicy:
    """Let it count from its first day on. Raises as `versions.publish`."""
    parse(versions.get(uow, ReferralPolicy, policy_id).body)
    return versions.publish(uow, ReferralPolicy, policy_id)


def end_policy(uow: UnitOfWork, policy_id: UUID, *, effective_until: date) -> ReferralPolicy:
    """The first day without it: the built-in figures count again. Raises as `versions.end`."""
    return versions.end(uow, ReferralPolicy, policy_id, effective_until=effective_until)
