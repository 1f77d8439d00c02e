"""The verb on tiers: give a member a tier from a day on, with the reason."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from kernel.errors import NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.members.queries import exists
from loyalty.points.own_account import refuse_own_account
from loyalty.tiers.models import MemberTier

_TIER: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")


def assign_tier(
    uow: UnitOfWork, member_id: UUID, *, tier: str, since_on: date, reason: str
) -> UUID:
    """Give the tier from a business day on, past or future; documents that come later meet the
    tier of their own day (product.md, F23, F27, F28).

    Raises RuleViolation `tier_invalid`, NotFound `member_not_found`, Forbidden `own_account`.
    """
    if not _TIER.fullmatch(tier):
        raise RuleViolation("tier_invalid", pointer="/tier")
    if not exists(uow.session, member_id):
        raise NotFound("member_not_found")
    refuse_own_account(uow, member_id)
    key = new_id()
    uow.session.add(
        MemberTier(
            member_id=member_id,
            id=key,
            dealer_id=uow.dealer_id,
            tier=tier,
            since_on=since_on,
            reason=reason,
            set_by=uow.actor.id,
            set_at=uow.now,
        )
    )
    uow.session.flush()
    uow.emit("tier.assigned", member_id, tier=tier, since_on=since_on.isoformat())
    uow.audit("tier.assigned", member_id, tier=tier, since_on=since_on.isoformat())
    return key
