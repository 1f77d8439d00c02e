"""The only code that changes a referral's state: the table decides, the step is chained and kept.

A reader would break this by setting `state` anywhere else.
"""

import json
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.lifecycle import ACTIVE, Event, State, advance
from referral.models import Referral, ReferralTransition
from referral.reasons import Reason

FIRST_HASH = bytes(32)


def locked(uow: UnitOfWork, referral_id: UUID, *, version: int | None = None) -> Referral:
    """The referral, locked until the transaction ends.

    `version` is the one the caller looked at before deciding. Raises NotFound
    `referral_not_found`, Conflict `version_changed`.
    """
    row = uow.session.scalar(
        select(Referral)
        .where(Referral.id == referral_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("referral_not_found")
    if version is not None and row.version != version:
        raise Conflict("version_changed")
    return row


def over(referral: Referral) -> bool:
    """Whether nothing more happens of itself; `failed` waits while it has a time to run out."""
    state = State(referral.state)
    return state not in ACTIVE and not (state is State.FAILED and referral.due_at is not None)


def overdue(uow: UnitOfWork, referral: Referral) -> bool:
    """Whether the time allowed in this state has passed, though no job may have run yet (F53)."""
    return referral.due_at is not None and uow.now >= referral.due_at


def refuse_overdue(uow: UnitOfWork, referral: Referral) -> None:
    """Nothing moves on once the time is up. Raises Conflict `time_is_up`."""
    if overdue(uow, referral):
        raise Conflict("time_is_up")


def one_at_a_time(uow: UnitOfWork, name: str) -> None:
    """Wait until no other transaction of this dealer works on `name`, and keep it till the end."""
    key = func.hashtextextended(f"{uow.dealer_id}/{name}", 0)
    uow.session.execute(select(func.pg_advisory_xact_lock(key)))


def begin(uow: UnitOfWork, referral: Referral) -> None:
    """Store a new referral with its first step. Raises Conflict `buyer_already_referred`."""
    step = advance(None, Event.SUBMIT, role=uow.actor.role, reason=None)
    referral.state, referral.version = step.target, 1
    try:
        with uow.session.begin_nested():
            uow.session.add(referral)
    except IntegrityError as error:
        if violated(error) != "uq_referral_buyer":
            raise
        raise Conflict("buyer_already_referred") from error
    _record(uow, referral.id, None, step.event, step.target, Role(uow.actor.role), None)


def move(
    uow: UnitOfWork,
    referral: Referral,
    event: Event,
    *,
    by_system: bool = False,
    reason: Reason | None = None,
    **changes: object,
) -> None:
    """Take one step of the life cycle with the columns it settles.

    Raises what `lifecycle.advance` raises, and Forbidden `separation_of_duties` when the person
    already did another step of this referral.
    """
    role = Role.SYSTEM if by_system else Role(uow.actor.role)
    source = State(referral.state)
    step = advance(source, event, role=role, reason=reason)
    changes |= {"state": step.target, "reason": reason, "version": referral.version + 1}
    changes.setdefault("due_at", None)
    try:
        with uow.session.begin_nested():
            moved = uow.session.scalar(
                update(Referral)
                .where(Referral.id == referral.id, Referral.version == referral.version)
                .values(**changes)
                .returning(Referral.id)
            )
    except IntegrityError as error:
        raise _refused(error) from error
    if moved is None:
        raise Conflict("version_changed")
    uow.session.refresh(referral)
    _record(uow, referral.id, source, event, step.target, role, reason)


def flag(uow: UnitOfWork, referral: Referral, reason: Reason) -> None:
    """Note on a locked referral why two people must decide in the end, whatever the calls say.

    A flag never refuses and never pays: it only keeps the referral from being verified unseen.
    """
    if reason in referral.review:
        return
    referral.review = [*referral.review, reason]
    uow.session.flush()
    uow.audit("referral.flagged", referral.id, reason=reason)


def _refused(error: IntegrityError) -> Exception:
    constraint = violated(error)
    if constraint == "ck_referral_duties":
        return Forbidden("separation_of_duties")
    if constraint == "uq_referral_buyer":
        return Conflict("buyer_already_referred")
    if constraint == "ck_referral_called":
        return Conflict("no_call_to_rely_on")
    if constraint in {"uq_referral_order", "uq_referral_vin", "uq_referral_invoice"}:
        return Conflict("sale_backs_another_referral")
    if constraint == "ck_referral_order_of_times":
        return Conflict("times_out_of_order")
    return error


def _record(
    uow: UnitOfWork,
    referral_id: UUID,
    source: State | None,
    event: Event,
    target: State,
    role: Role,
    reason: Reason | None,
) -> None:
    last = uow.session.execute(
        select(ReferralTransition.seq, ReferralTransition.hash)
        .where(ReferralTransition.referral_id == referral_id)
        .order_by(ReferralTransition.seq.desc())
        .limit(1)
    ).first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, FIRST_HASH)
    step = ReferralTransition(
        referral_id=referral_id,
        seq=seq,
        dealer_id=uow.dealer_id,
        event=event,
        from_state=source,
        to_state=target,
        actor_id="system" if role is Role.SYSTEM else uow.actor.id,
        actor_role=role,
        reason=reason,
        at=uow.now,
        previous_hash=previous,
    )
    step.hash = step_hash(step)
    uow.session.add(step)
    uow.emit("referral.moved", referral_id, state=target, reason=reason)
    uow.audit(f"referral.{event}", referral_id, state=target, reason=reason)
    uow.session.flush()


def step_hash(step: ReferralTransition) -> bytes:
    """SHA-256 over the step's own facts and the hash of the step before it."""
    facts = [
        str(step.referral_id),
        step.seq,
        step.event,
        step.from_state,
        step.to_state,
        step.actor_id,
        step.actor_role,
        step.reason,
        step.at.isoformat(),
    ]
    said = json.dumps(facts, separators=(",", ":"), ensure_ascii=True).encode()
    return sha256(step.previous_hash + said).digest()
