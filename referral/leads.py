"""Leads (线索) of the CRM: whoever asked for a car before is nobody's new customer (6.4).

A reader would break this by refusing for a lead: it makes two people look, and no more.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from kernel.clock import CLOCK_TOLERANCE
from kernel.errors import Conflict, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile
from referral.lifecycle import ACTIVE
from referral.models import Lead, Referral
from referral.moves import flag, locked, over
from referral.policy import policy_on
from referral.reasons import Reason
from referral.rules.eligibility import lead_is_older


class LeadChannel(StrEnum):
    """How somebody came to ask; `referral` is the one an owner's recommendation comes by."""

    WALK_IN = "walk_in"
    TELEPHONE = "telephone"
    WEBSITE = "website"
    PLATFORM = "platform"
    EVENT = "event"
    REFERRAL = "referral"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ToldLead:
    """A lead as the CRM tells it, under its own reference."""

    source: str
    source_event_id: str
    phone: str
    channel: LeadChannel
    opened_at: datetime


def take_lead(uow: UnitOfWork, told: ToldLead) -> tuple[UUID, bool]:
    """Keep a lead once, and look again at a referral of the same buyer; its id, and if it was new.

    Raises RuleViolation `mobile_invalid` and `occurred_in_the_future`, Conflict
    `document_changed` when the reference is known with other data.
    """
    if told.opened_at > uow.now + CLOCK_TOLERANCE:
        raise RuleViolation("occurred_in_the_future", pointer="/opened_at")
    phone = uow.blind(mobile.canonical(told.phone), column="phone")
    created = uow.session.scalar(
        insert(Lead)
        .values(
            id=new_id(),
            dealer_id=uow.dealer_id,
            source=told.source,
            source_event_id=told.source_event_id,
            phone_index=phone,
            channel=told.channel,
            opened_at=told.opened_at,
            fingerprint=_fingerprint(uow, told),
            received_at=uow.now,
        )
        .on_conflict_do_nothing(constraint="uq_lead_source")
        .returning(Lead.id)
    )
    if created is None:
        return _known(uow, told), False
    uow.audit("lead.recorded", created, channel=told.channel)
    for referral_id in _referrals(uow, phone):
        flag_older_lead(uow, locked(uow, referral_id))
    return created, True


def flag_older_lead(uow: UnitOfWork, referral: Referral) -> None:
    """Have two people decide on a locked referral whose buyer was a lead of another channel
    before (referral.md, section 2: not refused, reviewed)."""
    opened_at = uow.session.scalar(
        select(func.min(Lead.opened_at)).where(
            Lead.phone_index == referral.buyer_phone_index,
            Lead.channel != LeadChannel.REFERRAL,
        )
    )
    days = policy_on(uow).policy.lead_older_than_days
    if opened_at is None or over(referral):
        return
    if lead_is_older(opened_at, referral.submitted_at, days=days):
        flag(uow, referral, Reason.BUYER_EXISTING_LEAD)


def _referrals(uow: UnitOfWork, phone_index: bytes) -> list[UUID]:
    rows = select(Referral.id).where(
        Referral.buyer_phone_index == phone_index, Referral.state.in_(ACTIVE)
    )
    return sorted(uow.session.scalars(rows))


def _known(uow: UnitOfWork, told: ToldLead) -> UUID:
    row = uow.session.scalars(
        select(Lead).where(Lead.source == told.source, Lead.source_event_id == told.source_event_id)
    ).one()
    if row.fingerprint != _fingerprint(uow, told):
        raise Conflict("document_changed")
    return row.id


def _fingerprint(uow: UnitOfWork, told: ToldLead) -> bytes:
    opened_at = told.opened_at.astimezone(UTC).isoformat()
    said = [mobile.canonical(told.phone), told.channel, opened_at]
    return uow.blind(json.dumps(said), column="lead")
