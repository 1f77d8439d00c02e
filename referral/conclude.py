"""What becomes of a call, and of its referral after it: the only place where calls decide.

A call counts when the telephone system has told of it: an agent alone makes nobody honest or fake.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, select

from kernel.clock import CLOCK_TOLERANCE, business_day
from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, CallRecord
from referral.draw import Purpose, draw_other_party, first_draw
from referral.justice.deadlines import judge_by
from referral.justice.fraud import open_case
from referral.lifecycle import Event, State
from referral.models import Referral
from referral.moves import flag, move
from referral.policy import policy_on
from referral.progress import Progress, progress_of
from referral.questions.marking import Mark
from referral.questions.probability import WRONG_TO_FAIL, Outcome, outcome, weight
from referral.reasons import Reason
from referral.reward import hold_reward
from referral.rules.calls import CallResult, Next, Plan, after_calls

BEFORE_ANSWER: Final = timedelta(minutes=1)
AFTER_CALL: Final = timedelta(minutes=30)
LEAST_TALK: Final = timedelta(seconds=3)
"""An answer written down this long before or after the call still belongs to it; each takes three
seconds of talk at least (referral.md, section 5)."""

Verdict = tuple[CallResult, Reason | None]


def conclude_if_settled(uow: UnitOfWork, referral: Referral, call: Callback) -> None:
    """Close an answered call once every mark and the telephone's record are there.

    Call it with the referral and the call locked; until then nothing happens.
    """
    progress = progress_of(uow, call.id)
    if call.state != "answered" or not _took_place(uow, call, progress):
        return
    verdict = _verdict(call, progress)
    if verdict is not None:
        _close(uow, referral, call, verdict, _score(call, progress))


def conclude_unreached(uow: UnitOfWork, referral: Referral, call: Callback) -> bool:
    """Close an open call when the attempts allowed reached nobody; whether it was closed.

    The attempts, on the days, within the hours the policy names (referral.md, section 2).
    """
    policy = policy_on(uow).policy
    tried = uow.session.scalars(
        select(CallRecord).where(
            _of_this_call(call), CallRecord.in_hours, CallRecord.number_matches
        )
    ).all()
    missed = [record.started_at for record in tried if record.answered_at is None]
    days = {business_day(at, uow.zone) for at in missed}
    if call.state != "open" or len(missed) < policy.call_attempts:
        return False
    if len(days) < policy.call_attempt_days or len(missed) < len(tried):
        return False
    flag(uow, referral, Reason.CALLBACK_UNREACHABLE)
    _close(uow, referral, call, (CallResult.UNREACHABLE, Reason.CALLBACK_UNREACHABLE), None)
    return True


def conclude_overdue(uow: UnitOfWork, referral: Referral, call: Callback) -> None:
    """Close a call whose time is up. Nobody is punished for a call that did not take place, and
    nobody chooses the other party by it: then two people decide."""
    if conclude_unreached(uow, referral, call):
        return
    progress = progress_of(uow, call.id)
    took_place = _took_place(uow, call, progress)
    if not took_place:
        flag(uow, referral, Reason.CALL_RECORD_MISSING)
    why = Reason.CALLBACK_INCONCLUSIVE if took_place else Reason.CALL_RECORD_MISSING
    _close(uow, referral, call, (CallResult.INCONCLUSIVE, why), None)


def call_other_party(uow: UnitOfWork, referral: Referral) -> bool:
    """Open the second call, if an agent is free to make it; whether one was."""
    try:
        with uow.session.begin_nested():
            draw_other_party(uow, referral)
    except Conflict as error:
        if error.code != "no_callback_agent":
            raise
        uow.session.refresh(referral)
        return False
    return True


def _took_place(uow: UnitOfWork, call: Callback, progress: Progress) -> bool:
    """Whether the telephone reached the party's own number while the answers were given."""
    first, last = progress.first_answer_at, progress.last_answer_at
    if first is None or last is None:
        return False
    records = uow.session.scalars(
        select(CallRecord).where(
            _of_this_call(call),
            CallRecord.number_matches,
            CallRecord.answered_at.is_not(None),
        )
    )
    answers = sum(len(step.answers) for step in progress.steps)
    return any(_covers(record, first, last, answers) for record in records)


def _of_this_call(call: Callback) -> ColumnElement[bool]:
    """What was dialled before the draw is no attempt at this call."""
    begun = CallRecord.started_at >= call.created_at - CLOCK_TOLERANCE
    return (CallRecord.callback_id == call.id) & begun


def _covers(record: CallRecord, first: datetime, last: datetime, answers: int) -> bool:
    """Whether so many answers can have been given in this call."""
    assert record.answered_at is not None
    if record.ended_at - record.answered_at < LEAST_TALK * answers:
        return False
    return first >= record.answered_at - BEFORE_ANSWER and last <= record.ended_at + AFTER_CALL


