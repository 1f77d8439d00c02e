"""Look at a referral: measure, score, keep one row with the breakdown, say how closely to check.

It chooses more checking and never refuses, pays or punishes. A reader would break this by
deciding by a score that was not kept.
"""

from dataclasses import dataclass

from sqlalchemy import func, select

from kernel.unit_of_work import UnitOfWork
from referral.models import Referral
from referral.risk.gather import measure
from referral.risk.models import ReferralRisk
from referral.rules.risk import Choice, Signal, score


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was noticed, and what follows: nothing, both parties called, or two people decide."""

    points: int
    choice: Choice
    signals: tuple[Signal, ...]


def assess(uow: UnitOfWork, referral: Referral) -> Assessment:
    """Measure and keep the risk of a registered referral that the caller has locked (F52).

    The same facts at the same instant give the same assessment. Raises nothing of its own.
    """
    result = score(measure(uow, referral))
    last = select(func.max(ReferralRisk.seq)).where(ReferralRisk.referral_id == referral.id)
    uow.session.add(
        ReferralRisk(
            referral_id=referral.id,
            seq=(uow.session.scalar(last) or 0) + 1,
            dealer_id=uow.dealer_id,
            at=uow.now,
            points=result.points,
            choice=result.choice,
            signals=[
                {"code": each.code, "points": each.points, "facts": dict(each.facts)}
                for each in result.signals
            ],
        )
    )
    uow.session.flush()
    uow.audit("referral.assessed", referral.id, points=result.points, choice=result.choice)
    return Assessment(result.points, result.choice, result.signals)
