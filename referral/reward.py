"""The reward of a verified referral: fixed and held at once, paid by finance, exactly once.

One row per referral, beneficiary and rule version; payment and points are one transaction.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel.clock import business_day, start_of_day
from kernel.errors import Conflict, TooSoon
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.rules.standard import UNIT_COST_FEN
from loyalty.points import ledger
from loyalty.points.rules.expiry import STANDARD, expires_at
from referral.lifecycle import Event, State, advance
from referral.models import Referral, ReferralReward
from referral.moves import locked, move, one_at_a_time
from referral.queries import rewards_this_year
from referral.reasons import Reason
from referral.rules.reward import (
    CAP_PER_YEAR,
    HOLD_DAYS,
    RULE_ID,
    RULE_VERSION,
    ladder,
    place,
)


def hold_reward(uow: UnitOfWork, referral: Referral) -> None:
    """Fix what the owner gets by today's rule, to be released after the hold.

    Ladder and yearly cap count the owner's rewards under a lock of his own, so two referrals
    verified at once are never both his first. At the cap the referral is refused, typed.
    """
    owner = referral.owner_id
    assert owner is not None
    one_at_a_time(uow, f"rewards of {owner}")
    if rewards_this_year(uow, owner) >= CAP_PER_YEAR:
        move(uow, referral, Event.REFUSE, by_system=True, reason=Reason.CAP_REACHED)
        return
    taken = uow.session.scalars(
        select(ReferralReward.nth).where(
            ReferralReward.member_id == owner,
            ReferralReward.rule_id == RULE_ID,
            ReferralReward.state != "cancelled",
        )
    )
    nth = place(set(taken))
    uow.session.add(
        ReferralReward(
            id=new_id(),
            dealer_id=uow.dealer_id,
            referral_id=referral.id,
            member_id=owner,
            rule_id=RULE_ID,
            rule_version=RULE_VERSION,
            nth=nth,
            points=ladder(nth),
            state="held",
            held_at=uow.now,
            release_at=release_at(uow, referral),
        )
    )
    move(uow, referral, Event.HOLD, by_system=True)


def release_at(uow: UnitOfWork, referral: Referral) -> datetime:
    """Fifteen days after the day of the invoice (referral.md, section 2), in the dealer's zone.

    An invoice dated before the order shortens nothing: then the day of the order counts.
    """
    assert referral.invoiced_on is not None
    assert referral.ordered_at is not None
    day = max(referral.invoiced_on, business_day(referral.ordered_at, uow.zone))
    return start_of_day(day + timedelta(days=HOLD_DAYS), uow.zone)


def cancel_reward(uow: UnitOfWork, referral_id: UUID) -> None:
    """A held reward will not be paid."""
    uow.session.execute(
        update(ReferralReward)
        .where(ReferralReward.referral_id == referral_id, ReferralReward.state == "held")
        .values(state="cancelled")
    )


def pay_reward(uow: UnitOfWork, referral_id: UUID, *, version: int) -> ReferralReward:
    """Finance (财务) releases the reward: points, payment and state in one transaction.

    Raises NotFound, Conflict `version_changed` and `transition_not_allowed`, TooSoon
    `reward_on_hold`, Forbidden `separation_of_duties`.
    """
    referral = locked(uow, referral_id, version=version)
    advance(State(referral.state), Event.PAY, role=uow.actor.role, reason=None)
    reward = uow.session.scalars(
        select(ReferralReward).where(
            ReferralReward.referral_id == referral_id, ReferralReward.state == "held"
        )
    ).one()
    if uow.now < reward.release_at:
        wait = int((reward.release_at - uow.now).total_seconds()) + 1
        release_on = business_day(reward.release_at, uow.zone).isoformat()
        raise TooSoon("reward_on_hold", retry_after_s=wait, release_on=release_on)
    move(uow, referral, Event.PAY, paid_by=UUID(uow.actor.id))
    posted = _credit(uow, reward)
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
    return reward


def _credit(uow: UnitOfWork, reward: ReferralReward) -> ledger.Posted:
    return ledger.accrue(
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
