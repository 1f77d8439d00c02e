"""What the telephone system tells of a call (通话记录): whom it dialled, when, whether answered.

A reader would break this by letting the agent tell it: he could fill in answers without calling.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.clock import CLOCK_TOLERANCE
from kernel.database import violated
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile
from referral.call_models import Callback, CallRecord
from referral.conclude import conclude_if_settled, conclude_unreached
from referral.models import Referral
from referral.moves import locked, overdue
from referral.parties import number_of
from referral.policy import policy_on


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt. `answered_at` is None when nobody picked up."""

    source: str
    source_event_id: str
    callback_id: UUID
    dialled: str = field(repr=False)
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime


def take_call_record(uow: UnitOfWork, told: Told) -> tuple[CallRecord, bool]:
    """Keep a record once; it may conclude the call. The record, and whether it was new.

    Raises NotFound `callback_not_found`, RuleViolation `call_times_impossible`,
    `occurred_in_the_future`, `mobile_invalid`, Conflict `document_changed`.
    """
    _check(uow, told)
    referral, call = _locked(uow, told.callback_id)
    known = _known(uow, told)
    if known is not None:
        return known, False
    record = _row(uow, referral, call, told)
    try:
        with uow.session.begin_nested():
            uow.session.add(record)
    except IntegrityError as error:
        if violated(error) != "uq_call_record_source":
            raise
        raise Conflict("document_changed") from error
    uow.audit("callback.recorded", call.id, matches=record.number_matches)
    if overdue(uow, referral):
        return record, True
    if told.answered_at is None:
        conclude_unreached(uow, referral, call)
    else:
        conclude_if_settled(uow, referral, call)
    return record, True


def _check(uow: UnitOfWork, told: Told) -> None:
    answered = told.answered_at or told.started_at
    if not told.started_at <= answered <= told.ended_at:
        raise RuleViolation("call_times_impossible", pointer="/ended_at")
    if told.ended_at > uow.now + CLOCK_TOLERANCE:
        raise RuleViolation("occurred_in_the_future", pointer="/ended_at")


def _locked(uow: UnitOfWork, callback_id: UUID) -> tuple[Referral, Callback]:
    found = uow.session.scalar(select(Callback.referral_id).where(Callback.id == callback_id))
    if found is None:
        raise NotFound("callback_not_found")
    referral = locked(uow, found)
    call = uow.session.get_one(Callback, callback_id, with_for_update=True, populate_existing=True)
    return referral, call


def _known(uow: UnitOfWork, told: Told) -> CallRecord | None:
    row = uow.session.scalar(
        select(CallRecord).where(
            CallRecord.dealer_id == uow.dealer_id,
            CallRecord.source == told.source,
            CallRecord.source_event_id == told.source_event_id,
        )
    )
    if row is not None and row.fingerprint != _fingerprint(uow, told):
        raise Conflict("document_changed")
    return row


def _row(uow: UnitOfWork, referral: Referral, call: Callback, told: Told) -> CallRecord:
    policy = policy_on(uow).policy
    hour = told.started_at.astimezone(uow.zone).hour
    return CallRecord(
        id=new_id(),
        dealer_id=uow.dealer_id,
        callback_id=call.id,
        source=told.source,
        source_event_id=told.source_event_id,
        number_matches=mobile.canonical(told.dialled) == number_of(uow, referral, call.party),
        in_hours=policy.calling_from_hour <= hour < policy.calling_until_hour,
        started_at=told.started_at,
        answered_at=told.answered_at,
        ended_at=told.ended_at,
        fingerprint=_fingerprint(uow, told),
        received_at=uow.now,
    )


def _fingerprint(uow: UnitOfWork, told: Told) -> bytes:
    times = (told.started_at, told.answered_at, told.ended_at)
    said = [
        str(told.callback_id),
        mobile.canonical(told.dialled),
        *(at and at.astimezone(UTC).isoformat() for at in times),
    ]
    return uow.blind(json.dumps(said), column="call_record")
