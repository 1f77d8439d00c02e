"""Reads of callbacks for the agent's desk: one question at a time, nothing about the answer.

A call that waits for the telephone's record, or for a reader, is closed for him.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select

from kernel.clock import start_of_day
from kernel.errors import Conflict, NotFound, TooSoon
from kernel.unit_of_work import UnitOfWork
from loyalty.formats.address import addressed_en, addressed_zh
from referral.call_models import Callback
from referral.models import Referral
from referral.parties import name_of, number_of
from referral.policy import policy_on
from referral.progress import Step, progress_of
from referral.questions.bank import Kind, shown_kind
from referral.questions.marking import Mark


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What the agent reads out. `input` is how to record the answer, not whether it is true.

    `repeat`: the same question once more, in neutral words.
    """

    position: int
    repeat: bool
    input: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class CallbackView:
    id: UUID
    referral_id: UUID
    party: str
    callee_zh: str
    callee_en: str
    state: str
    narrative: bool
    questions: int
    answered: int
    question: QuestionView | None
    created_at: datetime
    closed_at: datetime | None


def get_callback(uow: UnitOfWork, callback_id: UUID) -> CallbackView:
    """One of the agent's own calls. Raises NotFound `callback_not_found`."""
    row = uow.session.scalar(_own(uow).where(Callback.id == callback_id))
    if row is None:
        raise NotFound("callback_not_found")
    return _view(uow, row)


def list_callbacks(
    uow: UnitOfWork, *, state: str | None, after: UUID | None, limit: int
) -> list[CallbackView]:
    """The agent's own calls, oldest first."""
    rows = _own(uow).order_by(Callback.id).limit(limit)
    if state:
        rows = rows.where((Callback.state == "open") == (state == "open"))
    if after:
        rows = rows.where(Callback.id > after)
    return [_view(uow, row) for row in uow.session.scalars(rows)]


def dial(uow: UnitOfWork, callback_id: UUID, *, reason: str) -> str:
    """The number to call, given to the call's agent while it is open, and kept as seen.

    Raises NotFound `callback_not_found`, Conflict `callback_closed`, TooSoon
    `outside_calling_hours`: nobody is phoned at night (referral.md, section 2).
    """
    row = uow.session.scalar(_own(uow).where(Callback.id == callback_id))
    if row is None:
        raise NotFound("callback_not_found")
    if row.state != "open":
        raise Conflict("callback_closed")
    _refuse_at_night(uow)
    uow.audit("phone.revealed", callback_id, party=row.party, reason=reason)
    return number_of(uow, uow.session.get_one(Referral, row.referral_id), row.party)


def _refuse_at_night(uow: UnitOfWork) -> None:
    policy = policy_on(uow).policy
    local = uow.now.astimezone(uow.zone)
    if policy.calling_from_hour <= local.hour < policy.calling_until_hour:
        return
    day = uow.today + timedelta(days=local.hour >= policy.calling_until_hour)
    opens = start_of_day(day, uow.zone) + timedelta(hours=policy.calling_from_hour)
    wait = int((opens - uow.now).total_seconds()) + 1
    raise TooSoon(
        "outside_calling_hours",
        retry_after_s=wait,
        from_hour=policy.calling_from_hour,
        until_hour=policy.calling_until_hour,
    )


def _own(uow: UnitOfWork) -> Select[Callback]:
    return select(Callback).where(Callback.agent_id == UUID(uow.actor.id))


def _view(uow: UnitOfWork, row: Callback) -> CallbackView:
    progress = progress_of(uow, row.id)
    name = name_of(uow, uow.session.get_one(Referral, row.referral_id), row.party)
    current = progress.current if row.state == "open" else None
    return CallbackView(
        id=row.id,
        referral_id=row.referral_id,
        party=row.party,
        callee_zh=addressed_zh(name),
        callee_en=addressed_en(name),
        state="open" if row.state == "open" else "closed",
        narrative=row.narrative,
        questions=len(progress.steps),
        answered=sum(step.mark not in (None, Mark.AGAIN) for step in progress.steps),
        question=_question(uow, row, current) if current else None,
        created_at=row.created_at,
        closed_at=row.answered_at or row.closed_at,
    )


def _question(uow: UnitOfWork, row: Callback, step: Step) -> QuestionView:
    question = step.question
    return QuestionView(
        position=question.position,
        repeat=bool(step.answers),
        input=shown_kind(Kind(question.kind)),
        text_zh=uow.open(question.text_zh, column="question.text_zh", row=row.id),
        text_en=uow.open(question.text_en, column="question.text_en", row=row.id),
    )
