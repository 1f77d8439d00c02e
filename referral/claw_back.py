"""Taking a paid reward back (追回): new entries of the ledger, never a deletion (referral.md).

A reader would break this by taking back what is spent only as far as it lasts: the rest is owed.
"""

from sqlalchemy import select, update

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.models import PointLot
from referral.lifecycle import Event
from referral.models import Referral, ReferralReward
from referral.moves import move
from referral.reasons import Reason


def reverse_rewards(
    uow: UnitOfWork, referral: Referral, *, reason: Reason, by_system: bool = True
) -> None:
    """Move a locked, rewarded referral to `reversed` and take back what every side of it got.

    What is spent already becomes arrears (ledger.md). Exactly once: the state of the referral, of
    each reward, and the name of the posting each allow no second time. Raises as `moves.move`.
    """
    move(uow, referral, Event.REVERSE, by_system=by_system, reason=reason)
    paid = uow.session.scalars(
        select(ReferralReward)
        .where(ReferralReward.referral_id == referral.id, ReferralReward.state == "paid")
        .execution_options(populate_existing=True)
    ).all()
    ledger.lock(uow, [reward.member_id for reward in paid])
    for reward in paid:
        _take_back(uow, reward, reason)


def _take_back(uow: UnitOfWork, reward: ReferralReward, reason: Reason) -> None:
    assert reward.posting_set_id is not None
    lots = uow.session.scalars(
        select(PointLot.id).where(
            PointLot.member_id == reward.member_id,
            PointLot.posting_set_id == reward.posting_set_id,
        )
    ).all()
    back = ledger.claw_back(
        uow,
        reward.member_id,
        reward.points,
        undone=reward.posting_set_id,
        lots=lots,
        issuer_id=uow.dealer_id,
        policy=ledger.DebtPolicy.ARREARS,
        source=ledger.Source("referral_reversal", str(reward.id)),
        reason=reason,
    )
    reversed_now = uow.session.scalar(
        update(ReferralReward)
        .where(ReferralReward.id == reward.id, ReferralReward.state == "paid")
        .values(state="reversed", reversed_at=uow.now, reversal_set_id=back.posting_set_id)
        .returning(ReferralReward.id)
    )
    if reversed_now is None:
        raise Conflict("reward_already_reversed")
    uow.audit(
        "referral.reward_reversed", reward.id, points=reward.points, owed=back.owed, reason=reason
    )
    uow.session.refresh(reward)
