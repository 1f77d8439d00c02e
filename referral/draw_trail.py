"""What the audit trail says of draws: promises, commitments, and calls handed to another agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from kernel.audit import AuditEvent, AuditLink
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, Draw
from referral.rules.drawn import Trail

Handed = dict[UUID, list[tuple[str, str]]]
"""By call: who was replaced by whom, the last time first."""


@dataclass(frozen=True, slots=True)
class Chained:
    """Promises by hash, commitments by referral and purpose: their places in the chain."""

    promises: Mapping[str, tuple[datetime, int]]
    commitments: Mapping[tuple[UUID, str, str], int]

    def of(self, draw: Draw) -> Trail:
        """What it has of one draw."""
        at, seq = self.promises.get((draw.entropy_hash or b"").hex(), (None, None))
        key = (draw.referral_id, draw.purpose, draw.commitment.hex())
        return Trail(at, seq, self.commitments.get(key))


def handed_over(uow: UnitOfWork) -> Handed:
    """The dealer's calls whose agent was replaced."""
    calls = select(Callback.id).where(Callback.dealer_id == uow.dealer_id)
    events = select(AuditEvent.subject_id, AuditEvent.details).where(
        AuditEvent.dealer_id == uow.dealer_id,
        AuditEvent.subject_id.in_(calls),
        AuditEvent.action == "callback.agent_replaced",
    )
    found: Handed = {}
    for call, details in uow.session.execute(events.order_by(AuditEvent.id.desc())):
        found.setdefault(call, []).append((details["former"], details["agent"]))
    return found


def chained_draws(uow: UnitOfWork) -> Chained:
    """Everything of the dealer's draws that has its link; what waits for one is not there."""
    hashed, committed = AuditEvent.details["hash"].astext, AuditEvent.details["commitment"].astext
    promises = (
        select(hashed, AuditEvent.at, AuditLink.seq)
        .join(AuditLink, AuditLink.event_id == AuditEvent.id)
        .where(
            AuditEvent.dealer_id == uow.dealer_id,
            AuditEvent.subject_id == uow.dealer_id,
            AuditEvent.action == "draw.entropy_promised",
        )
        .order_by(AuditLink.seq.desc())
    )
    purpose = AuditEvent.details["purpose"].astext
    drawn = select(Draw.referral_id).where(Draw.dealer_id == uow.dealer_id)
    commitments = (
        select(AuditEvent.subject_id, purpose, committed, func.min(AuditLink.seq))
        .join(AuditLink, AuditLink.event_id == AuditEvent.id)
        .where(
            AuditEvent.dealer_id == uow.dealer_id,
            AuditEvent.subject_id.in_(drawn),
            AuditEvent.action == "draw.committed",
        )
        .group_by(AuditEvent.subject_id, purpose, committed)
    )
    return Chained(
        {row[0]: (row[1], row[2]) for row in uow.session.execute(promises)},
        {(row[0], row[1], row[2]): row[3] for row in uow.session.execute(commitments)},
    )
