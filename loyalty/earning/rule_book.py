"""The dealer's rules as they stand: which were in force on a business day, and which versions.

A late document meets the rule of its own day (F23): that is why rules never begin in the past.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.models import EarningRule, RuleBudget
from loyalty.earning.rules.body import parse
from loyalty.earning.rules.rule import STANDARD_RULE, Rule, RuleBody, in_force


@dataclass(frozen=True, slots=True)
class RuleView:
    """One version of a rule; `granted` is what it has given of its budget, None without one."""

    id: UUID
    code: str
    version: int
    state: str
    body: dict[str, Any]
    effective_from: date
    effective_until: date | None
    author_id: UUID
    created_at: datetime
    publisher_id: UUID | None
    published_at: datetime | None
    granted: int | None


def rules_on(uow: UnitOfWork, day: date) -> list[Rule]:
    """The rules in force on a business day, by code. The built-in standard rule counts as long
    as no version of its code published by the dealer is in force."""
    return rules_of_days(uow, {day})[day]


def rules_of_days(uow: UnitOfWork, days: Collection[date]) -> dict[date, list[Rule]]:
    """`rules_on` of each of these days, in one statement."""
    if not days:
        return {}
    published = _published(uow, min(days), max(days))
    return {day: _on(published, day) for day in days}


def drafts(uow: UnitOfWork, rule_ids: Sequence[UUID]) -> list[Rule]:
    """Versions by id, in any state, for a trial. Raises NotFound `rule_not_found`."""
    found = _rules(uow, EarningRule.id.in_(rule_ids))
    if len(found) != len(set(rule_ids)):
        raise NotFound("rule_not_found", pointer="/rule_ids")
    return found


def versions(uow: UnitOfWork, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Rule]:
    """Published versions and the built-in one, by code and version."""
    asked = set(wanted)
    codes = EarningRule.code.in_({code for code, _ in asked})
    known = [STANDARD_RULE, *_rules(uow, codes)]
    return {key: rule for rule in known if (key := (rule.code, rule.version)) in asked}


def get_rule(uow: UnitOfWork, rule_id: UUID) -> RuleView:
    """One version. Raises NotFound `rule_not_found`."""
    row = uow.session.execute(_VIEWS.where(EarningRule.id == rule_id)).first()
    if row is None:
        raise NotFound("rule_not_found")
    return _view(*row)


def list_rules(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[RuleView]:
    """Every version in the order in which they were drafted."""
    rows = _VIEWS if after is None else _VIEWS.where(EarningRule.id > after)
    return [_view(*row) for row in uow.session.execute(rows.order_by(EarningRule.id).limit(limit))]


_VIEWS = select(EarningRule, RuleBudget.granted).outerjoin(
    RuleBudget,
    (RuleBudget.dealer_id == EarningRule.dealer_id)
    & (RuleBudget.rule_code == EarningRule.code)
    & (RuleBudget.rule_version == EarningRule.version),
)


def _on(published: Iterable[Rule], day: date) -> list[Rule]:
    rules = in_force(published, day)
    if all(rule.code != STANDARD_RULE.code for rule in rules):
        rules.append(STANDARD_RULE)
    return sorted(rules, key=lambda rule: rule.code)


def _published(uow: UnitOfWork, first: date, last: date) -> list[Rule]:
    """The versions `in_force` may choose from on any day from first to last: of each code the
    latest begun by the first, and those that begin later."""
    published = (EarningRule.dealer_id == uow.dealer_id) & (EarningRule.state == "published")
    begins = EarningRule.effective_from
    latest = (
        select(EarningRule.code, EarningRule.version)
        .where(published, begins <= first)
        .ext(distinct_on(EarningRule.code))
        .order_by(EarningRule.code, begins.desc(), EarningRule.version.desc())
    )
    begun = tuple_(EarningRule.code, EarningRule.version).in_(latest)
    return _rules(uow, and_(published, or_(begun, and_(begins > first, begins <= last))))


def _rules(uow: UnitOfWork, condition: ColumnElement[bool]) -> list[Rule]:
    rows = uow.session.execute(
        select(
            EarningRule.code,
            EarningRule.version,
            EarningRule.effective_from,
            EarningRule.effective_until,
            cast(EarningRule.body, Text).label("body"),
        ).where(EarningRule.dealer_id == uow.dealer_id, condition)
    )
    return [
        Rule(row.code, row.version, row.effective_from, row.effective_until, _body(row.body))
        for row in rows
    ]


@lru_cache(maxsize=1024)
def _body(said: str) -> RuleBody:
    """Bodies never change, and reading one costs more than fetching it."""
    return parse(json.loads(said))


def _view(rule: EarningRule, granted: int | None) -> RuleView:
    return RuleView(
        id=rule.id,
        code=rule.code,
        version=rule.version,
        state=rule.state,
        body=rule.body,
        effective_from=rule.effective_from,
        effective_until=rule.effective_until,
        author_id=rule.author_id,
        created_at=rule.created_at,
        publisher_id=rule.publisher_id,
        published_at=rule.published_at,
        granted=granted,
    )
