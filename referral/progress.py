"""How far a call has come: the question to ask now, what was marked, what a reader must read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from referral.call_models import AnswerReading, CallbackAnswer, CallbackQuestion
from referral.questions.marking import Mark, Said
from referral.questions.probability import Item

_SETTLED = {Mark.RIGHT: True, Mark.WRONG: False, Mark.NOTED: True}


@dataclass(frozen=True, slots=True)
class Step:
    """One question that counts, its answers in order, and the mark as it stands now."""

    question: CallbackQuestion = field(repr=False)
    answers: tuple[CallbackAnswer, ...] = field(repr=False)
    mark: Mark | None

    @property
    def item(self) -> Item:
        """What the calculator knows of it."""
        row = self.question
        assert row.g_t0 is not None
        assert row.g_t1 is not None
        assert row.g_t2 is not None
        assert row.e is not None
        guesses = (row.g_t0, row.g_t1, row.g_t2)
        return Item(guesses, row.e, knock_out=row.knock_out, control=row.part == "control")


@dataclass(frozen=True, slots=True)
class Progress:
    """The questions that count, in order; a replaced one is left out, its reserve is in."""

    steps: tuple[Step, ...]
    replaced: bool
    reserve_left: bool
    last_answer_at: datetime | None
    first_answer_at: datetime | None

    @property
    def current(self) -> Step | None:
        """What to ask now, None when nothing is left."""
        return next((step for step in self.steps if step.mark in (None, Mark.AGAIN)), None)

    @property
    def to_read(self) -> tuple[Step, ...]:
        """What waits for a second person."""
        return tuple(step for step in self.steps if step.mark is Mark.REVIEW)

    @property
    def wrong(self) -> int:
        return sum(step.mark is Mark.WRONG for step in self.steps)

    def settled(self) -> list[bool]:
        """Right or wrong of every question. Raises KeyError while one is not settled."""
        return [_SETTLED[step.mark] for step in self.steps if step.mark]


def progress_of(uow: UnitOfWork, callback_id: UUID) -> Progress:
    """The call as its questions, answers and readings have it now."""
    questions = uow.session.scalars(
        select(CallbackQuestion)
        .where(CallbackQuestion.callback_id == callback_id)
        .order_by(CallbackQuestion.position)
    ).all()
    answers = uow.session.scalars(
        select(CallbackAnswer)
        .where(CallbackAnswer.callback_id == callback_id)
        .order_by(CallbackAnswer.position, CallbackAnswer.attempt)
    ).all()
    readings = uow.session.scalars(
        select(AnswerReading).where(AnswerReading.callback_id == callback_id)
    )
    read = {reading.position: Mark(reading.mark) for reading in readings}
    steps = [_step(question, answers, read) for question in questions]
    replaced = any(step.mark is Mark.REPLACED for step in steps)
    reserve = [step for step in steps if step.question.part == "reserve"]
    counted = [
        step for step in steps if step.mark is not Mark.REPLACED and step.question.part != "reserve"
    ]
    times = sorted(answer.answered_at for answer in answers)
    return Progress(
        steps=(*counted, *(reserve[:1] if replaced else ())),
        replaced=replaced,
        reserve_left=bool(reserve) and not replaced,
        last_answer_at=times[-1] if times else None,
        first_answer_at=times[0] if times else None,
    )


def _step(
    question: CallbackQuestion, answers: Sequence[CallbackAnswer], read: dict[int, Mark]
) -> Step:
    given = tuple(answer for answer in answers if answer.position == question.position)
    now = read.get(question.position) or (Mark(given[-1].mark) if given else None)
    return Step(question, given, now)


def gave_up(progress: Progress) -> bool:
    """Whether a "don't know" was answered before in this call."""
    return progress.replaced or any(
        answer.said == Said.DONT_KNOW for step in progress.steps for answer in step.answers
    )
