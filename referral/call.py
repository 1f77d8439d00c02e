"""The callback (回访): one question at a time, answers word for word, marked on the server.

The agent hears accepted or closed, never right or wrong; expected answers never leave.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, CallbackAnswer, CallbackQuestion
from referral.lifecycle import Event
from referral.models import ConsultantCase, Referral
from referral.moves import locked, move, refuse_overdue
from referral.questions.bank import Kind, shown_kind
from referral.questions.marking import Answer, Mark, Said, Verdict, mark, verdict
from referral.reasons import Reason
from referral.reward import hold_reward

_STATEMENT = frozenset({Said.CONFIRMED, Said.DENIED, Said.DONT_KNOW})
_QUESTION = frozenset({Said.ANSWERED, Said.DONT_KNOW})
_FITTING = {shown_kind(kind): _QUESTION for kind in Kind} | {
    shown_kind(Kind.FALSE_PREMISE): _STATEMENT
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the agent is told about an answer: `closed` ends the call for the whole set."""

    callback_id: UUID
    position: int
    closed: bool


def record_answer(uow: UnitOfWork, callback_id: UUID, *, position: int, answer: Answer) -> Recorded:
    """Keep and mark one answer; the second wrong one fails the referral at once.

    Raises NotFound `callback_not_found` (also for another agent's call), Conflict
    `callback_closed`, `question_not_current` and `time_is_up`, RuleViolation
    `answer_not_fitting` and `answer_text_missing`.
    """
    referral, call = _locked(uow, callback_id)
    if call.state == "closed":
        raise Conflict("callback_closed")
    refuse_overdue(uow, referral)
    question, marks, total = _progress(uow, callback_id)
    if question is None or question.position != position:
        raise Conflict("question_not_current")
    _refuse_unfitting(Kind(question.kind), answer)
    marks.append(_mark(uow, question, answer))
    _keep(uow, question, answer, marks[-1])
    outcome = verdict(marks, total)
    if outcome is not Verdict.OPEN:
        call.state, call.closed_at = "closed", uow.now
        uow.session.flush()
        _conclude(uow, referral, outcome)
    return Recorded(callback_id, position, outcome is not Verdict.OPEN)


def close_call(uow: UnitOfWork, referral_id: UUID) -> None:
    """End the open call of a referral that is over for another reason."""
    uow.session.execute(
        update(Callback)
        .where(Callback.referral_id == referral_id, Callback.state == "open")
        .values(state="closed", closed_at=uow.now)
    )


def _locked(uow: UnitOfWork, callback_id: UUID) -> tuple[Referral, Callback]:
    """The referral first, then its call: the lock order of ledger.md."""
    owner = select(Callback.referral_id).where(
        Callback.id == callback_id, Callback.agent_id == UUID(uow.actor.id)
    )
    referral_id = uow.session.scalar(owner)
    if referral_id is None:
        raise NotFound("callback_not_found")
    referral = locked(uow, referral_id)
    call = uow.session.get_one(Callback, callback_id, with_for_update=True, populate_existing=True)
    return referral, call


def _progress(
    uow: UnitOfWork, callback_id: UUID
) -> tuple[CallbackQuestion | None, list[Mark], int]:
    """The question to ask now, the marks so far, and how many questions there are."""
    rows = uow.session.execute(
        select(CallbackQuestion, CallbackAnswer.mark)
        .outerjoin(
            CallbackAnswer,
            (CallbackAnswer.callback_id == CallbackQuestion.callback_id)
            & (CallbackAnswer.position == CallbackQuestion.position),
        )
        .where(CallbackQuestion.callback_id == callback_id)
        .order_by(CallbackQuestion.position)
    ).all()
    marks = [Mark(given) for _, given in rows if given is not None]
    current = next((question for question, given in rows if given is None), None)
    return current, marks, len(rows)


def _refuse_unfitting(kind: Kind, answer: Answer) -> None:
    """A form filled in wrongly is no answer of the party: it is refused, not marked."""
    if answer.said not in _FITTING[shown_kind(kind)]:
        raise RuleViolation("answer_not_fitting", pointer="/said")
    if answer.said in (Said.ANSWERED, Said.DENIED) and not (answer.text or "").strip():
        raise RuleViolation("answer_text_missing", pointer="/text")


def _mark(uow: UnitOfWork, question: CallbackQuestion, answer: Answer) -> Mark:
    sealed = question.expected
    expected = uow.open(sealed, column="question.expected", row=question.callback_id)
    return mark(Kind(question.kind), json.loads(expected), answer)


def _keep(uow: UnitOfWork, question: CallbackQuestion, answer: Answer, given: Mark) -> None:
    words = answer.text and uow.seal(answer.text, column="answer.words", row=question.callback_id)
    row = CallbackAnswer(
        callback_id=question.callback_id,
        position=question.position,
        dealer_id=uow.dealer_id,
        said=answer.said,
        words=words or None,
        mark=given,
        answered_by=UUID(uow.actor.id),
        answered_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_callback_answer":
            raise
        raise Conflict("question_not_current") from error
    uow.audit("callback.answered", question.callback_id, position=question.position)


def _conclude(uow: UnitOfWork, referral: Referral, outcome: Verdict) -> None:
    if outcome is Verdict.PASSED:
        move(uow, referral, Event.PASS, by_system=True, verified_at=uow.now)
        hold_reward(uow, referral)
        return
    reason = Reason.CALLBACK_TWO_WRONG
    move(uow, referral, Event.FAIL, by_system=True, reason=reason)
    case = ConsultantCase(
        id=new_id(),
        dealer_id=uow.dealer_id,
        referral_id=referral.id,
        consultant_id=referral.consultant_id,
        reason=reason,
        state="open",
        opened_at=uow.now,
    )
    uow.session.add(case)
    uow.emit("consultant_case.opened", case.id, reason=reason)
    uow.audit("consultant_case.opened", case.id, reason=reason)
