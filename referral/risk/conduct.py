"""How the referrals of consultants (销售顾问) and the calls of agents (回访人员) ended, in numbers.

A reader would break this by counting what is still open: only what was decided says anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from kernel.unit_of_work import UnitOfWork
from referral.call_models import Callback
from referral.models import Referral
from referral.reasons import Reason
from referral.risk.statistics import Share
from referral.rules.calls import CallResult
from referral.states import State

_PROVEN: Final = (State.VERIFIED, State.REWARD_HELD, State.REWARDED)
_NOT_PROVEN: Final = (Reason.JUDGED_NOT_PROVEN, Reason.JUDGED_FAKE)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of so many, so many ended well and so many badly; the others are open or ended otherwise."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    undecided: int = 0

    @property
    def bad(self) -> Share:
        """What failed of what was decided."""
        return Share(self.failed, self.passed + self.failed)

    @property
    def good(self) -> Share:
        """What passed of all that came to a result, undecided ones too."""
        return Share(self.passed, self.passed + self.failed + self.undecided)

    def __add__(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(
            self.total + other.total,
            self.passed + other.passed,
            self.failed + other.failed,
            self.undecided + other.undecided,
        )


def by_consultant(uow: UnitOfWork, since: datetime, before: datetime) -> dict[UUID, Outcomes]:
    """Of each consultant, the referrals reported in this time: proven, or failed for good.

    Failed are those two calls failed, two people found not proven, or a fake.
    """
    fake = or_(
        Referral.state.in_((State.FAILED, State.FRAUD_CONFIRMED)),
        and_(Referral.state.in_((State.REFUSED, State.REVERSED)), Referral.reason.in_(_NOT_PROVEN)),
    )
    rows = uow.session.execute(
        select(
            Referral.consultant_id,
            func.count(),
            func.count().filter(Referral.state.in_(_PROVEN)),
            func.count().filter(fake),
        )
        .where(Referral.submitted_at >= since, Referral.submitted_at < before)
        .group_by(Referral.consultant_id)
    )
    return {key: Outcomes(total, passed, failed) for key, total, passed, failed in rows}


def by_agent(uow: UnitOfWork, since: datetime, before: datetime) -> dict[UUID, Outcomes]:
    """Of each agent, the calls given to him in this time, by their results."""
    open_ended = (CallResult.INCONCLUSIVE.value, "accepted_by_people")
    rows = uow.session.execute(
        select(
            Callback.agent_id,
            func.count(),
            func.count().filter(Callback.result == CallResult.PASSED),
            func.count().filter(Callback.result == CallResult.FAILED),
            func.count().filter(Callback.result.in_(open_ended)),
        )
        .where(Callback.created_at >= since, Callback.created_at < before)
        .group_by(Callback.agent_id)
    )
    return {key: Outcomes(*counts) for key, *counts in rows}


def excess_permille(own: Outcomes, whole: Outcomes, *, fewest: int) -> int:
    """By how much the lower bound of what fails exceeds the colleagues' share, in thousandths.

    0 of fewer than `fewest` decided ones, and never below.
    """
    if own.bad.total < fewest:
        return 0
    usual = whole.bad.without(own.bad).smoothed
    return max(0, int(1_000 * (own.bad.low - usual)))


def luck_ppm(own: Outcomes, whole: Outcomes, *, fewest: int) -> int | None:
    """How likely one passes as often as this agent by chance, when all pass as his colleagues'.

    In millionths; None when he or they have fewer than `fewest` results.
    """
    others = whole.good.without(own.good)
    if min(own.good.total, others.total) < fewest:
        return None
    return int(1_000_000 * own.good.chance_by(others.smoothed))


def together(outcomes: Mapping[UUID, Outcomes]) -> Outcomes:
    """All of a dealer's."""
    return sum(outcomes.values(), Outcomes())