def _verdict(call: Callback, progress: Progress) -> Verdict | None:
    """What the marks say; None while a second person has still to read what decides."""
    if call.narrative:
        return CallResult.INCONCLUSIVE, Reason.QUESTIONS_NOT_ENOUGH
    if progress.wrong >= WRONG_TO_FAIL:
        return CallResult.FAILED, Reason.CALLBACK_TWO_WRONG
    if progress.to_read:
        return None
    found = outcome([step.item for step in progress.steps], progress.settled())
    if found is Outcome.INCONCLUSIVE:
        named = all(step.mark is Mark.RIGHT for step in progress.steps if step.question.knock_out)
        why = Reason.CALLBACK_INCONCLUSIVE if named else Reason.CALLBACK_KNOCKOUT
        return CallResult.INCONCLUSIVE, why
    return CallResult(found), None


def _score(call: Callback, progress: Progress) -> float | None:
    """The weight of the evidence in bits, as far as questions were answered."""
    if call.narrative:
        return None
    return sum(
        weight(step.item, right=step.mark is Mark.RIGHT)
        for step in progress.steps
        if step.mark in (Mark.RIGHT, Mark.WRONG)
    )


def _close(
    uow: UnitOfWork, referral: Referral, call: Callback, verdict: Verdict, score: float | None
) -> None:
    result, reason = verdict
    call.state, call.closed_at, call.result = "closed", uow.now, result
    call.reason, call.score_bits = reason, score
    uow.session.flush()
    uow.emit("callback.closed", call.id, referral_id=str(referral.id))
    uow.audit("callback.closed", call.id, result=result, reason=reason)
    _follow(uow, referral, call, result, reason)


def _follow(
    uow: UnitOfWork, referral: Referral, call: Callback, result: CallResult, reason: Reason | None
) -> None:
    """The strict rule ends it with the call that fails; made strict later, it undoes no earlier."""
    if call.purpose == Purpose.JUDGES:
        _settle(uow, referral, result, reason, Next.ADJUDICATE)
        return
    closed = uow.session.scalars(
        select(Callback.result)
        .where(
            Callback.referral_id == referral.id,
            Callback.purpose.in_([Purpose.CALLBACK, Purpose.OTHER_PARTY]),
            Callback.result.is_not(None),
        )
        .order_by(Callback.id)
    )
    strict = policy_on(uow).policy.house_rule_strict and result is CallResult.FAILED
    step = after_calls(
        Plan(first_draw(uow, referral.id).plan or Plan.SINGLE),
        [CallResult(each) for each in closed if each],
        strict=strict,
        needs_people=bool(referral.review),
    )
    _settle(uow, referral, result, reason, step)


def _settle(
    uow: UnitOfWork, referral: Referral, result: CallResult, reason: Reason | None, step: Next
) -> None:
    """First the state this call leaves behind, then what follows from all calls together."""
    due_at = None
    if step is not Next.FAIL:
        due_at = uow.now + timedelta(days=policy_on(uow).policy.call_within_days)
    event = _LEFT.get(result)
    if event is not None:
        move(uow, referral, event, by_system=True, reason=reason, due_at=due_at)
    _NEXT[step](uow, referral)


def _verify(uow: UnitOfWork, referral: Referral) -> None:
    move(uow, referral, Event.PASS, by_system=True, verified_at=uow.now)
    hold_reward(uow, referral)


def _call_other(uow: UnitOfWork, referral: Referral) -> None:
    call_other_party(uow, referral)


def _fail(uow: UnitOfWork, referral: Referral) -> None:
    open_case(uow, referral, Reason.CALLBACK_TWO_WRONG)


def _suspect(uow: UnitOfWork, referral: Referral) -> None:
    move(
        uow,
        referral,
        Event.SUSPECT,
        by_system=True,
        reason=Reason.CALLBACK_TWO_WRONG,
        due_at=judge_by(uow),
    )
    open_case(uow, referral, Reason.CALLBACK_TWO_WRONG)


def _adjudicate(uow: UnitOfWork, referral: Referral) -> None:
    reason = Reason(referral.review[0]) if referral.review else None
    if reason is None:
        left = referral.state != State.CALLING and referral.reason
        reason = Reason(left) if left else Reason.CALLS_DISAGREE
    due_at = judge_by(uow)
    move(uow, referral, Event.ADJUDICATE, by_system=True, reason=reason, due_at=due_at)


_LEFT: Final = {
    CallResult.FAILED: Event.FAIL,
    CallResult.INCONCLUSIVE: Event.LEAVE_OPEN,
    CallResult.UNREACHABLE: Event.NOT_REACHED,
}
_NEXT: Final[dict[Next, Callable[[UnitOfWork, Referral], None]]] = {
    Next.CALL_OTHER: _call_other,
    Next.VERIFY: _verify,
    Next.FAIL: _fail,
    Next.SUSPECT: _suspect,
    Next.ADJUDICATE: _adjudicate,
}
