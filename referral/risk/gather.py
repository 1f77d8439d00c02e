"""Count what the signals of risk are measured by, in a few set-based reads.

A reader would break this by letting anything but counts leave: no name, no number, no VIN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback
from referral.models import Referral, ReferralReward
from referral.policy import policy_on
from referral.reasons import Reason
from referral.risk.conduct import (
    Outcomes,
    by_agent,
    by_consultant,
    excess_permille,
    luck_ppm,
    together,
)
from referral.risk.neighbours import ring_around
from referral.risk.reuse import licence_reused, phones_shared
from referral.rules.reward import ladder, place
from referral.rules.risk import (
    FEWEST_CALLS,
    FEWEST_JUDGED,
    Measures,
    median,
)
from referral.slip import thaw
from referral.standing import on_watch

WEEK: Final = timedelta(days=7)
MONTH: Final = timedelta(days=30)
YEAR: Final = timedelta(days=365)
HALF_YEAR: Final = timedelta(days=180)
"""How far back consultants and agents are compared: long enough to count, short to read."""
FEWEST_COLLEAGUES: Final = 2
_NOMINATION: Final = frozenset({Reason.NOMINATION_MISMATCH})
_OWN: Final = frozenset({Reason.RISK_HIGH, Reason.RING_SUSPECTED})
"""Flags that risk itself raised: it does not confirm itself."""


@dataclass(frozen=True, slots=True)
class _Reports:
    """What one consultant reported around the time of a report."""

    consultant_id: UUID
    team: str
    in_week: int
    in_month: int


def measure(uow: UnitOfWork, referral: Referral) -> Measures:
    """Everything that is counted about a registered referral, as of now (F52)."""
    owner = referral.owner_id
    assert owner is not None
    found: dict[str, Any] = {}
    for part in PARTS:
        found |= part(uow, referral, owner)
    return Measures(**found, **_flags(referral))


def _busy(uow: UnitOfWork, referral: Referral, owner: UUID) -> dict[str, int]:
    """Reports in the seven and thirty days around this one, and those naming the same owner."""
    every = _reports_around(uow, referral)
    own = next(each for each in every if each.consultant_id == referral.consultant_id)
    others = [each for each in every if each is not own]
    team = [each for each in others if each.team == referral.team]
    colleagues = team if len(team) >= FEWEST_COLLEAGUES else others
    at = referral.submitted_at
    of_owner = func.count().filter(Referral.submitted_at.between(at - MONTH / 2, at + MONTH / 2))
    in_month, in_year = uow.session.execute(
        select(of_owner, func.count()).where(
            Referral.owner_id == owner,
            Referral.submitted_at.between(at - YEAR / 2, at + YEAR / 2),
        )
    ).one()
    return {
        "consultant_reports_7d": own.in_week,
        "usual_reports_7d": median([each.in_week for each in colleagues]),
        "consultant_reports_30d": own.in_month,
        "usual_reports_30d": median([each.in_month for each in colleagues]),
        "owner_referrals_30d": in_month,
        "owner_referrals_365d": in_year,
    }


def _reports_around(uow: UnitOfWork, referral: Referral) -> Sequence[_Reports]:
    at = referral.submitted_at
    in_week = func.count().filter(Referral.submitted_at.between(at - WEEK / 2, at + WEEK / 2))
    rows = uow.session.execute(
        select(Referral.consultant_id, func.max(Referral.team), in_week, func.count())
        .where(Referral.submitted_at.between(at - MONTH / 2, at + MONTH / 2))
        .group_by(Referral.consultant_id)
        .order_by(Referral.consultant_id)
    )
    return [_Reports(*row) for row in rows]


def _circle(uow: UnitOfWork, referral: Referral, _: UUID) -> dict[str, int]:
    ring = ring_around(uow, referral)
    nearby = ring.closed and not ring.within
    return {
        "circle_people": ring.people if ring.within else 0,
        "circle_nearby_people": ring.people if nearby else 0,
    }


def _times(uow: UnitOfWork, referral: Referral, _: UUID) -> dict[str, int | None]:
    """How long before the order it was registered, and how long after the talk reported."""
    told = referral.submitted_at - thaw(uow, referral).mentioned_at
    minutes = None
    if referral.ordered_at and referral.registered_at:
        before = referral.ordered_at - referral.registered_at
        minutes = before // timedelta(minutes=1) if before > timedelta() else None
    return {
        "minutes_to_order": minutes,
        "hours_unreported": max(0, told // timedelta(hours=1)),
    }


def _consultant(uow: UnitOfWork, referral: Referral, _: UUID) -> dict[str, int]:
    every = by_consultant(uow, uow.now - HALF_YEAR, uow.now)
    own = every.get(referral.consultant_id, Outcomes())
    return {
        "consultant_judged": own.bad.total,
        "consultant_excess_permille": excess_permille(own, together(every), fewest=FEWEST_JUDGED),
        "consultant_watched": int(on_watch(uow, referral.consultant_id)),
    }


def _agents(uow: UnitOfWork, referral: Referral, _: UUID) -> dict[str, int | None]:
    """The luckiest of the agents who called for this referral; nobody has yet at the draw."""
    called = select(Callback.agent_id).where(Callback.referral_id == referral.id)
    agents = set(uow.session.scalars(called))
    if not agents:
        return {}
    every = by_agent(uow, uow.now - HALF_YEAR, uow.now)
    whole = together(every)
    lucks = [
        (luck, every[agent].good.total)
        for agent in agents & every.keys()
        if (luck := luck_ppm(every[agent], whole, fewest=FEWEST_CALLS)) is not None
    ]
    luck, calls = min(lucks, default=(None, 0))
    return {"agent_luck_ppm": luck, "agent_calls": calls}


def _flags(referral: Referral) -> dict[str, int]:
    flags = {Reason(code) for code in referral.review} - _OWN
    doubts = flags & _NOMINATION
    return {"nomination_doubts": len(doubts), "review_flags": len(flags - doubts)}


def _reward(uow: UnitOfWork, referral: Referral, owner: UUID) -> dict[str, int]:
    """What the owner gets, or would by his next place on the ladder."""
    policy = policy_on(uow).policy
    counting = ReferralReward.state.not_in(("cancelled", "reversed"))
    rows = uow.session.execute(
        select(ReferralReward.referral_id, ReferralReward.nth, ReferralReward.points).where(
            ReferralReward.member_id == owner, counting
        )
    ).all()
    fixed = [row.points for row in rows if row.referral_id == referral.id]
    next_one = ladder(place({row.nth for row in rows}), policy.ladder)
    return {
        "reward_points": sum(fixed) or next_one,
        "large_reward_points": policy.large_reward_points,
    }


PARTS: Final = (
    _busy,
    phones_shared,
    licence_reused,
    _circle,
    _times,
    _consultant,
    _agents,
    _reward,
)
