"""How much of a paper counts for a rule, and the points it makes before any cap.

A rule rounds down once over the whole document; rounding each line would lose or make points.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from loyalty.earning.rules.rule import (
    DocumentKind,
    Flat,
    Multiplier,
    PerYuan,
    Rule,
    RuleBody,
)
from loyalty.earning.rules.standard import Line


@dataclass(frozen=True, slots=True)
class Paper:
    """What happened, as the rules see it; `occurred_on` is the dealer's business day (业务日期)."""

    kind: DocumentKind
    occurred_on: date
    lines: Sequence[Line]
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the member and the car: 会员等级, 车型."""

    tier: str | None = None
    model: str | None = None


MOST_RAW: Final = 10**15
"""No sum of real money reaches this; beyond it a number would not fit its column."""


def eligible(body: RuleBody, lines: Iterable[Line]) -> list[Line]:
    """The lines whose payer and job type the rule admits."""
    return [
        line
        for line in lines
        if line.payer in body.payers and (body.job_types is None or line.job_type in body.job_types)
    ]


def amount_fen(body: RuleBody, lines: Iterable[Line]) -> int:
    """What the rule counts of these lines, in fen."""
    return sum(line.amount_fen for line in eligible(body, lines))


def needs_amount(body: RuleBody, paper: Paper) -> bool:
    """False for a flat rule on a paper without lines, such as a survey or a birthday."""
    return bool(paper.lines) or not isinstance(body.award, Flat)


def has_line(body: RuleBody, paper: Paper, lines: Sequence[Line]) -> bool:
    """Whether `lines`, what is left of the paper's, hold one the rule admits, if it needs one."""
    return not needs_amount(body, paper) or bool(eligible(body, lines))


def meets_minimum(body: RuleBody, paper: Paper, lines: Sequence[Line]) -> bool:
    """Whether the eligible amount of `lines` reaches the rule's minimum; exactly is enough."""
    if not body.minimum_fen or not needs_amount(body, paper):
        return True
    return amount_fen(body, lines) >= body.minimum_fen


def raw_points(
    rule: Rule, lines: Sequence[Line], tier: str | None, multiplied: Iterable[Rule]
) -> int:
    """Points before any cap, rounded down once (product.md, F20).

    `multiplied` are the applied PerYuan rules whose points a Multiplier adds to, each of them
    reckoned on those of its lines that the Multiplier admits.
    """
    award = rule.body.award
    match award:
        case Flat():
            return award.points
        case PerYuan():
            return min(MOST_RAW, _by_amount(rule, lines, tier))
        case Multiplier():
            admitted = eligible(rule.body, lines)
            base = sum(_by_amount(each, admitted, tier) for each in multiplied)
            return min(MOST_RAW, base * (award.percent - 100) // 100)


def _by_amount(rule: Rule, lines: Sequence[Line], tier: str | None) -> int:
    award = rule.body.award
    assert isinstance(award, PerYuan)
    percent = 100 if tier is None else rule.body.tier_percent.get(tier, 100)
    return amount_fen(rule.body, lines) * award.points * percent // (award.per_fen * 100)
