"""Penalties (处罚) of consultants: proposed with the case, effective when no appeal stands.

A reader would break this by making one count before its appeal window has passed.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from kernel.clock import start_of_day
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from referral.justice.models import Appeal, Penalty
from referral.models import ConsultantCase
from referral.moves import one_at_a_time
from referral.policy import policy_on
from referral.rules.penalty import COUNTED_MONTHS, measure, months_later

PAGE = 200


def propose_penalty(uow: UnitOfWork, case: ConsultantCase) -> Penalty:
    """Write down what a case just confirmed costs, by today's policy (referral.md, section 2)."""
    one_at_a_time(uow, f"cases of {case.consultant_id}")
    found = policy_on(uow)
    nth = _confirmed_lately(uow, case.consultant_id)
    due = measure(nth, found.policy)
    penalty = Penalty(
        id=new_id(),
        dealer_id=uow.dealer_id,
        case_id=case.id,
        consultant_id=case.consultant_id,
        nth=nth,
        fine_fen=due.fine_fen,
        pay_withheld_on=uow.today.replace(day=1) if due.pay_withheld else None,
        excluded_months=due.excluded_months,
        referred_to_hr=due.referred_to_hr,
        policy_version=found.version,
        proposed_at=uow.now,
        appeal_until=uow.now + timedelta(days=found.policy.appeal_within_days),
        state="proposed",
    )
    uow.session.add(penalty)
    uow.session.flush()
    uow.emit("penalty.proposed", penalty.id, nth=nth)
    uow.audit("penalty.proposed", penalty.id, nth=nth)
    return penalty


def settle_penalties(uow: UnitOfWork) -> int:
    """Make up to a page of proposed penalties effective, whose appeal window has passed and against
    which no appeal is open; how many. Run it again for the rest, after `lapse_appeals`."""
    appealed = (
        select(Appeal.id)
        .join(ConsultantCase, ConsultantCase.referral_id == Appeal.referral_id)
        .where(ConsultantCase.id == Penalty.case_id, Appeal.state == "open")
    )
    due = uow.session.scalars(
        select(Penalty)
        .where(Penalty.state == "proposed", Penalty.appeal_until <= uow.now, ~appealed.exists())
        .order_by(Penalty.appeal_until, Penalty.id)
        .limit(PAGE)
        .with_for_update(skip_locked=True)
    ).all()
    for penalty in due:
        penalty.state, penalty.effective_at = "effective", uow.now
        if penalty.excluded_months:
            penalty.excluded_until = months_later(uow.today, penalty.excluded_months)
        uow.emit("penalty.effective", penalty.id, nth=penalty.nth)
        uow.audit("penalty.effective", penalty.id, nth=penalty.nth)
    uow.session.flush()
    return len(due)


def void_penalty(uow: UnitOfWork, case_id: UUID) -> None:
    """The penalty of a case that an appeal overturned counts for nothing, from now on."""
    voided = uow.session.scalar(
        update(Penalty)
        .where(Penalty.case_id == case_id, Penalty.state != "void")
        .values(state="void", voided_at=uow.now)
        .returning(Penalty.id)
    )
    if voided is not None:
        uow.emit("penalty.voided", voided)
        uow.audit("penalty.voided", voided)


def _confirmed_lately(uow: UnitOfWork, consultant_id: UUID) -> int:
    since: datetime = start_of_day(months_later(uow.today, -COUNTED_MONTHS), uow.zone)
    counted = select(func.count()).where(
        ConsultantCase.consultant_id == consultant_id,
        ConsultantCase.state == "confirmed",
        ConsultantCase.decided_at >= since,
    )
    return uow.session.scalar(counted) or 0
