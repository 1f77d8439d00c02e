"""The timers: what waited too long moves to expired, never towards paid."""

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from referral.call import close_call
from referral.lifecycle import Event
from referral.models import Referral
from referral.moves import move
from referral.reasons import Reason

PAGE = 200


def expire_due(uow: UnitOfWork) -> int:
    """Expire up to a page of referrals whose time is up; how many. Run it again for the rest."""
    due = uow.session.scalars(
        select(Referral)
        .where(Referral.due_at <= uow.now)
        .order_by(Referral.due_at, Referral.id)
        .limit(PAGE)
        .with_for_update(skip_locked=True)
    ).all()
    for referral in due:
        close_call(uow, referral.id)
        move(uow, referral, Event.EXPIRE, by_system=True, reason=Reason.TIMEOUT_FAIL_CLOSED)
    return len(due)
