"""The owner's reward of a verified referral: fixed and held at once, paid by finance, once.

A reader would break this by paying without the row that was held: it alone says who gets what.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from kernel.clock import business_day, start_of_day
from kernel.errors import TooSoon
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from referral.both_sides import buyers_reward, pay_out
from referral.duties import Duty, take_duty
from referral.justice.deadlines import judge_by
from referral.lifecycle import Event, State, advance
from referral.models import Referral, ReferralReward, ReferralTransition
from referral.moves import locked, move, one_at_a_time
from referral.policy import InForce, policy_on
from referral.queries import LIVE_REWARD, rewards_this_year, sale_undone
from referral.reasons import Reason
from referral.risk.assess import assess
from referral.rules.reward import OWNER_RULE_ID, ladder, place, rule_version
from referral.rules.risk import Choice


def hold_reward(uow: UnitOfWork, referral: Referral) -> None:
    """Fix what the owner gets by today's policy, to be released after the hold.

    A referral verified once more keeps the reward it had. Ladder and yearly cap count the owner's
    rewards under a lock of his own, so two referrals verified at once are never both his first. At
    the cap the referral is refused, typed.
    """
    owner = referral.owner_id
    assert owner is not None
    one_at_a_time(uow, f"rewards of {owner}")
    if _held(uow, referral.id) is None:
        in_force = policy_on(uow)
        if rewards_this_year(uow, owner) >= in_force.policy.cap_per_year:
            move(uow, referral, Event.REFUSE, by_system=True, reason=Reason.CAP_REACHED)
            return
        _fix(uow, referral, owner, in_force)
    move(uow, referral, Event.HOLD, by_system=True)


def release_at(uow: UnitOfWork, referral: Referral, *, hold_days: int) -> datetime:
    """So many days after the day of the invoice (referral.md, section 2), in the dealer's zone.

    An invoice dated before the order shortens nothing: then the day of the order counts.
    """
    assert referral.invoiced_on is not None
    assert referral.ordered_at is not None
    day = max(referral.invoiced_on, business_day(referral.ordered_at, uow.zone))
    return start_of_day(day + timedelta(days=hold_days), uow.zone)


def cancel_reward(uow: UnitOfWork, referral_id: UUID) -> None:
    """A held reward will not be paid."""
    uow.session.execute(
        update(ReferralReward)
        .where(ReferralReward.referral_id == referral_id, ReferralReward.state == "held")
        .values(state="cancelled")
    )


def pay_reward(uow: UnitOfWork, referral_id: UUID, *, version: int) -> Referral:
    """Finance (财务) releases the reward: points, payment and state in one transaction.

    The sale and the risk are looked at again. A sale undone meanwhile cancels the referral, a risk
    that has grown brings it before two people: the state of what is returned is the answer. Raises
    NotFound, Conflict `version_changed` and `transition_not_allowed`, TooSoon `reward_on_hold`,
    Forbidden `separation_of_duties` and `party_or_relative`.
    """
    referral = locked(uow, referral_id, version=version)
    advance(State(referral.state), Event.PAY, role=uow.actor.role, reason=None)
    reward = _held(uow, referral_id)
    assert reward is not None
    _refuse_early(uow, reward)
    take_duty(uow, referral_id, Duty.PAYER)
    if _sale_stands(uow, referral) and not _judged_first(uow, referral):
        _pay(uow, referral, reward)
    return referral


def _held(uow: UnitOfWork, referral_id: UUID) -> ReferralReward | None:
    return uow.session.scalar(
        select(ReferralReward).where(
            ReferralReward.referral_id == referral_id,
            ReferralReward.beneficiary == "owner",
            ReferralReward.state == "held",
        )
    )


def _fix(uow: UnitOfWork, referral: Referral, owner: UUID, in_force: InForce) -> None:
    taken = uow.session.scalars(
        select(ReferralReward.nth).where(
            ReferralReward.member_id == owner,
            ReferralReward.rule_id == OWNER_RULE_ID,
            ReferralReward.state.in_(LIVE_REWARD),
        )
    )
    nth = place(set(taken))
    policy = in_force.policy
    uow.session.add(
        ReferralReward(
            id=new_id(),
            dealer_id=uow.dealer_id,
            referral_id=referral.id,
            member_id=owner,
            beneficiary="owner",
            rule_id=OWNER_RULE_ID,
            rule_version=rule_version(in_force.version),
            nth=nth,
            points=ladder(nth, policy.ladder),
            state="held",
            held_at=uow.now,
            release_at=release_at(uow, referral, hold_days=policy.hold_days),
        )
    )


def _refuse_early(uow: UnitOfWork, reward: ReferralReward) -> None:
    if uow.now < reward.release_at:
        wait = int((reward.release_at - uow.now).total_seconds()) + 1
        release_on = business_day(reward.release_at, uow.zone).isoformat()
        raise TooSoon("reward_on_hold", retry_after_s=wait, release_on=release_on)


def _sale_stands(uow: UnitOfWork, referral: Referral) -> bool:
    """Whether the sale is still one. An appeal may have brought the referral back after it ended
    for another reason, while the car went back."""
    assert referral.order_no is not None
    undone = sale_undone(uow, referral.order_no)
    if undone is not None:
        cancel_reward(uow, referral.id)
        move(uow, referral, Event.CANCEL, by_system=True, reason=undone)
    return undone is None


def _judged_first(uow: UnitOfWork, referral: Referral) -> bool:
    """Whether two people must look at it first: a flag nobody has judged yet, or the risk looked at
    again. What two people have accepted from here once is paid."""
    steps = select(ReferralTransition.from_state).where(
        ReferralTransition.referral_id == referral.id,
        ReferralTransition.event.in_([Event.ADJUDICATE, Event.ACCEPT]),
    )
    judged = set(uow.session.scalars(steps))
    if State.REWARD_HELD in judged:
        return False
    risk_is_high = assess(uow, referral).choice is Choice.ADJUDICATE
    unseen = bool(referral.review) and not judged
    if not risk_is_high and not unseen:
        return False
    reason = Reason(referral.review[0]) if unseen else Reason.RISK_HIGH
    due_at = judge_by(uow)
    move(uow, referral, Event.ADJUDICATE, by_system=True, reason=reason, due_at=due_at)
    return True


def _pay(uow: UnitOfWork, referral: Referral, reward: ReferralReward) -> None:
    """Accounts before rewards, and accounts by their ids: the lock order of ledger.md."""
    buyers = buyers_reward(uow, referral, reward)
    due = [reward, buyers] if buyers else [reward]
    ledger.lock(uow, [each.member_id for each in due])
    move(uow, referral, Event.PAY, paid_by=UUID(uow.actor.id))
    for each in due:
        pay_out(uow, each)
