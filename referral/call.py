"""The callback (回访): one question at a time, answers word for word, marked on the server.

The agent hears accepted, repeat or closed, never right or wrong; expected answers never leave.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, CallbackAnswer, CallbackQuestion
from referral.conclude import conclude_if_settled
from referral.models import Referral
from referral.moves import locked, refuse_overdue
from referral.progress import Progress, gave_up, progress_of
from referral.questions.bank import Kind, shown_kind
from referral.questions.marking import Answer, Mark, Said, mark
from referral.questions.probability import WRONG_TO_FAIL

TOO_FAST_MS: Final = 3_000
TOO_SLOW_MS: Final = 300_000
"""Answers quicker or slower than this are flagged (referral.md, section 5)."""

_STATEMENT = frozenset({Said.CONFIRMED, Said.DENIED, Said.DONT_KNOW})
_QUESTION = frozenset({Said.ANSWERED, Said.DONT_KNOW})
_FITTING = {shown_kind(kind): _QUESTION for kind in Kind} | {
    shown_kind(Kind.FALSE_PREMISE): _STATEMENT
}


class Heard(StrEnum):
    """All the agent learns: go on, ask the same once more, or the set is done."""

    ACCEPTED = "accepted"
    REPEAT = "repeat"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the agent is told about an answer: `closed` ends the call for the whole set."""

    callback_id: UUID
    position: int
    heard: Heard


def record_answer(uow: UnitOfWork, callback_id: UUID, *, position: int, answer: Answer) -> Recorded:
    """Keep and mark one answer; the call ends with the last one, or with the second wrong one.

    What follows is decided once the telephone system has told of the call, too. Raises NotFound
    `callback_not_found` (also for another agent's call), Conflict `callback_closed`,
    `question_not_current` and `time_is_up`, RuleViolation `answer_not_fitting` and
    `answer_text_missing`.
    """
    referral, call = _locked(uow, callback_id)
    if call.state != "open":
        raise Conflict("callback_closed")
    refuse_overdue(uow, referral)
    before = progress_of(uow, callback_id)
    step = before.current
    if step is None or step.question.position != position:
        raise Conflict("question_not_current")
    _refuse_unfitting(Kind(step.question.kind), answer)
    given = _mark(uow, step.question, answer, before, asked_before=bool(step.answers))
    _keep(uow, step.question, answer, given, before, attempt=len(step.answers) + 1)
    return Recorded(callback_id, position, _go_on(uow, referral, call, given))


def close_call(uow: UnitOfWork, referral_id: UUID) -> None:
    """End the open call of a referral that is over for another reason."""
    uow.session.execute(
        update(Callback)
        .where(Callback.referral_id == referral_id, Callback.state != "closed")
        .values(state="closed", closed_at=uow.now)
    )


def _go_on(uow: UnitOfWork, referral: Referral, call: Callback, given: Mark) -> Heard:
    after = progress_of(uow, call.id)
    if after.current is not None and after.wrong < WRONG_TO_FAIL:
        return Heard.REPEAT if given is Mark.AGAIN else Heard.ACCEPTED
    call.state, call.answered_at = "answered", uow.now
    uow.session.flush()
    conclude_if_settled(uow, referral, call)
    return Heard.CLOSED


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


def _refuse_unfitting(kind: Kind, answer: Answer) -> None:
    """A form filled in wrongly is no answer of the party: it is refused, not marked."""
    if answer.said not in _FITTING[shown_kind(kind)]:
        raise RuleViolation("answer_not_fitting", pointer="/said")
    if answer.said in (Said.ANSWERED, Said.DENIED) and not (answer.text or "").strip():
        raise RuleViolation("answer_text_missing", pointer="/text")


def _mark(
    uow: UnitOfWork,
    question: CallbackQuestion,
    answer: Answer,
    before: Progress,
    *,
    asked_before: bool,
) -> Mark:
    sealed = question.expected
    expected = uow.open(sealed, column="question.expected", row=question.callback_id)
    return mark(
        Kind(question.kind),
        json.loads(expected),
        answer,
        asked_before=asked_before,
        dont_know_before=gave_up(before),
        reserve_left=before.reserve_left,
    )


def _keep(
    uow: UnitOfWork,
    question: CallbackQuestion,
    answer: Answer,
    given: Mark,
    before: Progress,
    *,
    attempt: int,
) -> None:
    words = answer.text and uow.seal(answer.text, column="answer.words", row=question.callback_id)
    took_ms = None
    if before.last_answer_at is not None:
        took_ms = max(0, int((uow.now - before.last_answer_at).total_seconds() * 1_000))
    row = CallbackAnswer(
        callback_id=question.callback_id,
        position=question.position,
        attempt=attempt,
        dealer_id=uow.dealer_id,
        said=answer.said,
        words=words or None,
        mark=given,
        answered_by=UUID(uow.actor.id),
        answered_at=uow.now,
        took_ms=took_ms,
        flag=_flag(took_ms),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_callback_answer":
            raise
        raise Conflict("question_not_current") from error
    uow.audit("callback.answered", question.callback_id, position=question.position)


def _flag(took_ms: int | None) -> str | None:
    if took_ms is None or TOO_FAST_MS <= took_ms <= TOO_SLOW_MS:
        return None
    return "too_fast" if took_ms < TOO_FAST_MS else "too_slow"
