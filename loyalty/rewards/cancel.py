"""Cancel a redemption, once (F8): points return to their lots with their dates; stock returns."""

from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.models import PostingSet
from loyalty.points.own_account import refuse_own_account
from loyalty.rewards.models import Redemption, RedemptionCancellation
from loyalty.rewards.stock import restock


def cancel(uow: UnitOfWork, redemption_id: UUID, *, reason: str) -> RedemptionCancellation:
    """Undo a redemption. `restored` are the points that came back alive: those of a lot past its
    date expire at once.

    Raises NotFound `redemption_not_found`, Conflict `already_reversed`, Forbidden `own_account`.
    """
    row = uow.session.get(Redemption, redemption_id)
    if row is None:
        raise NotFound("redemption_not_found")
    refuse_own_account(uow, row.member_id)
    posted = ledger.restore(uow, row.member_id, row.posting_set_id, reason=reason)
    restored = uow.session.scalars(
        select(PostingSet.points).where(
            PostingSet.member_id == row.member_id, PostingSet.id == posted.posting_set_id
        )
    ).one()
    cancellation = RedemptionCancellation(
        redemption_id=redemption_id,
        dealer_id=uow.dealer_id,
        member_id=row.member_id,
        posting_set_id=posted.posting_set_id,
        restored=restored,
        reason=reason,
        cancelled_at=uow.now,
        cancelled_by=uow.actor.id,
    )
    uow.session.add(cancellation)
    uow.session.flush()
    uow.audit("reward.cancelled", redemption_id, points=row.points, restored=restored)
    restock(uow, row.reward_id, row.quantity)
    return cancellation
