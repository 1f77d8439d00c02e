"""Appeals (申诉): once per decision, in time, decided by somebody not involved.

A reader would break this by an upheld appeal that changes anything but by a corrective step.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from referral.duties import Duty, take_duty
from referral.justice.deadlines import check_by, confirm_by, judge_by
from referral.justice.fraud import lift_case
from referral.justice.models import Appeal
from referral.lifecycle import Event, State
from referral.models import ConsultantCase, Referral, ReferralTransition
from referral.moves import locked, move, over
from referral.policy import policy_on
from referral.queries import Filter, get_referral
from referral.reasons import Reason
from referral.rules.appeal import lifts_case, remedy

WORDS = "appeal.words"
PAGE = 200
_APPELLANTS = {Role.OWNER: "owner", Role.CONSULTANT: "consultant", Role.CRM: "buyer"}
_NEXT_DUE = {
    Event.REOPEN_REPORT: confirm_by,
    Event.REOPEN_CHECK: check_by,
    Event.REOPEN_JUDGEMENT: judge_by,
}


class Outcome(StrEnum):
    UPHELD = "upheld"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Decision:
    """The step a referral rests on, or the proof of its fake after it was paid.

    Upheld, an appeal appends the `remedy`, if there is one, and lifts the case if it `lifts`;
    without either there is no appeal, and no last instant.
    """

    seq: int
    state: State
    reason: str | None
    decided_at: datetime
    remedy: Event | None
    lifts: bool
    appeal_until: datetime | None


def decision_of(uow: UnitOfWork, referral_id: UUID, *, seen_by: Filter) -> Decision:
    """The decision a referral rests on. Raises NotFound `referral_not_found`."""
    get_referral(uow, referral_id, seen_by)
    return decision_on(uow, uow.session.get_one(Referral, referral_id))


def decision_on(uow: UnitOfWork, referral: Referral) -> Decision:
    """The last step of a referral, and until when it can be appealed by today's policy."""
    step = uow.session.scalars(
        select(ReferralTransition)
        .where(ReferralTransition.referral_id == referral.id)
        .order_by(ReferralTransition.seq.desc())
        .limit(1)
    ).one()
    found = None
    if over(referral):
        before = State(step.from_state) if step.from_state else None
        reason = Reason(step.reason) if step.reason else None
        found = remedy(State(referral.state), before=before, reason=reason)
    state, proven_at = State(referral.state), _proven_at(uow, referral.id)
    lifts = lifts_case(state, proven=proven_at is not None)
    at = proven_at if lifts and proven_at else step.at
    window = timedelta(days=policy_on(uow).policy.appeal_within_days)
    until = at + window if found or lifts else None
    return Decision(step.seq, state, step.reason, at, found, lifts, until)


def raise_appeal(uow: UnitOfWork, referral_id: UUID, *, seen_by: Filter, words: str) -> Appeal:
    """Owner, consultant, or the CRM for the buyer appeals in his own words, which are sealed.

    Raises NotFound `referral_not_found` (also for another's), Conflict `decision_not_appealable`,
    `appeal_too_late`, `appealed_already`.
    """
    get_referral(uow, referral_id, seen_by)
    referral = locked(uow, referral_id)
    decision = decision_on(uow, referral)
    if decision.appeal_until is None:
        raise Conflict("decision_not_appealable", state=referral.state)
    if uow.now >= decision.appeal_until:
        raise Conflict("appeal_too_late", days=policy_on(uow).policy.appeal_within_days)
    key = new_id()
    days = policy_on(uow).policy.appeal_decided_within_days
    appeal = Appeal(
        id=key,
        dealer_id=uow.dealer_id,
        referral_id=referral_id,
        decision_seq=decision.seq,
        appellant=_APPELLANTS[Role(uow.actor.role)],
        words=uow.seal(words, column=WORDS, row=key),
        raised_by=uow.actor.id,
        raised_at=uow.now,
        due_at=uow.now + timedelta(days=days),
        state="open",
    )
    _keep(uow, appeal)
    return appeal


def decide_appeal(uow: UnitOfWork, appeal_id: UUID, *, outcome: Outcome, reason: str) -> Appeal:
    """Somebody not involved decides; upheld appends the corrective step (referral.md, section 2).

    Upheld on a reversed referral only lifts the case: it stays reversed, and the points come back
    by the ordinary reinstatement, which two people make.

    Raises NotFound `appeal_not_found`, Conflict `appeal_decided`, `time_is_up` and those of `move`,
    Forbidden as `take_duty`.
    """
    appeal = get_appeal(uow, appeal_id)
    referral = locked(uow, appeal.referral_id)
    uow.session.refresh(appeal, with_for_update=True)
    if appeal.state != "open":
        raise Conflict("appeal_decided")
    if uow.now >= appeal.due_at:
        raise Conflict("time_is_up")
    take_duty(uow, referral.id, Duty.APPEAL_JUDGE)
    if outcome is Outcome.UPHELD:
        _correct(uow, referral, appeal)
    _settle(uow, appeal, outcome, UUID(uow.actor.id), reason)
    return appeal


def lapse_appeals(uow: UnitOfWork) -> int:
    """Reject up to a page of appeals nobody decided in time: fails closed (F53); how many."""
    due = uow.session.scalars(
        select(Appeal)
        .where(Appeal.state == "open", Appeal.due_at <= uow.now)
        .order_by(Appeal.due_at, Appeal.id)
        .limit(PAGE)
        .with_for_update(skip_locked=True)
    ).all()
    for appeal in due:
        _settle(uow, appeal, Outcome.REJECTED, None, None)
    return len(due)


def get_appeal(uow: UnitOfWork, appeal_id: UUID) -> Appeal:
    """One appeal. Raises NotFound `appeal_not_found`."""
    row = uow.session.get(Appeal, appeal_id)
    if row is None:
        raise NotFound("appeal_not_found")
    return row


def _keep(uow: UnitOfWork, appeal: Appeal) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.add(appeal)
    except IntegrityError as error:
        if violated(error) != "uq_appeal_decision":
            raise
        raise Conflict("appealed_already") from error
    uow.emit("appeal.raised", appeal.id, appellant=appeal.appellant)
    uow.audit("appeal.raised", appeal.id, appellant=appeal.appellant)


def _correct(uow: UnitOfWork, referral: Referral, appeal: Appeal) -> None:
    decision = decision_on(uow, referral)
    if decision.appeal_until is None or decision.seq != appeal.decision_seq:
        raise Conflict("decision_not_appealable", state=referral.state)
    if decision.remedy is not None:
        due_by = _NEXT_DUE.get(decision.remedy)
        due_at = due_by(uow) if due_by else None
        move(uow, referral, decision.remedy, reason=Reason.APPEAL_UPHELD, due_at=due_at)
    if decision.lifts:
        lift_case(uow, referral.id)


def _proven_at(uow: UnitOfWork, referral_id: UUID) -> datetime | None:
    """When two people confirmed the case of a referral, if they did."""
    return uow.session.scalar(
        select(ConsultantCase.decided_at).where(
            ConsultantCase.referral_id == referral_id, ConsultantCase.state == "confirmed"
        )
    )


def _settle(
    uow: UnitOfWork, appeal: Appeal, outcome: Outcome, judge: UUID | None, reason: str | None
) -> None:
    appeal.state, appeal.decided_at = outcome, uow.now
    appeal.decided_by, appeal.reason = judge, reason
    uow.session.flush()
    uow.emit(f"appeal.{outcome}", appeal.id)
    uow.audit(f"appeal.{outcome}", appeal.id, in_time=judge is not None)
