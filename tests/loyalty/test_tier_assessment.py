"""The statement that assesses many members at once decides as the rules do, one by one."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, assume, given, settings
from sqlalchemy import Text, func, literal_column, select

from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.assess import assess_by, movers, these
from loyalty.tiers.facts_known import facts_of
from loyalty.tiers.models import MemberTier, TierStanding
from loyalty.tiers.rules.ladder import (
    Cause,
    Standing,
    checked,
    decide,
)
from loyalty.tiers.rules.scheme import Scheme, dump, parse
from loyalty.tiers.rules.score import (
    Scored,
    score,
    total,
)
from loyalty.tiers.scheme_life import InForce
from tests.faults.rig import entered
from tests.support.shop import Shop
from tests.support.valued import LOOKS, MODELS, PEOPLE, SCHEMES, START, Person, move_in


class RolledBackError(Exception):
    """Nothing of an example stays."""


@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SCHEMES, PEOPLE, LOOKS)
def test_many_are_assessed_as_the_rules_assess_each(
    shop: Shop, scheme: Scheme, people: list[Person], looks: list[int]
) -> None:
    with suppress(RolledBackError), entered(shop) as uow:
        members = [move_in(uow, number, person) for number, person in enumerate(people)]
        for look in looks:
            on = START + timedelta(days=look)
            expected = {
                member: _by_the_rules(uow, scheme, member, person, on)
                for member, person in zip(members, people, strict=True)
            }
            moved = _assess(uow, scheme, members, on)
            assert moved == sum(cause is not None for *_, cause in expected.values())
            for member, (standing, parts, cause) in expected.items():
                _agree(uow, scheme, member, standing, parts, cause)
            stood = _rows(uow, members)
            again = movers(InForce(1, scheme), on, these(members))
            assert uow.session.scalars(again).all() == []
            assert _assess(uow, scheme, members, on) == 0
            assert _rows(uow, members) == stood
        raise RolledBackError


def _rows(uow: UnitOfWork, members: Sequence[uuid.UUID]) -> list[str]:
    """All that is written about the tiers of these members."""
    found: list[str] = []
    for table in (TierStanding, MemberTier):
        whole = func.to_jsonb(literal_column(table.__tablename__)).cast(Text)
        found += uow.session.scalars(select(whole).where(table.member_id.in_(members)))
    return sorted(found)


def _assess(uow: UnitOfWork, scheme: Scheme, members: Sequence[uuid.UUID], on: date) -> int:
    uow.session.expire_all()
    return assess_by(uow, InForce(1, scheme), on, members)


def _by_the_rules(
    uow: UnitOfWork, scheme: Scheme, member: uuid.UUID, person: Person, on: date
) -> tuple[Standing, list[Scored], Cause | None]:
    facts = facts_of(uow, member, since=START - timedelta(days=99), until=START + timedelta(99))
    told = [*person.facts, *person.grades]
    assert len(facts) == sum(fate != "withdrawn" for *_, fate in told)
    parts = score(scheme.components, facts, on)
    day = (on - START).days
    models = [
        MODELS[car]
        for car, begin, end in person.cars
        if begin <= day and (end is None or day < end)
    ]
    row = uow.session.get(TierStanding, member)
    rank = scheme.ladder.rank(row.tier) if row else None
    current = None if row is None or rank is None else Standing(rank, row.below_since)
    decided = decide(scheme.ladder, current, scheme.ladder.earned(total(parts), models), on)
    return decided.standing, parts, decided.cause


def _agree(
    uow: UnitOfWork,
    scheme: Scheme,
    member: uuid.UUID,
    standing: Standing,
    parts: list[Scored],
    cause: Cause | None,
) -> None:
    row = uow.session.get_one(TierStanding, member, populate_existing=True)
    tier = scheme.ladder.levels[standing.rank].code
    assert (row.tier, row.below_since, row.score) == (tier, standing.below_since, total(parts))
    if cause is None:
        return
    word = uow.session.scalars(
        select(MemberTier)
        .where(MemberTier.member_id == member)
        .order_by(MemberTier.since_on.desc(), MemberTier.id.desc())
        .limit(1)
    ).one()
    assert (word.tier, word.cause, word.score, word.since_on) == (
        *(tier, cause, total(parts)),
        row.since_on,
    )
    assert word.evidence == [
        {
            "code": part.component.code,
            "facts": part.facts,
            "value": part.value,
            "grade": part.grade,
            "points": part.points,
            "weight": part.component.weight,
        }
        for part in parts
    ]


@given(SCHEMES)
def test_a_scheme_said_as_json_reads_the_same(scheme: Scheme) -> None:
    assume(checked(scheme.ladder.levels) is None)
    assert parse(dump(scheme)) == scheme
