"""Fulfilment of a redemption (F38, F39): its steps, the state they make, and handing it over, once.

A step is decided under the lock of the member's account, as its cancellation is: one ends it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, true

from kernel.errors import Conflict, Forbidden, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.freeze import refuse_frozen
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.code_models import RedemptionStep, RewardCode
from loyalty.rewards.models import Redemption, Reward, RewardTerms
from loyalty.rewards.rules.terms import Fulfilment, Terms
from loyalty.rewards.terms import said_by


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
    """A redemption with the terms it was made on, if it had any, and what has happened to it; how
    many codes it has, how many the owner has seen, and how many are past their last day."""

    redemption: Redemption
    terms: Terms | None
    steps: tuple[Step, ...]
    codes: int
    revealed: int
    lapsed: int

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
    return courses_of(uow, row.member_id, [redemption_id])[redemption_id]


def courses_of(
    uow: UnitOfWork, member_id: UUID, redemption_ids: Collection[UUID]
) -> dict[UUID, Course]:
    """Redemptions of one member as they stand, however many in two statements; those of others are
    left out."""
    codes = select(
        func.count(),
        func.count(RewardCode.revealed_at),
        func.count().filter(RewardCode.ends_on < uow.today),
    ).where(RewardCode.redemption_id == Redemption.id, RewardCode.state == "issued")
    counted = codes.correlate(Redemption).lateral()
    rows = uow.session.execute(
        select(Redemption, RewardTerms, *counted.c)
        .join(Reward, Reward.id == Redemption.reward_id)
        .join(counted, true())
        .outerjoin(
            RewardTerms,
            (RewardTerms.code == Reward.code) & (RewardTerms.version == Redemption.terms_version),
        )
        .where(Redemption.member_id == member_id, Redemption.id.in_(redemption_ids))
    ).all()
    steps = _steps(uow, member_id, redemption_ids)
    return {
        row.id: Course(row, terms and said_by(terms), tuple(steps[row.id]), *numbers)
        for row, terms, *numbers in rows
    }


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
    `honoured_elsewhere`, `account_frozen`.
    """
    return _give(uow, _at_the_counter(uow, redemption_id), honoured_by or uow.dealer_id)


def hand_over_without_code(uow: UnitOfWork, redemption_id: UUID) -> Course:
    """The same where no counter code shows that the member stands there: never by the person who
    redeemed it for him, who could take the goods himself (api.md, separation of duties).

    Raises as `hand_over`; Forbidden `separation_of_duties`.
    """
    course = _at_the_counter(uow, redemption_id)
    if course.redemption.redeemed_by == uow.actor.id:
        raise Forbidden("separation_of_duties")
    return _give(uow, course, uow.dealer_id)


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


def _give(uow: UnitOfWork, course: Course, honoured_by: UUID) -> Course:
    if honoured_by != (course.redemption.honoured_by or uow.dealer_id):
        raise Conflict("honoured_elsewhere")
    refuse_frozen(uow, course.redemption.member_id)
    return _take(uow, course, State.HANDED_OVER)


def _take(uow: UnitOfWork, course: Course, step: State) -> Course:
    taken = _keep_step(uow, course.redemption, step)
    uow.emit(f"redemption.{step}", course.redemption.id)
    uow.audit(f"redemption.{step}", course.redemption.id)
    return replace(course, steps=(*course.steps, taken))


def _keep_step(uow: UnitOfWork, redemption: Redemption, step: State) -> Step:
    """Write down what happened; the keys of the table let it happen once. A cancellation writes its
    own step."""
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


def _steps(
    uow: UnitOfWork, member_id: UUID, redemption_ids: Collection[UUID]
) -> dict[UUID, list[Step]]:
    taken = (
        select(RedemptionStep)
        .where(
            RedemptionStep.member_id == member_id,
            RedemptionStep.redemption_id.in_(redemption_ids),
        )
        .order_by(RedemptionStep.at, RedemptionStep.step)
    )
    found: dict[UUID, list[Step]] = {each: [] for each in redemption_ids}
    for row in uow.session.scalars(taken):
        found[row.redemption_id].append(Step(row.step, row.at, row.by))
    return found
