"""Draft, publish and end an earning rule (F21): a life of `versions`, with what only rules have.

One with a budget gets it when it is published.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.earning.models import EarningRule, RuleBudget
from loyalty.earning.rules.body import dump, parse
from loyalty.earning.rules.rule import STANDARD_RULE, RuleBody
from loyalty.points.models import DealerPartner

OWN_CODES: Final = frozenset({"opening_balance", "adjustment", "referral_reward_ladder"})
"""Rules of the service itself, whose postings must not be taken for a dealer's."""


def draft_rule(
    uow: UnitOfWork,
    *,
    code: str,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> UUID:
    """Write down the next version of a rule; it counts for nothing until it is published.

    Raises RuleViolation `rule_invalid`, `rule_code_reserved`, `issuer_unknown`,
    `effective_until_not_after_from`.
    """
    said = parse(body)
    if code in OWN_CODES:
        raise RuleViolation("rule_code_reserved", pointer="/code")
    _check_issuer(uow, said)
    built_in = STANDARD_RULE.version if code == STANDARD_RULE.code else 0
    return versions.draft(
        uow,
        EarningRule,
        code=code,
        body=dump(said),
        effective_from=effective_from,
        effective_until=effective_until,
        built_in=built_in,
    ).id


def publish_rule(uow: UnitOfWork, rule_id: UUID) -> None:
    """Let a draft count from its first day on. Raises as `versions.publish`."""
    rule = versions.publish(uow, EarningRule, rule_id)
    budget = parse(rule.body).caps.budget
    if budget is not None:
        uow.session.add(
            RuleBudget(
                dealer_id=uow.dealer_id,
                rule_code=rule.code,
                rule_version=rule.version,
                budget=budget,
                granted=0,
            )
        )


def end_rule(uow: UnitOfWork, rule_id: UUID, *, effective_until: date) -> None:
    """The first day on which a version counts no more. Raises as `versions.end`."""
    versions.end(uow, EarningRule, rule_id, effective_until=effective_until)


def _check_issuer(uow: UnitOfWork, body: RuleBody) -> None:
    """Points are issued by the dealer or by a partner whose points he takes (F18)."""
    if body.issuer is None or body.issuer == uow.dealer_id:
        return
    if uow.session.get(DealerPartner, (uow.dealer_id, body.issuer)) is None:
        raise RuleViolation("issuer_unknown", pointer="/body/issuer")
