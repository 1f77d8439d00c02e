"""A second person reads an answer the server could not decide: what do these words name?

He picks a value or writes what he reads and never learns what was expected, nor how it was marked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from referral.call_models import AnswerReading, Callback, CallbackAnswer
from referral.conclude import conclude_if_settled
from referral.duties import Duty, take_duty
from referral.models import Referral
from referral.moves import locked, refuse_overdue
from referral.progress import Step, progress_of
from referral.questions.bank import Kind
from referral.questions.marking import Mark
from referral.questions.readings import choices, facts_to_read, reading


@dataclass(frozen=True, slots=True)
class ToRead:
    """A call with answers that wait to be read; who called and about whom is not told."""

    id: UUID
    positions: list[int]


@dataclass(frozen=True, slots=True)
class FactToRead:
    """What the words are read for, with the values there are to pick from; none where he types."""

    fact: str
    choices: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The question as it was asked, the words said, and the values there are to choose from."""

    callback_id: UUID
    position: int
    text_zh: str = field(repr=False)
    text_en: str = field(repr=False)
    words: str = field(repr=False)
    facts: tuple[FactToRead, ...]


def list_to_read(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[ToRead]:
    """Calls with answers that wait for a reader, the oldest first."""
    waiting = (
        select(
            CallbackAnswer.callback_id,
            func.array_agg(aggregate_order_by(CallbackAnswer.position, CallbackAnswer.position)),
        )
        .join(Callback, Callback.id == CallbackAnswer.callback_id)
        .outerjoin(
            AnswerReading,
            (AnswerReading.callback_id == CallbackAnswer.callback_id)
            & (AnswerReading.position == CallbackAnswer.position),
        )
        .where(
            CallbackAnswer.mark == Mark.REVIEW,
            Callback.state == "answered",
            AnswerReading.callback_id.is_(None),
        )
        .group_by(CallbackAnswer.callback_id)
        .order_by(CallbackAnswer.callback_id)
        .limit(limit)
    )
    if after:
        waiting = waiting.where(CallbackAnswer.callback_id > after)
    return [ToRead(call, list(positions)) for call, positions in uow.session.execute(waiting)]


def open_page(uow: UnitOfWork, callback_id: UUID, *, position: int) -> Page:
    """Show an answer to its reader; he takes that duty, and the look is kept.

    Raises NotFound `answer_not_found`, Forbidden `separation_of_duties`, `party_or_relative`.
    """
    referral, _, step = _waiting(uow, callback_id, position)
    take_duty(uow, referral.id, Duty.READER)
    uow.audit("answer.shown", callback_id, position=position)
    said, question = step.answers[-1].words, step.question
    return Page(
        callback_id=callback_id,
        position=position,
        text_zh=uow.open(question.text_zh, column="question.text_zh", row=callback_id),
        text_en=uow.open(question.text_en, column="question.text_en", row=callback_id),
        words=uow.open(said, column="answer.words", row=callback_id) if said else "",
        facts=tuple(
            FactToRead(fact, tuple(choices(fact))) for fact in facts_to_read(_expected(uow, step))
        ),
    )


def read_answer(
    uow: UnitOfWork, callback_id: UUID, *, position: int, read: Mapping[str, str]
) -> None:
    """Keep what a second person read, by fact; the server compares and may conclude the call.

    Raises RuleViolation `reading_incomplete`, `reading_unknown`, NotFound `answer_not_found`,
    Forbidden `separation_of_duties`, `party_or_relative`, Conflict `answer_already_read` and
    `time_is_up`.
    """
    referral, call, step = _waiting(uow, callback_id, position)
    refuse_overdue(uow, referral)
    take_duty(uow, referral.id, Duty.READER)
    row = AnswerReading(
        callback_id=callback_id,
        position=position,
        dealer_id=uow.dealer_id,
        reading=uow.seal(json.dumps(dict(read)), column="answer.reading", row=callback_id),
        mark=reading(Kind(step.question.kind), _expected(uow, step), read),
        read_by=UUID(uow.actor.id),
        read_at=uow.now,
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_answer_reading":
            raise
        raise Conflict("answer_already_read") from error
    uow.audit("answer.read", callback_id, position=position)
    conclude_if_settled(uow, referral, call)


def _waiting(uow: UnitOfWork, callback_id: UUID, position: int) -> tuple[Referral, Callback, Step]:
    found = uow.session.scalar(select(Callback.referral_id).where(Callback.id == callback_id))
    if found is None:
        raise NotFound("answer_not_found")
    referral = locked(uow, found)
    call = uow.session.get_one(Callback, callback_id, with_for_update=True, populate_existing=True)
    for step in progress_of(uow, callback_id).steps:
        if step.question.position == position and step.answers and call.state == "answered":
            if step.answers[-1].mark != Mark.REVIEW:
                break
            if step.mark is not Mark.REVIEW:
                raise Conflict("answer_already_read")
            return referral, call, step
    raise NotFound("answer_not_found")


def _expected(uow: UnitOfWork, step: Step) -> dict[str, str]:
    sealed, row = step.question.expected, step.question.callback_id
    expected: dict[str, str] = json.loads(uow.open(sealed, column="question.expected", row=row))
    return expected
