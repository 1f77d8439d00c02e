"""Fulfilment of a redemption (F38, F39): its steps, the state they make, and handing it over, once.

A step is decided under the lock of the member's account, as its cancellation is: one ends it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.code_models import RedemptionStep, RewardCode
from loyalty.rewards.models import Redemption
from loyalty.rewards.rules.terms import Fulfilment, Terms
from loyalty.rewards.terms import terms_of


class State(StrEnum):
    """Where a redemption stands: ORDERED is to be made ready, DONE needs nothing more."""

    DONE = "done"
    ORDERED = "ordered"
    READY = "ready"
    ISSUED = "issued"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a redemption."""

    step: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Course:
    """A redemption with the terms it was made on, if it had any, and what has happened to it."""

    redemption: Redemption
    terms: Terms | None
    steps: tuple[Step, ...]
    codes: int
    revealed: int

    @property
    def fulfilment(self) -> Fulfilment:
        return self.terms.fulfilment if self.terms else Fulfilment.NONE

    @property
    def state(self) -> State:
        return state_by(self.fulfilment, {each.step for each in self.steps})

    def has(self, step: State) -> bool:
        return any(each.step == step for each in self.steps)


def state_by(fulfilment: Fulfilment, steps: Collection[str]) -> State:
    """The state that the steps make, the last word first (F38)."""
    for state in (State.CANCELLED, State.HANDED_OVER, State.ISSUED, State.READY):
        if state in steps:
            return state
    return State.DONE if fulfilment is Fulfilment.NONE else State.ORDERED


def course_of(uow: UnitOfWork, redemption_id: UUID, *, locked: bool = False) -> Course:
    """A redemption as it stands; `locked`, nothing about it changes until the transaction ends.
    An owner (老车主) sees his own.

    Raises NotFound `redemption_not_found`.
    """
    row = uow.session.get(Redemption, redemption_id)
    if row is None or (uow.actor.role == Role.OWNER and uow.actor.id != str(row.member_id)):
        raise NotFound("redemption_not_found")
    if locked:
        ledger.lock(uow, [row.member_id])
    codes = select(func.count(), func.count(RewardCode.revealed_at)).where(
        RewardCode.redemption_id == redemption_id, RewardCode.state == "issued"
    )
    issued, revealed = uow.session.execute(codes).one()
    version = row.terms_version
    terms = None if version is None else terms_of(uow, row.reward_id, version)
    return Course(row, terms, _steps(uow, row), issued, revealed)


def state_of(uow: UnitOfWork, redemption_id: UUID) -> State:
    """Where a redemption stands. Raises NotFound `redemption_not_found`."""
    return course_of(uow, redemption_id).state


def mark_ready(uow: UnitOfWork, redemption_id: UUID) -> Course:
    """The goods lie ready at the counter; told once, as an event for the owner's app.

    Raises NotFound `redemption_not_found`, Forbidden `own_account`, Conflict
    `redemption_cancelled`, `redemption_not_for_counter`, `handed_over_already`, `ready_already`.
    """
    course = _at_the_counter(uow, redemption_id)
    if course.has(State.READY):
        raise Conflict("ready_already")
    return _take(uow, course, State.READY)


def hand_over(uow: UnitOfWork, redemption_id: UUID, *, honoured_by: UUID | None = None) -> Course:
    """Give the goods to the member, once (核销): by the dealer himself, or by the partner
    `honoured_by` where the redemption names him (F18).

    Raises NotFound `redemption_not_found`, Forbidden `own_account`, Conflict
    `redemption_cancelled`, `redemption_not_for_counter`, `handed_over_already`,
    `honoured_elsewhere`.
    """
    course = _at_the_counter(uow, redemption_id)
    if (honoured_by or uow.dealer_id) != (course.redemption.honoured_by or uow.dealer_id):
        raise Conflict("honoured_elsewhere")
    return _take(uow, course, State.HANDED_OVER)


def keep_step(uow: UnitOfWork, redemption: Redemption, step: State) -> Step:
    """Write down what happened; the keys of the table let it happen once."""
    row = RedemptionStep(
        member_id=redemption.member_id,
        redemption_id=redemption.id,
        step=step.value,
        dealer_id=uow.dealer_id,
        at=uow.now,
        by=uow.actor.id,
    )
    uow.session.add(row)
    uow.session.flush()
    return Step(row.step, row.at, row.by)


def _at_the_counter(uow: UnitOfWork, redemption_id: UUID) -> Course:
    course = course_of(uow, redemption_id, locked=True)
    refuse_own_account(uow, course.redemption.member_id)
    if course.has(State.CANCELLED):
        raise Conflict("redemption_cancelled")
    if course.fulfilment is not Fulfilment.COUNTER:
        raise Conflict("redemption_not_for_counter")
    if course.has(State.HANDED_OVER):
        raise Conflict("handed_over_already")
    return course


def _take(uow: UnitOfWork, course: Course, step: State) -> Course:
    taken = keep_step(uow, course.redemption, step)
    uow.emit(f"redemption.{step}", course.redemption.id)
    uow.audit(f"redemption.{step}", course.redemption.id)
    return Course(
        course.redemption, course.terms, (*course.steps, taken), course.codes, course.revealed
    )


def _steps(uow: UnitOfWork, row: Redemption) -> tuple[Step, ...]:
    taken = select(RedemptionStep.step, RedemptionStep.at, RedemptionStep.by).where(
        RedemptionStep.member_id == row.member_id, RedemptionStep.redemption_id == row.id
    )
    found = uow.session.execute(taken.order_by(RedemptionStep.at, RedemptionStep.step))
    return tuple(Step(*each) for each in found)
