"""The verb on tiers: give a member a tier from a day on, with the reason."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from kernel.errors import NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork, type_of_fact
from loyalty.members.queries import exists
from loyalty.points.own_account import refuse_own_account
from loyalty.tiers.models import MemberTier
from loyalty.tiers.rules.history import Kind

_TIER: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")


def assign_tier(
    uow: UnitOfWork,
    member_id: UUID,
    *,
    tier: str | None,
    since_on: date,
    until_on: date | None = None,
    reason: str,
) -> UUID:
    """Give a tier by hand from a business day on, past or future, until a day or another word;
    without a tier, what the score has earned counts again. Documents that come later meet the
    tier of their own day (product.md, F23, F27, F28).

    Raises RuleViolation `tier_invalid` and `until_not_after_since`, NotFound `member_not_found`,
    Forbidden `own_account`.
    """
    if tier is not None and not _TIER.fullmatch(tier):
        raise RuleViolation("tier_invalid", pointer="/tier")
    if until_on is not None and until_on <= since_on:
        raise RuleViolation("until_not_after_since", pointer="/until_on")
    if not exists(uow.session, member_id):
        raise NotFound("member_not_found")
    refuse_own_account(uow, member_id)
    key = new_id()
    uow.session.add(
        MemberTier(
            member_id=member_id,
            id=key,
            dealer_id=uow.dealer_id,
            kind=Kind.MANUAL,
            tier=tier,
            since_on=since_on,
            until_on=until_on,
            reason=reason,
            set_by=uow.actor.id,
            set_at=uow.now,
        )
    )
    uow.session.flush()
    told: dict[str, type_of_fact] = {
        "tier": tier,
        "since_on": since_on.isoformat(),
        "until_on": until_on.isoformat() if until_on else None,
    }
    uow.emit("tier.assigned", member_id, **told)
    uow.audit("tier.assigned", member_id, **told)
    return key
