"""The terms of the lot a grant opens: when its points can be spent, and until when.

The days are counted from the business day of the paper, however late the paper came (F23).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel.clock import start_of_day
from loyalty.earning.rules.amounts import Paper
from loyalty.earning.rules.rule import PendingDays, PendingEvent, Rule, RuleBody
from loyalty.points.rules.expiry import Mode, expires_at


@dataclass(frozen=True, slots=True)
class Grant:
    """What one rule gives for a paper; `base_fen` is the amount that counted for it.

    `raw` is before caps and `points` after; `limited_by` names the cap that bit, if one did.
    """

    rule: Rule
    base_fen: int
    raw: int
    points: int
    limited_by: str | None


@dataclass(frozen=True, slots=True)
class LotTerms:
    """How a lot came about and how long it lasts (ledger.md, lots).

    `available_at` None waits for the event `awaits`; `expires_at` None never expires, and with
    `inactivity_months` each activity counts it anew. `unit_cost_fen` is for one point.
    """

    rule_id: str
    rule_version: int
    points: int
    business_on: date
    available_at: datetime | None
    cancel_at: datetime | None
    expires_at: datetime | None
    inactivity_months: int | None
    inactivity_round: str | None
    unit_cost_fen: Decimal
    issuer_id: UUID | None
    awaits: str | None


def terms_of(
    grant: Grant, *, paper: Paper, tier: str | None, zone: ZoneInfo, now: datetime
) -> LotTerms:
    """The terms of a grant's lot; the instants are UTC (product.md, F4 and F5)."""
    body = grant.rule.body
    policy = body.expiry if tier is None else body.expiry_by_tier.get(tier, body.expiry)
    idle = policy.mode is Mode.INACTIVITY
    pending = body.pending
    return LotTerms(
        rule_id=grant.rule.code,
        rule_version=grant.rule.version,
        points=grant.points,
        business_on=paper.occurred_on,
        available_at=_available_at(body, paper.occurred_on, zone, now),
        cancel_at=_cancel_at(body, paper.occurred_on, zone),
        expires_at=expires_at(paper.occurred_on, policy, zone=zone),
        inactivity_months=policy.months if idle else None,
        inactivity_round=str(policy.round) if idle else None,
        unit_cost_fen=body.unit_cost_fen,
        issuer_id=body.issuer,
        awaits=pending.event if isinstance(pending, PendingEvent) else None,
    )


def _available_at(body: RuleBody, on: date, zone: ZoneInfo, now: datetime) -> datetime | None:
    match body.pending:
        case PendingDays(days):
            return max(now, start_of_day(on + timedelta(days=days), zone))
        case PendingEvent():
            return None
        case None:
            return now


def _cancel_at(body: RuleBody, on: date, zone: ZoneInfo) -> datetime | None:
    if not isinstance(body.pending, PendingEvent):
        return None
    return start_of_day(on + timedelta(days=body.pending.cancel_after_days), zone)
