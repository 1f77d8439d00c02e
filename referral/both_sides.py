"""Paying a reward out, and the other side's: a policy may thank the buyer too, if he has joined.

A reader would break this by a second row for one side: a referral pays each beneficiary once.
"""

from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.rules.standard import UNIT_COST_FEN
from loyalty.formats import names
from loyalty.members import queries as members
from loyalty.points import ledger
from loyalty.points.rules.expiry import STANDARD, expires_at
from referral.models import Referral, ReferralReward
from referral.moves import one_at_a_time
from referral.policy import policy_numbered
from referral.queries import LIVE_REWARD
from referral.rules.reward import BUYER_RULE_ID, place


def buyers_reward(
    uow: UnitOfWork, referral: Referral, owners: ReferralReward
) -> ReferralReward | None:
    """What the buyer (新车主) gets beside the owner, by the policy the owner's reward was fixed
    under; None when it gives him nothing, or he is no member on this day, which is kept.
    """
    points = policy_numbered(uow, owners.rule_version - 1).buyer_points
    if points == 0:
        return None
    member = _buyer(uow, referral)
    if member is None or member == owners.member_id:
        uow.audit("referral.buyer_not_member", referral.id)
        return None
    one_at_a_time(uow, f"rewards of {member}")
    row = ReferralReward(
        id=new_id(),
        dealer_id=uow.dealer_id,
        referral_id=referral.id,
        member_id=member,
        beneficiary="buyer",
        rule_id=BUYER_RULE_ID,
        rule_version=owners.rule_version,
        nth=_place(uow, member),
        points=points,
        state="held",
        held_at=uow.now,
        release_at=owners.release_at,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def pay_out(uow: UnitOfWork, reward: ReferralReward) -> None:
    """Credit a held reward, exactly once. Raises Conflict `reward_already_paid`."""
    posted = ledger.accrue(
        uow,
        reward.member_id,
        reward.points,
        issuer_id=uow.dealer_id,
        source=ledger.Source("referral_reward", str(reward.id)),
        terms=ledger.Terms(
            rule_id=reward.rule_id,
            rule_version=reward.rule_version,
            business_on=uow.today,
            available_at=uow.now,
            expires_at=expires_at(uow.today, STANDARD, zone=uow.zone),
            unit_cost_fen=UNIT_COST_FEN,
        ),
    )
    paid = uow.session.scalar(
        update(ReferralReward)
        .where(ReferralReward.id == reward.id, ReferralReward.state == "held")
        .values(state="paid", paid_at=uow.now, posting_set_id=posted.posting_set_id)
        .returning(ReferralReward.id)
    )
    if paid is None:
        raise Conflict("reward_already_paid")
    uow.audit("reward.paid", reward.id, points=reward.points)
    uow.session.refresh(reward)


def _buyer(uow: UnitOfWork, referral: Referral) -> UUID | None:
    """The one member with the buyer's phone and name: a phone alone is nobody's identity."""
    phone = uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
    name = uow.open(referral.buyer_name, column="referral.buyer_name", row=referral.id)
    wanted = names.canonical(name)
    found = [m.id for m in members.by_phone(uow, phone) if names.canonical(m.name) == wanted]
    return found[0] if len(found) == 1 else None


def _place(uow: UnitOfWork, member: UUID) -> int:
    taken = uow.session.scalars(
        select(ReferralReward.nth).where(
            ReferralReward.member_id == member,
            ReferralReward.rule_id == BUYER_RULE_ID,
            ReferralReward.state.in_(LIVE_REWARD),
        )
    )
    return place(set(taken))
