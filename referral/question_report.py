"""How good the questions are (F54), read from what was marked.

Counts alone. A reader would break this by reading an expected answer, or a word that was said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.clock import start_of_day
from kernel.unit_of_work import UnitOfWork
from referral.call_models import AnswerReading, Callback, CallbackAnswer, CallbackQuestion
from referral.models import Referral
from referral.questions.calibration import Asked, Calibration, Marks, calibrate
from referral.questions.marking import Mark
from referral.states import State

_HONEST: Final = (State.VERIFIED, State.REWARD_HELD, State.REWARDED)
_ASKED: Final = and_(
    Callback.id == CallbackQuestion.callback_id, CallbackQuestion.part != "narrative"
)
_SETTLED: Final = frozenset({Mark.RIGHT, Mark.WRONG})


@dataclass(frozen=True, slots=True)
class Times:
    """Of the answers to one question: the median in seconds, and how many were flagged."""

    median_seconds: float | None = None
    too_fast: int = 0
    too_slow: int = 0


def question_report(uow: UnitOfWork, since: date | None) -> list[Calibration]:
    """Every question that was ever answered in calls made since the beginning of a day, by key."""
    times, found = _times(uow, since), _marked(uow, since)
    return [
        calibrate(_asked(key, [row for row in found if row.key == key], times[key]))
        for key in sorted({row.key for row in found})
    ]


def _asked(key: str, rows: list[Any], times: Times) -> Asked:
    honest = [row for row in rows if row.proxy == "honest"]
    fake = [row for row in rows if row.proxy == "fake"]
    return Asked(
        key,
        asked=sum(row.count for row in rows),
        honest=_marks(honest, _prior((row.e_sum, row.e_count) for row in _settled(honest))),
        fake=_marks(fake, _prior((row.g_sum, row.g_count) for row in _settled(fake))),
        median_seconds=times.median_seconds,
        too_fast=times.too_fast,
        too_slow=times.too_slow,
    )


def _settled(rows: list[Any]) -> list[Any]:
    return [row for row in rows if row.mark in _SETTLED]


def _prior(sums: Iterable[tuple[float | None, int]]) -> float | None:
    told = [(total or 0.0, count) for total, count in sums]
    count = sum(count for _, count in told)
    return sum(total for total, _ in told) / count if count else None


def _marks(rows: list[Any], prior: float | None) -> Marks:
    counts = {row.mark: row.count for row in rows}
    names = (Mark.RIGHT, Mark.WRONG, Mark.REVIEW, Mark.REPLACED)
    return Marks(**{name.value: counts.get(name.value, 0) for name in names}, prior=prior)


def _marked(uow: UnitOfWork, since: date | None) -> list[Any]:
    """By key, proxy and last mark: how many questions, and the sums of what was assumed of them.

    A control (真前提) is assumed to be guessed by everybody, which nothing is to be compared with.
    """
    question = CallbackQuestion
    last = (
        select(CallbackAnswer.callback_id, CallbackAnswer.position, CallbackAnswer.mark)
        .ext(distinct_on(CallbackAnswer.callback_id, CallbackAnswer.position))
        .where(CallbackAnswer.dealer_id == uow.dealer_id)
        .order_by(
            CallbackAnswer.callback_id, CallbackAnswer.position, CallbackAnswer.attempt.desc()
        )
        .subquery()
    )
    mark = func.coalesce(AnswerReading.mark, last.c.mark).label("mark")
    guessed = func.nullif(question.g_t0, 1.0)
    rows = (
        select(
            question.key,
            _proxy().label("proxy"),
            mark,
            func.count().label("count"),
            func.sum(question.e).label("e_sum"),
            func.count(question.e).label("e_count"),
            func.sum(guessed).label("g_sum"),
            func.count(guessed).label("g_count"),
        )
        .select_from(question)
        .join(Callback, _ASKED)
        .join(Referral, Referral.id == Callback.referral_id)
        .join(
            last,
            and_(last.c.callback_id == question.callback_id, last.c.position == question.position),
        )
        .outerjoin(
            AnswerReading,
            and_(
                AnswerReading.callback_id == question.callback_id,
                AnswerReading.position == question.position,
            ),
        )
        .where(question.dealer_id == uow.dealer_id, *_made(uow, since))
        .group_by(question.key, "proxy", mark)
    )
    return list(uow.session.execute(rows))


def _proxy() -> ColumnElement[str]:
    """Whom we take for honest, and whom for a fake; of all others we do not know."""
    ended = and_(Referral.state == State.FAILED, Referral.due_at.is_(None))
    return case(
        (Referral.state.in_(_HONEST), "honest"),
        (or_(ended, Referral.state == State.FRAUD_CONFIRMED), "fake"),
        else_="unknown",
    )


def _times(uow: UnitOfWork, since: date | None) -> dict[str, Times]:
    median = func.percentile_cont(0.5).within_group(CallbackAnswer.took_ms)
    rows = uow.session.execute(
        select(
            CallbackQuestion.key,
            median,
            func.count().filter(CallbackAnswer.flag == "too_fast"),
            func.count().filter(CallbackAnswer.flag == "too_slow"),
        )
        .select_from(CallbackQuestion)
        .join(Callback, _ASKED)
        .join(
            CallbackAnswer,
            and_(
                CallbackAnswer.callback_id == CallbackQuestion.callback_id,
                CallbackAnswer.position == CallbackQuestion.position,
            ),
        )
        .where(CallbackQuestion.dealer_id == uow.dealer_id, *_made(uow, since))
        .group_by(CallbackQuestion.key)
    )
    return {
        key: Times(None if took is None else took / 1_000, fast, slow)
        for key, took, fast, slow in rows
    }


def _made(uow: UnitOfWork, since: date | None) -> list[ColumnElement[bool]]:
    return [Callback.created_at >= start_of_day(since, uow.zone)] if since else []
