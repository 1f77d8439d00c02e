"""What was granted before: what caps, cooldowns and budgets count (F20).

A member's own usage is read under his account's lock; budgets are shared by all members, so their
rows are locked too before anything is taken from them: after the accounts, in the order of codes.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Text,
    bindparam,
    select,
    text,
    tuple_,
    update,
)

from kernel.unit_of_work import UnitOfWork
from loyalty.earning.models import RuleBudget
from loyalty.earning.rules.evaluate import (
    Evaluation,
    Usage,
    cap_period,
    cooldown_period,
)
from loyalty.earning.rules.rule import Rule

NOTHING_USED: Final = Usage({}, {}, frozenset())
_ADMITTED: Final = frozenset({None, "excluded_by_group", "cap_member", "cap_budget", "zero"})
"""What the explanation says of a rule whose conditions are met, whatever was used up."""

_GRANTED = text(
    "SELECT asked.code, sum(rule_grant.points)::bigint AS points"
    " FROM unnest(:codes, :firsts, :afters) AS asked (code, first, after)"
    " JOIN rule_grant ON rule_grant.member_id = :member AND rule_grant.rule_code = asked.code"
    " AND rule_grant.business_on >= asked.first AND rule_grant.business_on < asked.after"
    " GROUP BY asked.code"
).bindparams(
    bindparam("codes", type_=ARRAY(Text)),
    bindparam("firsts", type_=ARRAY(Date)),
    bindparam("afters", type_=ARRAY(Date)),
)


def usage_of(uow: UnitOfWork, member_id: UUID, on: date, rules: Sequence[Rule]) -> Usage:
    """What these rules have granted, as it counts for a document of this member and day."""
    capped = {
        rule.code: cap_period(rule, on) for rule in rules if rule.body.caps.per_member is not None
    }
    cooling = {rule.code: days for rule in rules if (days := cooldown_period(rule, on)) is not None}
    return Usage(
        by_member=_granted(uow, member_id, capped),
        granted=_spent(uow, [rule for rule in rules if rule.body.caps.budget is not None]),
        cooling=frozenset(_granted(uow, member_id, cooling)),
    )


def contended(evaluation: Evaluation, rules: Sequence[Rule], usage: Usage) -> list[Rule]:
    """The rules whose budget has something left that this document might get."""
    admitted = {each.code for each in evaluation.considered if each.reason in _ADMITTED}
    return [
        rule
        for rule in rules
        if rule.code in admitted
        and rule.body.caps.budget is not None
        and usage.granted.get(rule.code, 0) < rule.body.caps.budget
    ]


def lock_budgets(uow: UnitOfWork, rules: Collection[Rule]) -> dict[str, int]:
    """Lock the budgets of these versions until the end of the transaction, in the order of their
    codes; what each has granted, by code. The accounts are locked before."""
    rows = uow.session.execute(
        select(RuleBudget.rule_code, RuleBudget.granted)
        .where(_of(uow, rules))
        .order_by(RuleBudget.rule_code)
        .with_for_update()
    )
    return {row.rule_code: row.granted for row in rows}


def take_budgets(uow: UnitOfWork, taken: Mapping[tuple[str, int], int]) -> None:
    """Count points by code and version against budgets that `lock_budgets` has locked; the table
    itself refuses more than there is."""
    for (code, version), points in sorted(taken.items()):
        uow.session.execute(
            update(RuleBudget)
            .where(
                RuleBudget.dealer_id == uow.dealer_id,
                RuleBudget.rule_code == code,
                RuleBudget.rule_version == version,
            )
            .values(granted=RuleBudget.granted + points)
        )


def _granted(
    uow: UnitOfWork, member_id: UUID, periods: Mapping[str, tuple[date, date]]
) -> dict[str, int]:
    if not periods:
        return {}
    asked = {
        "member": member_id,
        "codes": list(periods),
        "firsts": [first for first, _ in periods.values()],
        "afters": [after for _, after in periods.values()],
    }
    return {row.code: row.points for row in uow.session.execute(_GRANTED, asked)}


def _spent(uow: UnitOfWork, rules: Collection[Rule]) -> dict[str, int]:
    if not rules:
        return {}
    rows = uow.session.execute(
        select(RuleBudget.rule_code, RuleBudget.granted).where(_of(uow, rules))
    )
    return {row.rule_code: row.granted for row in rows}


def _of(uow: UnitOfWork, rules: Collection[Rule]) -> ColumnElement[bool]:
    keys = [(rule.code, rule.version) for rule in rules]
    return (RuleBudget.dealer_id == uow.dealer_id) & tuple_(
        RuleBudget.rule_code, RuleBudget.rule_version
    ).in_(keys)
