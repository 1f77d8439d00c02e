"""Reads of risk: what was noticed about a referral, and who stands out in a month."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import Month
from referral.models import Referral
from referral.risk.conduct import (
    Outcomes,
    by_agent,
    by_consultant,
    excess_permille,
    luck_ppm,
    together,
)
from referral.risk.models import ReferralRisk
from referral.risk.statistics import Share
from referral.rules.risk import FEWEST_CALLS, FEWEST_JUDGED, Measures, score

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Conduct:
    """One person's month: so many, how they ended, and the share (95 % bounds) in thousandths.

    Of a consultant the share is of those that failed, of an agent of those that passed.
    `flagged` is a reason to look, and proves nothing.
    """

    person_id: UUID
    total: int
    passed: int
    failed: int
    undecided: int
    share_permille: int
    low_permille: int
    high_permille: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class RiskStatistics:
    month: str
    consultants: list[Conduct]
    agents: list[Conduct]


def assessments(uow: UnitOfWork, referral_id: UUID) -> list[ReferralRisk]:
    """Every assessment of a referral, in order. Raises NotFound `referral_not_found`."""
    known = select(Referral.id).where(Referral.id == referral_id)
    if uow.session.scalar(known) is None:
        raise NotFound("referral_not_found")
    rows = select(ReferralRisk).where(ReferralRisk.referral_id == referral_id)
    return list(uow.session.scalars(rows.order_by(ReferralRisk.seq).limit(MOST_SHOWN)))


def risk_statistics(uow: UnitOfWork, month: Month) -> RiskStatistics:
    """How referrals reported, and calls given, in a calendar month of the dealer's zone ended."""
    since, before = month.starts_at(uow.zone), month.ends_at(uow.zone)
    return RiskStatistics(
        month.name,
        _consultants(by_consultant(uow, since, before)),
        _agents(by_agent(uow, since, before)),
    )


def _consultants(found: Mapping[UUID, Outcomes]) -> list[Conduct]:
    whole = together(found)
    return [
        _conduct(
            key,
            own,
            own.bad,
            Measures(consultant_excess_permille=excess_permille(own, whole, fewest=FEWEST_JUDGED)),
        )
        for key, own in sorted(found.items())
    ]


def _agents(found: Mapping[UUID, Outcomes]) -> list[Conduct]:
    whole = together(found)
    return [
        _conduct(
            key,
            own,
            own.good,
            Measures(agent_luck_ppm=luck_ppm(own, whole, fewest=FEWEST_CALLS)),
        )
        for key, own in sorted(found.items())
    ]


def _conduct(key: UUID, own: Outcomes, share: Share, measures: Measures) -> Conduct:
    return Conduct(
        person_id=key,
        total=own.total,
        passed=own.passed,
        failed=own.failed,
        undecided=own.undecided,
        share_permille=round(1_000 * share.count / share.total) if share.total else 0,
        low_permille=round(1_000 * share.low),
        high_permille=round(1_000 * share.high),
        flagged=bool(score(measures).signals),
    )
