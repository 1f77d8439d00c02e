"""What a paper earns by the rules in force, and why each of them did or did not count.

Every rule is explained once, in the order given: an answer nobody can explain is not given.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from loyalty.earning.rules.amounts import (
    Facts,
    Paper,
    amount_fen,
    has_line,
    meets_minimum,
    raw_points,
)
from loyalty.earning.rules.rule import CapPeriod, Multiplier, PerYuan, Rule
from loyalty.earning.rules.terms import Grant
from loyalty.points.rules.expiry import Round, period_of


@dataclass(frozen=True, slots=True)
class Usage:
    """What was granted before, in points by rule code, and the rules in cooldown (冷却期).

    `by_member` is this member's in the period of `cap_period`, `granted` all members' from the
    budget of the version in force, `cooling` the rules that granted within `cooldown_period`.
    """

    by_member: Mapping[str, int]
    granted: Mapping[str, int]
    cooling: frozenset[str]


@dataclass(frozen=True, slots=True)
class Considered:
    """What became of one rule: `reason` says why it gave nothing, None when it counted."""

    code: str
    version: int
    applied: bool
    reason: str | None
    raw: int
    points: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Points of a paper, the grants they come from, and every rule's explanation."""

    points: int
    grants: tuple[Grant, ...]
    considered: tuple[Considered, ...]


def evaluate(paper: Paper, facts: Facts, rules: Sequence[Rule], usage: Usage) -> Evaluation:
    """Points of a paper by the rules `in_force` on its business day (product.md, F19, F20).

    Caps come before exclusion, so a rule whose cap is used up leaves its group to another one.
    A Multiplier adds to the uncapped points of those PerYuan rules that count.
    """
    refused = {rule.code: _refusal(rule, paper, facts, usage.cooling) for rule in rules}
    admitted = [rule for rule in rules if refused[rule.code] is None]
    grants, counted = _decide(admitted, partial(_grant, paper, facts, usage))
    considered = tuple(
        _explained(rule, refused[rule.code], grants.get(rule.code), counted) for rule in rules
    )
    given = tuple(grants[each.code] for each in considered if each.applied)
    return Evaluation(sum(grant.points for grant in given), given, considered)


def cap_period(rule: Rule, on: date) -> tuple[date, date]:
    """Business days, half open, over which the cap per member counts what was granted before.

    The whole of time for a cap over the life of the rule, and for a rule without such a cap.
    """
    cap = rule.body.caps.per_member
    if cap is None or cap.period is CapPeriod.RULE:
        return date.min, date.max
    return period_of(on, Round(cap.period))


def cooldown_period(rule: Rule, on: date) -> tuple[date, date] | None:
    """Business days, half open, in which another grant of the rule forbids one on this day.

    Both sides, because documents come late (F23): n days apart is still within n days. None
    for a rule without cooldown.
    """
    days = rule.body.cooldown_days
    if days is None:
        return None
    first = max(on.toordinal() - days, date.min.toordinal())
    return date.fromordinal(first), on + timedelta(days=days + 1)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON, to be kept beside the document as its explanation (F28)."""
    return {
        "points": evaluation.points,
        "grants": [
            {
                "code": grant.rule.code,
                "version": grant.rule.version,
                "base_fen": grant.base_fen,
                "raw": grant.raw,
                "points": grant.points,
                "limited_by": grant.limited_by,
            }
            for grant in evaluation.grants
        ],
        "considered": [
            {
                "code": each.code,
                "version": each.version,
                "applied": each.applied,
                "reason": each.reason,
                "raw": each.raw,
                "points": each.points,
            }
            for each in evaluation.considered
        ],
    }


def _refusal(rule: Rule, paper: Paper, facts: Facts, cooling: Collection[str]) -> str | None:
    body = rule.body
    conditions = {
        "kind": paper.kind in body.kinds,
        "payer_or_job": has_line(body, paper, paper.lines),
        "model": body.models is None or facts.model in body.models,
        "tier": body.tiers is None or facts.tier in body.tiers,
        "campaign": body.campaign is None or paper.campaign == body.campaign,
        "minimum": meets_minimum(body, paper, paper.lines),
        "cooldown": rule.code not in cooling,
    }
    return next((reason for reason, met in conditions.items() if not met), None)


def _decide(
    rules: Sequence[Rule], grant: Callable[[Rule, Iterable[Rule]], Grant]
) -> tuple[dict[str, Grant], set[str]]:
    """Grants by code and the codes that count.

    What stands by itself is settled first, then what multiplies it: a multiplier never feeds on
    a rival of its own group, and in the end only on what still counts beside it.
    """
    grants = {rule.code: grant(rule, ()) for rule in rules}
    multipliers = [rule for rule in rules if isinstance(rule.body.award, Multiplier)]
    counted = _best_of_each_group(grants.values())
    if not multipliers:
        return grants, counted
    for rule in multipliers:
        beside = [each for each in rules if each.code in counted and not _rivals(each, rule)]
        grants[rule.code] = grant(rule, beside)
    counted |= {rule.code for rule in multipliers}
    counted = _best_of_each_group(each for code, each in grants.items() if code in counted)
    for rule in multipliers:
        if rule.code in counted:
            grants[rule.code] = grant(rule, [each for each in rules if each.code in counted])
    return grants, counted


def _grant(paper: Paper, facts: Facts, usage: Usage, rule: Rule, counted: Iterable[Rule]) -> Grant:
    multiplied = [each for each in counted if isinstance(each.body.award, PerYuan)]
    raw = raw_points(rule, paper.lines, facts.tier, multiplied)
    points, limited_by = raw, None
    for name, left in _left(rule, usage).items():
        if left < points:
            points, limited_by = left, name
    return Grant(rule, amount_fen(rule.body, paper.lines), raw, points, limited_by)


def _left(rule: Rule, usage: Usage) -> dict[str, int]:
    caps, code = rule.body.caps, rule.code
    left: dict[str, int] = {}
    if caps.per_document is not None:
        left["per_document"] = caps.per_document
    if caps.per_member is not None:
        left["per_member"] = max(caps.per_member.points - usage.by_member.get(code, 0), 0)
    if caps.budget is not None:
        left["budget"] = max(caps.budget - usage.granted.get(code, 0), 0)
    return left


def _best_of_each_group(grants: Iterable[Grant]) -> set[str]:
    """The codes that count: of one group the one giving most, of equals the first by code."""
    best: dict[tuple[str | None, str], Grant] = {}
    for grant in sorted(grants, key=lambda each: (-each.points, each.rule.code)):
        group = grant.rule.body.group
        if grant.points > 0:
            best.setdefault((group, grant.rule.code if group is None else ""), grant)
    return {grant.rule.code for grant in best.values()}


def _rivals(one: Rule, other: Rule) -> bool:
    return one.body.group is not None and one.body.group == other.body.group


def _explained(
    rule: Rule, refusal: str | None, grant: Grant | None, counted: Collection[str]
) -> Considered:
    if grant is None:
        return Considered(rule.code, rule.version, False, refusal, 0, 0)
    reason = None
    if grant.raw <= 0:
        reason = "zero"
    elif grant.points <= 0:
        reason = "cap_budget" if grant.limited_by == "budget" else "cap_member"
    elif rule.code not in counted:
        reason = "excluded_by_group"
    points = grant.points if reason is None else 0
    return Considered(rule.code, rule.version, reason is None, reason, grant.raw, points)
