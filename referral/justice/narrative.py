"""What people told freely: open narratives of calls (自由陈述), statements and appeals, in words.

A reader would break this by opening the words of a question that has an expected answer.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, CallbackAnswer, CallbackQuestion
from referral.duties import Duty, take_duty
from referral.justice.appeal import WORDS, get_appeal
from referral.justice.fraud import STATEMENT
from referral.justice.judge import OPEN_TO
from referral.justice.models import Appeal, CaseStatement
from referral.justice.queries import find_case
from referral.lifecycle import State
from referral.models import ConsultantCase, Referral
from referral.moves import locked


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of an open narrative, with the question as it was asked."""

    callback_id: UUID
    party: str
    position: int
    text_zh: str = field(repr=False)
    text_en: str = field(repr=False)
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stated:
    """What the consultant said to his case, or somebody in an appeal."""

    by: str
    at: datetime
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Narrative:
    told: tuple[Told, ...]
    stated: tuple[Stated, ...]


def open_narrative(uow: UnitOfWork, referral_id: UUID) -> Narrative:
    """Show a judge what was told freely; he takes that duty, and the look is kept.

    Raises NotFound `referral_not_found`, Conflict `nothing_to_judge`, Forbidden as `take_duty`.
    """
    referral = locked(uow, referral_id)
    if State(referral.state) not in OPEN_TO or _settled(uow, referral):
        raise Conflict("nothing_to_judge", state=referral.state)
    take_duty(uow, referral_id, Duty.JUDGE)
    uow.audit("narrative.shown", referral_id)
    stated = (*_statements(uow, referral_id), *_appeals(uow, referral_id))
    return Narrative(_told(uow, referral_id), stated)


def open_appeal(uow: UnitOfWork, appeal_id: UUID) -> Stated:
    """Show the words of an appeal to who may decide it; the look is kept.

    Raises NotFound `appeal_not_found`.
    """
    appeal = get_appeal(uow, appeal_id)
    uow.audit("appeal.shown", appeal_id)
    return _appeal(uow, appeal)


def _settled(uow: UnitOfWork, referral: Referral) -> bool:
    """Whether a referral that was paid, reversed since or not, is under no suspicion."""
    case = find_case(uow, referral.id)
    paid = referral.state in (State.REWARDED, State.REVERSED)
    return paid and (case is None or case.state != "open")


def _told(uow: UnitOfWork, referral_id: UUID) -> tuple[Told, ...]:
    rows = uow.session.execute(
        select(Callback.party, CallbackQuestion, CallbackAnswer.words)
        .join(CallbackQuestion, CallbackQuestion.callback_id == Callback.id)
        .join(
            CallbackAnswer,
            (CallbackAnswer.callback_id == CallbackQuestion.callback_id)
            & (CallbackAnswer.position == CallbackQuestion.position),
        )
        .where(
            Callback.referral_id == referral_id,
            Callback.narrative,
            CallbackQuestion.part == "narrative",
        )
        .order_by(Callback.id, CallbackQuestion.position, CallbackAnswer.attempt)
    )
    return tuple(_answer(uow, party, question, words) for party, question, words in rows)


def _answer(uow: UnitOfWork, party: str, question: CallbackQuestion, words: bytes | None) -> Told:
    call = question.callback_id
    return Told(
        callback_id=call,
        party=party,
        position=question.position,
        text_zh=uow.open(question.text_zh, column="question.text_zh", row=call),
        text_en=uow.open(question.text_en, column="question.text_en", row=call),
        words=uow.open(words, column="answer.words", row=call) if words else "",
    )


def _statements(uow: UnitOfWork, referral_id: UUID) -> list[Stated]:
    rows = uow.session.scalars(
        select(CaseStatement)
        .join(ConsultantCase, ConsultantCase.id == CaseStatement.case_id)
        .where(ConsultantCase.referral_id == referral_id)
        .order_by(CaseStatement.id)
    )
    return [
        Stated("consultant", row.made_at, uow.open(row.words, column=STATEMENT, row=row.id))
        for row in rows
    ]


def _appeals(uow: UnitOfWork, referral_id: UUID) -> list[Stated]:
    rows = select(Appeal).where(Appeal.referral_id == referral_id).order_by(Appeal.id)
    return [_appeal(uow, row) for row in uow.session.scalars(rows)]


def _appeal(uow: UnitOfWork, row: Appeal) -> Stated:
    words = uow.open(row.words, column=WORDS, row=row.id)
    return Stated(row.appellant, row.raised_at, words)
