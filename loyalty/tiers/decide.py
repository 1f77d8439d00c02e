"""What a day brings to many members, as one statement: score, level, and who moves (F24 to F26).

The scheme's rules said in SQL; `rules/` says them in Python, and a property test holds both
together. Nothing is written here: the night and the preview read the same answer.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    Date,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.selectable import Subquery

from loyalty.members.queries import Who, ids_of, models_owned
from loyalty.tiers.facts_known import stands
from loyalty.tiers.models import TierStanding, ValueFact
from loyalty.tiers.rules.ladder import Cause, Ladder, PeriodEnd, Step
from loyalty.tiers.rules.scheme import Scheme
from loyalty.tiers.rules.score import Component, Measure, first_day

Column = SQLColumnExpression[Any]
"""A decision has member_id, tier_before, tier, falls_to, score, below_since, cause, evidence."""


def decisions(scheme: Scheme, on: date, who: Who) -> Select[Any]:
    """What the day brings to these members."""
    scored = _scored(scheme.components, on, who)
    # OFFSET keeps the score apart: merged into what asks for it, it is reckoned at every mention.
    whole = select(scored, _score(scheme.components, scored).label("score"))
    measured = whole.offset(0).subquery("measured")
    levels = _levels(scheme.ladder, measured, on, who)
    return _decided(scheme.ladder, scheme.components, levels, on)


def _scored(components: Sequence[Component], on: date, who: Who) -> Subquery:
    """Per member, what each component measures: `n<at>` its facts, `v<at>` value, `g<at>` grade."""
    members, fact = ids_of(who).subquery("who"), ValueFact
    begin = min(first_day(component, on) for component in components)
    seen = and_(
        fact.member_id == members.c.id,
        who(fact.member_id),
        fact.happened_on.between(begin, on),
        stands(),
    )
    measures = [
        column for at, component in enumerate(components) for column in _measures(at, component, on)
    ]
    return (
        select(members.c.id.label("member_id"), *measures)
        .select_from(members.outerjoin(fact, seen))
        .group_by(members.c.id)
        .subquery("scored")
    )


def _measures(at: int, component: Component, on: date) -> list[Column]:
    fact = ValueFact
    seen = and_(
        fact.kind.in_([str(kind) for kind in component.kinds]),
        fact.happened_on >= first_day(component, on),
    )
    own = and_(seen, ~fact.corrects)
    count = func.count().filter(own)
    total = func.sum(fact.amount).filter(seen)
    latest = func.max(fact.happened_on).filter(own)
    value: Column = cast(null(), Integer)
    grade: list[Column] = []
    match component.measure:
        case Measure.COUNT:
            value = count
        case Measure.SUM:
            value = func.coalesce(total, 0)
        case Measure.AVERAGE:
            value = func.floor(total / func.nullif(count, 0))
        case Measure.DAYS_SINCE:
            value = cast(literal(on, Date) - latest, Integer)
        case Measure.CYCLE_DAYS:
            first = func.min(fact.happened_on).filter(own)
            value = cast(latest - first, Integer) // func.nullif(count - 1, 0)
        case Measure.GRADE:
            words = aggregate_order_by(fact.grade, fact.happened_on.desc(), fact.id.desc())
            grade = [func.array_agg(words).filter(own)[1].label(f"g{at}")]
    return [count.label(f"n{at}"), value.label(f"v{at}"), *grade]


def _points(at: int, component: Component, scored: Subquery) -> Column:
    """The points of a component, by its bands from the highest down."""
    if component.measure is Measure.GRADE:
        word = scored.c[f"g{at}"]
        return case(dict(component.grades), value=word, else_=component.otherwise)
    value = scored.c[f"v{at}"]
    bands = [(value >= band.at_least, band.points) for band in reversed(component.bands)]
    return case(*bands, else_=component.otherwise)


def _score(components: Sequence[Component], scored: Subquery) -> Column:
    parts = [
        _points(at, component, scored) * component.weight for at, component in enumerate(components)
    ]
    return sum(parts[1:], start=parts[0])


def _levels(ladder: Ladder, measured: Subquery, on: date, who: Who) -> Subquery:
    """Members with the rank their score gives, and where they stand now."""
    standing = TierStanding
    same = and_(standing.member_id == measured.c.member_id, who(standing.member_id))
    joined = measured.outerjoin(standing, same)
    thresholds: list[Column] = [literal(level.at_least) for level in ladder.levels]
    if any(level.by_model for level in ladder.levels):
        cars = _thresholds(ladder, on, who)
        joined = joined.outerjoin(cars, cars.c.member_id == measured.c.member_id)
        thresholds = [
            func.coalesce(cars.c[f"t{rank}"], least) for rank, least in enumerate(thresholds)
        ]
    earned = [
        (measured.c.score >= threshold, rank)
        for rank, threshold in reversed(list(enumerate(thresholds)))
    ]
    ranks = {level.code: rank for rank, level in enumerate(ladder.levels)}
    return (
        select(
            measured,
            case(*earned, else_=0).label("earned"),
            standing.tier.label("tier_before"),
            case(ranks, value=standing.tier, else_=null()).label("rank"),
            standing.score.label("score_before"),
            standing.since_on,
            standing.below_since.label("below_before"),
        )
        .select_from(joined)
        .where(
            or_(
                standing.member_id.is_(None),
                func.greatest(standing.since_on, standing.below_since) <= on,
            )
        )
        .subquery("levels")
    )


def _thresholds(ladder: Ladder, on: date, who: Who) -> Subquery:
    """The thresholds of owners: of several cars, the lowest counts."""
    cars = models_owned(on, who).subquery("cars")
    columns = [
        func.min(
            case(dict(level.by_model), value=cars.c.model, else_=level.at_least)
            if level.by_model
            else literal(level.at_least)
        ).label(f"t{rank}")
        for rank, level in enumerate(ladder.levels)
    ]
    return select(cars.c.member_id, *columns).group_by(cars.c.member_id).subquery("owners")


def _decided(
    ladder: Ladder, components: Sequence[Component], levels: Subquery, on: date
) -> Select[Any]:
    """`rules.ladder.decide`, said in SQL."""
    rank, earned = levels.c.rank, levels.c.earned
    known, today = levels.c.tier_before.is_not(None), literal(on, Date)
    since = func.coalesce(levels.c.below_before, today)
    falls = and_(earned < rank, _falls_on(ladder, since) <= today)
    lower = _lower(ladder, rank, earned)
    new_rank = case((or_(rank.is_(None), earned >= rank), earned), (falls, lower), else_=rank)
    below = case(
        (or_(rank.is_(None), earned >= rank), null()),
        (and_(falls, lower > earned), today),
        (falls, null()),
        else_=since,
    )
    cause = case(
        (~known, str(Cause.FIRST)),
        (rank.is_(None), str(Cause.REPLACED)),
        (earned > rank, str(Cause.PROMOTED)),
        (falls, str(Cause.DEMOTED)),
        else_=null(),
    )
    codes = {at: level.code for at, level in enumerate(ladder.levels)}
    return select(
        levels.c.member_id,
        levels.c.tier_before,
        case(codes, value=new_rank).label("tier"),
        case((new_rank > earned, case(codes, value=_lower(ladder, new_rank, earned)))).label(
            "falls_to"
        ),
        levels.c.score,
        cast(below, Date).label("below_since"),
        cause.label("cause"),
        levels.c.score_before,
        levels.c.below_before,
        _evidence(components, levels).label("evidence"),
    )


def _lower(ladder: Ladder, rank: Column, earned: Column) -> Column:
    """The rank of who falls from one."""
    return earned if ladder.step is Step.FULL else rank - 1


def _falls_on(ladder: Ladder, since: Column) -> Column:
    """`Ladder.falls_on`, said in SQL."""
    grace_ends = since + ladder.grace_days
    if ladder.period_end is PeriodEnd.NONE:
        return grace_ends
    unit = str(ladder.period_end)
    length = {"month": "1 month", "quarter": "3 months", "year": "1 year"}[unit]
    begun = func.date_trunc(unit, since)
    over = cast(begun + literal_column(f"interval '{length}'"), Date)
    return func.greatest(grace_ends, over)


def _evidence(components: Sequence[Component], levels: Subquery) -> Column:
    """What the score was made of, as JSON."""
    parts = [
        func.jsonb_build_object(
            "code", component.code,
            "facts", levels.c[f"n{at}"],
            "value", levels.c[f"v{at}"],
            "grade", levels.c[f"g{at}"] if component.measure is Measure.GRADE else null(),
            "points", _points(at, component, levels),
            "weight", component.weight,
        )
        for at, component in enumerate(components)
    ]  # fmt: skip
    return func.jsonb_build_array(*parts)
