"""How far referrals come (F54): of those reported in a month, how many reached each state."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from kernel.clock import start_of_day
from kernel.unit_of_work import UnitOfWork
from referral.models import Referral, ReferralTransition


@dataclass(frozen=True, slots=True)
class Cohort:
    """Of the referrals reported in a month, how many ever reached each state, in no order."""

    month: str
    reached: dict[str, int]


def funnel(uow: UnitOfWork, since: date | None) -> list[Cohort]:
    """Every month with referrals reported since the beginning of a day, the first one first."""
    local = func.timezone(uow.zone.key, Referral.submitted_at)
    month = func.to_char(local, "YYYY-MM").label("month")
    rows = (
        select(month, ReferralTransition.to_state, func.count(Referral.id.distinct()))
        .join(ReferralTransition, ReferralTransition.referral_id == Referral.id)
        .where(Referral.dealer_id == uow.dealer_id)
        .group_by("month", ReferralTransition.to_state)
        .order_by("month", ReferralTransition.to_state)
    )
    if since:
        rows = rows.where(Referral.submitted_at >= start_of_day(since, uow.zone))
    found: dict[str, dict[str, int]] = {}
    for name, state, count in uow.session.execute(rows):
        found.setdefault(name, {})[state] = count
    return [Cohort(name, reached) for name, reached in found.items()]
