"""The timers: what waited too long moves to expired, never towards paid."""

from sqlalchemy import exists, select

from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback
from referral.justice.fraud import clear_case
from referral.lifecycle import Event
from referral.models import Referral
from referral.moves import move
from referral.reasons import Reason
from referral.reward import cancel_reward

PAGE = 200


def expire_due(uow: UnitOfWork) -> int:
    """Expire up to a page of referrals whose time is up; how many. Run it again for the rest.

    Calls end first (`continue_calls`): a call nobody made in time is not the parties' fault.
    """
    under_way = exists().where(Callback.referral_id == Referral.id, Callback.state != "closed")
    due = uow.session.scalars(
        select(Referral)
        .where(Referral.due_at <= uow.now, ~under_way)
        .order_by(Referral.due_at, Referral.id)
        .limit(PAGE)
        .with_for_update(skip_locked=True)
    ).all()
    for referral in due:
        clear_case(uow, referral.id)
        cancel_reward(uow, referral.id)
        move(uow, referral, Event.EXPIRE, by_system=True, reason=Reason.TIMEOUT_FAIL_CLOSED)
    return len(due)
