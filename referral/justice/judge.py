"""Two people decide (两人裁决) what calls left open; a third when the two differ.

A reader would break this by letting one person move a referral: the database counts two voices of
the present round, and the primary key lets nobody speak twice in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from kernel.database import violated
from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from referral.claw_back import reverse_rewards
from referral.duties import Duty, take_duty
from referral.justice.deadlines import judge_by
from referral.justice.fraud import (
    clear_case,
    confirm_case,
    heard_case,
    open_case,
    refuse_settled,
)
from referral.justice.last_call import call_once_more, refuse_call_again, rely_on_call
from referral.justice.models import Judgement
from referral.lifecycle import Event, State
from referral.models import Referral, ReferralTransition
from referral.moves import locked, move, refuse_overdue
from referral.reasons import Reason
from referral.reward import cancel_reward, hold_reward

AGREE: Final = 2
"""How many different people must say the same in one round."""


class Verdict(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    CALL_ONCE_MORE = "call_once_more"
    SUSPECT_FRAUD = "suspect_fraud"
    CONFIRM_FRAUD = "confirm_fraud"
    CLEAR = "clear"


_FRAUD = frozenset({Verdict.CONFIRM_FRAUD, Verdict.CLEAR})
OPEN_TO: Final[Mapping[State, frozenset[Verdict]]] = {
    State.ADJUDICATION: frozenset(Verdict) - _FRAUD,
    State.FRAUD_SUSPECTED: _FRAUD,
    State.REWARDED: _FRAUD,
    State.REVERSED: _FRAUD,
}
"""What may be judged in which state; a paid referral, its sale undone since or not, only while a
suspicion of it is open."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How many said the same in this round; at two the referral has `moved`."""

    referral: Referral
    round: int
    verdict: Verdict
    agreeing: int
    moved: bool


def judge(
    uow: UnitOfWork, referral_id: UUID, *, version: int, verdict: Verdict, reason: str
) -> Judged:
    """Keep one person's verdict; the second alike moves the referral (referral.md, section 2).

    Raises NotFound, Conflict `version_changed`, `verdict_not_now`, `time_is_up`,
    `no_call_to_rely_on`, `somebody_was_heard`, `no_open_case`, `consultant_not_heard`,
    `case_settled`, `already_judged`, `no_callback_agent`, Forbidden as `take_duty`.
    """
    referral = locked(uow, referral_id, version=version)
    state = State(referral.state)
    if verdict not in OPEN_TO.get(state, ()):
        raise Conflict("verdict_not_now", state=state, verdict=verdict)
    refuse_overdue(uow, referral)
    _refuse_unfounded(uow, referral, verdict)
    take_duty(uow, referral_id, Duty.JUDGE)
    stay = round_of(uow, referral_id)
    _keep(uow, Judgement(**_said(uow, referral_id, stay, verdict, reason)))
    agreeing = _voices(uow, referral_id, stay, verdict)
    if agreeing == AGREE:
        _CARRY_OUT[verdict](uow, referral)
    return Judged(referral, stay, verdict, agreeing, moved=agreeing == AGREE)


def round_of(uow: UnitOfWork, referral_id: UUID) -> int:
    """The step by which a referral came into its present state: its stay there is one round."""
    last = select(func.max(ReferralTransition.seq))
    return uow.session.scalars(last.where(ReferralTransition.referral_id == referral_id)).one()


def _refuse_unfounded(uow: UnitOfWork, referral: Referral, verdict: Verdict) -> None:
    """A verdict that could not be carried out is not taken, be it the first or the second."""
    if verdict is Verdict.ACCEPT:
        rely_on_call(uow, referral.id)
    elif verdict is Verdict.CALL_ONCE_MORE:
        refuse_call_again(uow, referral.id)
    elif verdict is Verdict.SUSPECT_FRAUD:
        refuse_settled(uow, referral.id)
    elif verdict in _FRAUD:
        heard_case(uow, referral.id)


def _said(
    uow: UnitOfWork, referral_id: UUID, stay: int, verdict: Verdict, reason: str
) -> dict[str, object]:
    return {
        "referral_id": referral_id,
        "round": stay,
        "person_id": UUID(uow.actor.id),
        "dealer_id": uow.dealer_id,
        "verdict": verdict,
        "reason": reason,
        "at": uow.now,
    }


def _keep(uow: UnitOfWork, row: Judgement) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        if violated(error) != "pk_judgement":
            raise
        raise Conflict("already_judged") from error
    uow.emit("referral.judged", row.referral_id, verdict=row.verdict)
    uow.audit("referral.judged", row.referral_id, verdict=row.verdict, round=row.round)


def _voices(uow: UnitOfWork, referral_id: UUID, stay: int, verdict: Verdict) -> int:
    alike = select(func.count()).where(
        Judgement.referral_id == referral_id,
        Judgement.round == stay,
        Judgement.verdict == verdict,
    )
    return uow.session.scalar(alike) or 0


def _accept(uow: UnitOfWork, referral: Referral) -> None:
    call = rely_on_call(uow, referral.id)
    if call.result != "passed":
        call.result = "accepted_by_people"
        uow.session.flush()
    clear_case(uow, referral.id)
    move(uow, referral, Event.ACCEPT, verified_at=uow.now)
    hold_reward(uow, referral)


def _reject(uow: UnitOfWork, referral: Referral) -> None:
    cancel_reward(uow, referral.id)
    clear_case(uow, referral.id)
    move(uow, referral, Event.REJECT, reason=Reason.JUDGED_NOT_PROVEN)


def _suspect(uow: UnitOfWork, referral: Referral) -> None:
    cancel_reward(uow, referral.id)
    open_case(uow, referral, Reason.JUDGED_FAKE)
    move(uow, referral, Event.SUSPECT, reason=Reason.JUDGED_FAKE, due_at=judge_by(uow))


def _confirm(uow: UnitOfWork, referral: Referral) -> None:
    """After the sale was undone the points are back already: only the case is left to settle."""
    case = heard_case(uow, referral.id)
    if referral.state == State.REWARDED:
        reverse_rewards(uow, referral, reason=Reason.JUDGED_FAKE, by_system=False)
    elif referral.state != State.REVERSED:
        cancel_reward(uow, referral.id)
        move(uow, referral, Event.CONFIRM_FRAUD, reason=Reason.JUDGED_FAKE)
    confirm_case(uow, referral, case)


def _clear(uow: UnitOfWork, referral: Referral) -> None:
    clear_case(uow, referral.id)
    if referral.state == State.FRAUD_SUSPECTED:
        move(uow, referral, Event.CLEAR, reason=Reason.JUDGED_HONEST)


_CARRY_OUT: Mapping[Verdict, Callable[[UnitOfWork, Referral], None]] = {
    Verdict.ACCEPT: _accept,
    Verdict.REJECT: _reject,
    Verdict.CALL_ONCE_MORE: call_once_more,
    Verdict.SUSPECT_FRAUD: _suspect,
    Verdict.CONFIRM_FRAUD: _confirm,
    Verdict.CLEAR: _clear,
}
