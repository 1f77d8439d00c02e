"""Risk: what was noticed about a referral with its breakdown, and who stands out in a month."""

from typing import Any
from uuid import UUID

from api.messages import Language, catalogue
from api.routes import Routes
from api.schemas import risk as shapes
from api.speech import spoken
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.finance.days import month_of
from referral.risk.models import ReferralRisk
from referral.risk.queries import RiskStatistics, assessments, risk_statistics

routes = Routes("risk")


@routes.get(
    "/v1/referrals/<uuid:referral_id>/risk",
    summary="What was noticed about a referral",
    roles=(Role.SHOWROOM_MANAGER, Role.DEALER_ADMIN, Role.PROGRAMME_ADMIN, Role.AUDITOR),
    answer=shapes.ReferralRiskOut,
    problems=("referral_not_found",),
)
def get_referral_risk(uow: UnitOfWork, referral_id: UUID) -> dict[str, Any]:
    """Each time it was looked at, with every signal. More points mean more checking, no more."""
    language = spoken()
    items = [_shown(row, language) for row in assessments(uow, referral_id)]
    return {"referral_id": referral_id, "items": items}


@routes.get(
    "/v1/risk-statistics",
    summary="How referrals and calls ended, by consultant and by agent",
    roles=(Role.DEALER_ADMIN, Role.AUDITOR),
    answer=shapes.RiskStatisticsOut,
    query=shapes.RiskMonthQuery,
)
def get_risk_statistics(uow: UnitOfWork, query: dict[str, Any]) -> RiskStatistics:
    """Of one month, this one by default; with 95 % bounds. Flagged is a reason to look."""
    return risk_statistics(uow, query["month"] or month_of(uow.now, uow.zone))


def _shown(row: ReferralRisk, language: Language) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at,
        "points": row.points,
        "choice": row.choice,
        "signals": [_worded(signal, language) for signal in row.signals],
    }


def _worded(signal: dict[str, Any], language: Language) -> dict[str, Any]:
    message = catalogue()[f"signal_{signal['code']}"]
    said = {
        "title": message.titled(language),
        "detail": message.detailed(language, signal["facts"]),
    }
    return signal | said
