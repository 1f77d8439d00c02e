"""What time does to calls: those overdue end, second calls begin, absent agents are replaced.

None of it pays, and none of it punishes: a call that did not take place is nobody's fault.
"""

from uuid import UUID

from sqlalchemy import exists, select

from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import callback_agents_outside
from referral.bank_life import bank_on
from referral.call_models import Callback, CallbackAnswer, Draw
from referral.conclude import call_other_party, conclude_overdue
from referral.draw_rules import pick, seed
from referral.duties import Duty, barred, take_duty
from referral.entropy import entropy_of_today
from referral.lifecycle import State
from referral.models import Referral
from referral.moves import locked, over
from referral.parties import phones_of

PAGE = 100
_WAITING = (State.CALLING, State.INCONCLUSIVE, State.UNREACHABLE, State.FAILED)


def end_overdue_calls(uow: UnitOfWork) -> int:
    """Close up to a page of calls whose time is up; how many."""
    due = uow.session.execute(
        select(Callback.id, Callback.referral_id)
        .where(Callback.state != "closed", Callback.due_at <= uow.now)
        .order_by(Callback.due_at, Callback.id)
        .limit(PAGE)
    ).all()
    for row in due:
        referral = locked(uow, row.referral_id)
        call = uow.session.get_one(Callback, row.id, with_for_update=True, populate_existing=True)
        if call.state != "closed":
            conclude_overdue(uow, referral, call)
    return len(due)


def begin_second_calls(uow: UnitOfWork) -> int:
    """Call the other party of referrals for which no agent was free before; how many began."""
    open_call = exists().where(Callback.referral_id == Referral.id, Callback.state != "closed")
    second = exists().where(Draw.referral_id == Referral.id, Draw.purpose != "callback")
    waiting = uow.session.scalars(
        select(Referral.id)
        .where(
            Referral.state.in_(_WAITING),
            Referral.due_at > uow.now,
            ~open_call,
            ~second,
        )
        .order_by(Referral.id)
        .limit(PAGE)
    ).all()
    return sum(_second_call(uow, locked(uow, each)) for each in waiting)


def _second_call(uow: UnitOfWork, referral: Referral) -> bool:
    """It may have ended while we waited for it."""
    return referral.state in _WAITING and not over(referral) and call_other_party(uow, referral)


def replace_absent_agents(uow: UnitOfWork) -> int:
    """Give calls of agents who left, not yet begun, to the next by the draw; how many.

    The next one follows from today's secret, so nobody chooses or foresees him. Without anybody
    free the call waits until its time is up.
    """
    begun = exists().where(CallbackAnswer.callback_id == Callback.id)
    calls = uow.session.scalars(
        select(Callback).where(Callback.state == "open", ~begun).order_by(Callback.id)
    ).all()
    present = set(callback_agents_outside(uow, team=""))
    return sum(_replace(uow, call) for call in calls if call.agent_id not in present)


def _replace(uow: UnitOfWork, call: Callback) -> bool:
    referral = locked(uow, call.referral_id)
    call = uow.session.get_one(Callback, call.id, with_for_update=True, populate_existing=True)
    out = bank_on(uow).authors | barred(uow, referral.id, phones_of(uow, referral))
    free = [a for a in callback_agents_outside(uow, team=referral.team) if a not in out]
    if not free or call.state != "open":
        return False
    _, secret, _ = entropy_of_today(uow)
    drawn = seed(secret, call.id.bytes + call.agent_id.bytes)
    agent: UUID = free[pick(drawn, len(free), "agent after another")]
    take_duty(uow, referral.id, Duty.CALLBACK_AGENT, person=agent)
    uow.audit("callback.agent_replaced", call.id, former=str(call.agent_id), agent=str(agent))
    call.agent_id = agent
    uow.session.flush()
    return True
