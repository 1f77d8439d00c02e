"""An earning rule as a value: what it says, in which version, from which day until which day.

Amounts are fen, shares whole percent, points integers: a float here would leak points.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from loyalty.earning.rules.standard import (
    FEN_A_POINT,
    RULE_ID,
    RULE_VERSION,
    UNIT_COST_FEN,
    JobType,
    Payer,
)
from loyalty.points.rules.expiry import STANDARD, Policy


class DocumentKind(StrEnum):
    """What can earn: 维修工单, 精品销售, 续保, 购车, 活动, 问卷, 生日, 增换购."""

    SERVICE_ORDER = "service_order"
    ACCESSORY_SALE = "accessory_sale"
    INSURANCE_RENEWAL = "insurance_renewal"
    CAR_PURCHASE = "car_purchase"
    ACTIVITY = "activity"
    SURVEY = "survey"
    BIRTHDAY = "birthday"
    SECOND_CAR = "second_car"


class CapPeriod(StrEnum):
    """Over which time a member's cap counts; RULE is the whole life of the rule's code."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class PerYuan:
    """`points` for every whole `per_fen` of the eligible amount."""

    points: int
    per_fen: int


@dataclass(frozen=True, slots=True)
class Flat:
    """The same points for every document that fits."""

    points: int


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Extra points on what the PerYuan rules give: 200 percent adds as much again (多倍积分)."""

    percent: int


@dataclass(frozen=True, slots=True)
class MemberCap:
    """The most points one member gets by the rule in one period."""

    points: int
    period: CapPeriod


@dataclass(frozen=True, slots=True)
class Caps:
    """Upper limits in points (积分上限); `budget` is for all members and this version."""

    per_document: int | None = None
    per_member: MemberCap | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class PendingDays:
    """Points become spendable so many days after the business day."""

    days: int


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """Points wait for a named event and are cancelled when it does not come in time."""

    event: str
    cancel_after_days: int


@dataclass(frozen=True, slots=True)
class RuleBody:
    """What a rule says (product.md, F19 and F20); None means no condition or no limit."""

    kinds: tuple[DocumentKind, ...]
    award: PerYuan | Flat | Multiplier
    payers: tuple[Payer, ...] = (Payer.CUSTOMER,)
    job_types: tuple[JobType, ...] | None = None
    models: tuple[str, ...] | None = None
    tiers: tuple[str, ...] | None = None
    campaign: str | None = None
    tier_percent: Mapping[str, int] = field(default_factory=dict, hash=False)
    minimum_fen: int = 0
    caps: Caps = field(default_factory=Caps)
    cooldown_days: int | None = None
    group: str | None = None
    pending: PendingDays | PendingEvent | None = None
    expiry: Policy = STANDARD
    expiry_by_tier: Mapping[str, Policy] = field(default_factory=dict, hash=False)
    unit_cost_fen: Decimal = UNIT_COST_FEN
    issuer: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule, in force on `effective_from <= day < effective_until` (F21)."""

    code: str
    version: int
    effective_from: date
    effective_until: date | None
    body: RuleBody


STANDARD_RULE: Final = Rule(
    code=RULE_ID,
    version=RULE_VERSION,
    effective_from=date.min,
    effective_until=None,
    body=RuleBody(
        kinds=(
            DocumentKind.SERVICE_ORDER,
            DocumentKind.ACCESSORY_SALE,
            DocumentKind.INSURANCE_RENEWAL,
            DocumentKind.CAR_PURCHASE,
        ),
        award=PerYuan(points=1, per_fen=FEN_A_POINT),
    ),
)
"""One point for every whole yuan the customer paid himself, said as data."""


def in_force(rules: Iterable[Rule], on: date) -> list[Rule]:
    """The version of each rule that counts on a business day, by code (product.md, F21, F23).

    The latest start counts and, of two on one day, the higher version. A version that has ended
    is not replaced by the one before it.
    """
    latest: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda each: (each.effective_from, each.version)):
        if rule.effective_from <= on:
            latest[rule.code] = rule
    return [
        rule
        for _, rule in sorted(latest.items())
        if rule.effective_until is None or on < rule.effective_until
    ]
