"""Reads of callbacks for the agent's desk: one question at a time, nothing about the answer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.formats.address import addressed_en, addressed_zh
from loyalty.members import queries as members
from referral.call_models import Callback, CallbackAnswer, CallbackQuestion
from referral.models import Referral
from referral.questions.bank import Kind, shown_kind


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What the agent reads out. `input` is how to record the answer, not whether it is true."""

    position: int
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
        rows = rows.where(Callback.state == state)
    if after:
        rows = rows.where(Callback.id > after)
    return [_view(uow, row) for row in uow.session.scalars(rows)]


def dial(uow: UnitOfWork, callback_id: UUID, *, reason: str) -> str:
    """The phone number to call, given to the call's agent while it is open, and kept as seen.

    Raises NotFound `callback_not_found`, Conflict `callback_closed`.
    """
    row = uow.session.scalar(_own(uow).where(Callback.id == callback_id))
    if row is None:
        raise NotFound("callback_not_found")
    if row.state != "open":
        raise Conflict("callback_closed")
    uow.audit("phone.revealed", callback_id, party=row.party, reason=reason)
    return _callee(uow, row)[1]


def _own(uow: UnitOfWork) -> Select[Callback]:
    return select(Callback).where(Callback.agent_id == UUID(uow.actor.id))


def _callee(uow: UnitOfWork, row: Callback) -> tuple[str, str]:
    """Name and number of record of the drawn party."""
    referral = uow.session.get_one(Referral, row.referral_id)
    if row.party == "owner":
        assert referral.owner_id is not None
        owner = members.get_member(uow, referral.owner_id)
        return owner.name, owner.phone
    return (
        uow.open(referral.buyer_name, column="referral.buyer_name", row=referral.id),
        uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id),
    )


def _view(uow: UnitOfWork, row: Callback) -> CallbackView:
    total = _count(uow, CallbackQuestion.callback_id == row.id)
    answered = _count(uow, CallbackAnswer.callback_id == row.id)
    name, _ = _callee(uow, row)
    return CallbackView(
        id=row.id,
        referral_id=row.referral_id,
        party=row.party,
        callee_zh=addressed_zh(name),
        callee_en=addressed_en(name),
        state=row.state,
        questions=total,
        answered=answered,
        question=_question(uow, row, answered + 1) if row.state == "open" else None,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


def _count(uow: UnitOfWork, condition: ColumnElement[bool]) -> int:
    return uow.session.scalar(select(func.count()).where(condition)) or 0


def _question(uow: UnitOfWork, row: Callback, position: int) -> QuestionView:
    question = uow.session.get_one(CallbackQuestion, (row.id, position))
    return QuestionView(
        position=position,
        input=shown_kind(Kind(question.kind)),
        text_zh=uow.open(question.text_zh, column="question.text_zh", row=row.id),
        text_en=uow.open(question.text_en, column="question.text_en", row=row.id),
    )
