"""What rules gave before, kept running through a chunk: caps, cooldowns and budgets count these.

Read once, under the locks of the accounts and of the budgets; each row then adds to it in turn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text

from kernel.unit_of_work import UnitOfWork
from loyalty.earning.rules.evaluate import Usage, cap_period, cooldown_period
from loyalty.earning.rules.rule import Rule
from loyalty.earning.usage import NOTHING_USED
from loyalty.earning.weigh import Weighed

_GRANTED: Final = text(
    "SELECT member_id, rule_code, business_on, sum(points)::bigint AS points FROM rule_grant"
    " WHERE member_id = ANY (:members) AND rule_code = ANY (:codes)"
    " AND business_on >= :first AND business_on < :last"
    " GROUP BY member_id, rule_code, business_on"
)
_BUDGETS: Final = text(
    "SELECT rule_code, rule_version, granted FROM rule_budget"
    " WHERE dealer_id = :dealer AND rule_code = ANY (:codes)"
    " ORDER BY rule_code, rule_version FOR NO KEY UPDATE"
)


class RunningUsage:
    """The usage of every member of a chunk, and of the budgets, after the rows so far."""

    def __init__(
        self, uow: UnitOfWork, members: Collection[UUID], days: Mapping[date, Sequence[Rule]]
    ) -> None:
        counted = {rule.code for rules in days.values() for rule in rules if _counts_members(rule)}
        self._counted = counted
        self._days: dict[tuple[UUID, str], dict[date, int]] = defaultdict(dict)
        self._budgets: dict[tuple[str, int], int] = {}
        if counted:
            self._read_grants(uow, members, days)
        budgeted = {rule.code for rules in days.values() for rule in rules if _has_budget(rule)}
        if budgeted:
            self._lock_budgets(uow, budgeted)

    def of(self, member: UUID, day: date, rules: Sequence[Rule]) -> Usage:
        """What the rules in force on this day find used."""
        if not self._counted and not self._budgets:
            return NOTHING_USED
        return Usage(
            by_member={
                rule.code: self._in(member, rule.code, cap_period(rule, day))
                for rule in rules
                if rule.body.caps.per_member is not None
            },
            granted={
                rule.code: self._budgets.get((rule.code, rule.version), 0)
                for rule in rules
                if _has_budget(rule)
            },
            cooling=frozenset(rule.code for rule in rules if self._cools(member, rule, day)),
        )

    def add(self, member: UUID, day: date, weighed: Weighed) -> None:
        """The grants of a row count for the rows after it."""
        for grant in weighed.evaluation.grants:
            key = (grant.rule.code, grant.rule.version)
            if key in self._budgets:
                self._budgets[key] += grant.points
            if grant.rule.code in self._counted:
                days = self._days[member, grant.rule.code]
                days[day] = days.get(day, 0) + grant.points

    def _in(self, member: UUID, code: str, period: tuple[date, date]) -> int:
        first, last = period
        days = self._days.get((member, code), {})
        return sum(points for day, points in days.items() if first <= day < last)

    def _cools(self, member: UUID, rule: Rule, day: date) -> bool:
        period = cooldown_period(rule, day)
        return period is not None and self._in(member, rule.code, period) > 0

    def _read_grants(
        self, uow: UnitOfWork, members: Collection[UUID], days: Mapping[date, Sequence[Rule]]
    ) -> None:
        periods = list(_periods(days))
        asked = {
            "members": list(members),
            "codes": list(self._counted),
            "first": min(first for first, _ in periods),
            "last": max(last for _, last in periods),
        }
        for row in uow.session.execute(_GRANTED, asked):
            self._days[row.member_id, row.rule_code][row.business_on] = row.points

    def _lock_budgets(self, uow: UnitOfWork, codes: Collection[str]) -> None:
        asked = {"dealer": uow.dealer_id, "codes": list(codes)}
        for row in uow.session.execute(_BUDGETS, asked):
            self._budgets[row.rule_code, row.rule_version] = row.granted


def _periods(days: Mapping[date, Sequence[Rule]]) -> Iterable[tuple[date, date]]:
    for day, rules in days.items():
        for rule in rules:
            if _counts_members(rule):
                yield cap_period(rule, day)
                cooling = cooldown_period(rule, day)
                if cooling is not None:
                    yield cooling


def _counts_members(rule: Rule) -> bool:
    return rule.body.caps.per_member is not None or rule.body.cooldown_days is not None


def _has_budget(rule: Rule) -> bool:
    return rule.body.caps.budget is not None
