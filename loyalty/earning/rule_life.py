"""The life of a rule's version: drafted, published by another person, ended once (F21).

What was published stands: another wish is another version.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Conflict, Forbidden, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork, type_of_fact
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
    if effective_until is not None and effective_until <= effective_from:
        raise RuleViolation("effective_until_not_after_from", pointer="/effective_until")
    _check_issuer(uow, said)
    rule = EarningRule(
        dealer_id=uow.dealer_id,
        code=code,
        version=_next_version(uow, code),
        id=new_id(),
        state="draft",
        body=dump(said),
        effective_from=effective_from,
        effective_until=effective_until,
        author_id=UUID(uow.actor.id),
        created_at=uow.now,
    )
    uow.session.add(rule)
    uow.session.flush()
    uow.audit("earning_rule.drafted", rule.id, code=code, version=rule.version)
    return rule.id


def publish_rule(uow: UnitOfWork, rule_id: UUID) -> None:
    """Let a draft count from its first day on.

    Raises NotFound `rule_not_found`, Forbidden `separation_of_duties` for its author, Conflict
    `rule_not_draft`, RuleViolation `effective_in_the_past`: a day that has passed keeps the
    rules it had, so that late documents meet them.
    """
    rule = _locked(uow, rule_id)
    if rule.state != "draft":
        raise Conflict("rule_not_draft")
    if rule.author_id == UUID(uow.actor.id):
        raise Forbidden("separation_of_duties")
    if rule.effective_from < uow.today:
        raise RuleViolation("effective_in_the_past", today=uow.today.isoformat())
    rule.state, rule.publisher_id, rule.published_at = "published", UUID(uow.actor.id), uow.now
    uow.session.flush()
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
    _tell(uow, "earning_rule.published", rule)


def end_rule(uow: UnitOfWork, rule_id: UUID, *, effective_until: date) -> None:
    """Set the first day on which a published version counts no more; once, for a day to come.

    Raises NotFound `rule_not_found`, Conflict `rule_not_published` and `rule_end_set`,
    RuleViolation `effective_in_the_past`, `effective_until_not_after_from`.
    """
    rule = _locked(uow, rule_id)
    if rule.state != "published":
        raise Conflict("rule_not_published")
    if rule.effective_until is not None:
        raise Conflict("rule_end_set", effective_until=rule.effective_until.isoformat())
    pointer = "/effective_until"
    if effective_until < uow.today + timedelta(days=1):
        raise RuleViolation("effective_in_the_past", pointer=pointer, today=uow.today.isoformat())
    if effective_until <= rule.effective_from:
        raise RuleViolation("effective_until_not_after_from", pointer=pointer)
    rule.effective_until = effective_until
    uow.session.flush()
    _tell(uow, "earning_rule.ended", rule)


def _tell(uow: UnitOfWork, what: str, rule: EarningRule) -> None:
    until = rule.effective_until
    facts: dict[str, type_of_fact] = {
        "code": rule.code,
        "version": rule.version,
        "effective_from": rule.effective_from.isoformat(),
        "effective_until": None if until is None else until.isoformat(),
    }
    uow.emit(what, rule.id, **facts)
    uow.audit(what, rule.id, **facts)


def _check_issuer(uow: UnitOfWork, body: RuleBody) -> None:
    """Points are issued by the dealer or by a partner whose points he takes (F18)."""
    if body.issuer is None or body.issuer == uow.dealer_id:
        return
    if uow.session.get(DealerPartner, (uow.dealer_id, body.issuer)) is None:
        raise RuleViolation("issuer_unknown", pointer="/body/issuer")


def _next_version(uow: UnitOfWork, code: str) -> int:
    """Drafts of one code are numbered one at a time; the built-in rule has its own number."""
    lock = func.hashtextextended(f"{uow.dealer_id}/earning_rule/{code}", 0)
    uow.session.execute(select(func.pg_advisory_xact_lock(lock)))
    latest = uow.session.scalar(
        select(func.max(EarningRule.version)).where(
            EarningRule.dealer_id == uow.dealer_id, EarningRule.code == code
        )
    )
    built_in = STANDARD_RULE.version if code == STANDARD_RULE.code else 0
    return (latest or built_in) + 1


def _locked(uow: UnitOfWork, rule_id: UUID) -> EarningRule:
    row = uow.session.scalar(select(EarningRule).where(EarningRule.id == rule_id).with_for_update())
    if row is None:
        raise NotFound("rule_not_found")
    return row
