"""Whether a call of the referral can carry a verdict, or one more may be made.

A reader would break this by accepting on a call nobody answered: people weigh what was said, they
do not replace it (referral.md, section 6.17).
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback, Draw
from referral.draw import Purpose, draw_for_judges
from referral.lifecycle import Event
from referral.models import Referral, ReferralTransition
from referral.moves import move
from referral.policy import policy_on
from referral.reasons import Reason

_HEARD: Final = frozenset({"passed", "failed", "inconclusive", "accepted_by_people"})


def rely_on_call(uow: UnitOfWork, referral_id: UUID) -> Callback:
    """The call two people may rely on, locked: one that passed, else the last that was answered and
    did not fail. Raises Conflict `no_call_to_rely_on`.
    """
    heard = [call for call in _calls(uow, referral_id) if _heard(call)]
    fit = [call for call in heard if call.result != "failed"]
    if not fit:
        raise Conflict("no_call_to_rely_on")
    return next((call for call in fit if call.result == "passed"), fit[-1])


def refuse_call_again(uow: UnitOfWork, referral_id: UUID) -> None:
    """One more call only if nobody was heard yet, or an appeal was upheld; and once, ever.

    Raises Conflict `somebody_was_heard`, `already_drawn`.
    """
    heard = any(_heard(call) for call in _calls(uow, referral_id))
    if heard and not _on_appeal(uow, referral_id):
        raise Conflict("somebody_was_heard")
    if uow.session.get(Draw, (referral_id, Purpose.JUDGES)) is not None:
        raise Conflict("already_drawn")


def call_once_more(uow: UnitOfWork, referral: Referral) -> None:
    """The judges' own draw: another purpose, its own commitment, once ever.

    Raises Conflict `no_callback_agent`.
    """
    due_at = uow.now + timedelta(days=policy_on(uow).policy.call_within_days)
    move(uow, referral, Event.CALL_ONCE_MORE, due_at=due_at)
    draw_for_judges(uow, referral)


def _on_appeal(uow: UnitOfWork, referral_id: UUID) -> bool:
    """Whether an upheld appeal brought the referral before its judges."""
    step = select(ReferralTransition.event).where(ReferralTransition.referral_id == referral_id)
    last = uow.session.scalar(step.order_by(ReferralTransition.seq.desc()).limit(1))
    return last == Event.REOPEN_JUDGEMENT


def _calls(uow: UnitOfWork, referral_id: UUID) -> list[Callback]:
    rows = select(Callback).where(Callback.referral_id == referral_id).order_by(Callback.id)
    return list(uow.session.scalars(rows.with_for_update()))


def _heard(call: Callback) -> bool:
    """Concluded with answers, and by the record of the telephone system it took place."""
    return call.result in _HEARD and call.reason != Reason.CALL_RECORD_MISSING
