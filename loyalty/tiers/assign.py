"""The verb on tiers: give a member a tier from a day on, with the reason."""

import re
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork, type_of_fact
from loyalty.dealers.roles import STAFF_ROLES
from loyalty.points import ledger
from loyalty.points.own_account import refuse_own_account
from loyalty.tiers.known import refuse_unknown_tiers
from loyalty.tiers.models import MemberTier
from loyalty.tiers.rules.history import Kind

MOST_DAYS_BACK: Final = 31
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
    tier of their own day (product.md, F23, F27, F28). What has been is changed by nobody's word
    alone: staff go back by a month at most, the CRM tells what it knows.

    Raises RuleViolation `tier_invalid`, `tier_unknown`, `until_not_after_since` and
    `since_on_too_early`, NotFound `member_not_found`, Forbidden `own_account`.
    """
    _check(uow, tier, since_on, until_on)
    ledger.lock(uow, [member_id])
    refuse_own_account(uow, member_id)
    key: UUID = uow.session.scalars(select(func.tier_new_word(member_id, uow.now))).one()
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


def _check(uow: UnitOfWork, tier: str | None, since_on: date, until_on: date | None) -> None:
    if tier is not None:
        if not _TIER.fullmatch(tier):
            raise RuleViolation("tier_invalid", pointer="/tier")
        refuse_unknown_tiers(uow, [tier], "/tier")
    if until_on is not None and until_on <= since_on:
        raise RuleViolation("until_not_after_since", pointer="/until_on")
    earliest = uow.today - timedelta(days=MOST_DAYS_BACK)
    if since_on < earliest and uow.actor.role in STAFF_ROLES:
        raise RuleViolation(
            "since_on_too_early",
            pointer="/since_on",
            limit=MOST_DAYS_BACK,
            earliest=earliest.isoformat(),
        )
