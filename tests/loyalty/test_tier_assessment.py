"""The statement that assesses many members at once decides as the rules do, one by one."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from loyalty.tiers.assess import assess_by
from loyalty.tiers.facts import SeenFact, facts_of, see_facts
from loyalty.tiers.models import MemberTier, TierStanding, ValueFact
from loyalty.tiers.rules.ladder import (
    Cause,
    Ladder,
    Level,
    PeriodEnd,
    Standing,
    Step,
    checked,
    decide,
)
from loyalty.tiers.rules.scheme import Scheme, dump, parse
from loyalty.tiers.rules.score import (
    Band,
    Component,
    FactKind,
    Group,
    Measure,
    Scored,
    score,
    total,
)
from loyalty.tiers.scheme_life import InForce
from tests.faults.rig import entered
from tests.support.shop import Shop

START = date(2026, 1, 1)
MODELS = ("朗逸", "辉昂")
VINS = ("LFV2A21K8A3000001", "LSVWY4180KN246094")
KINDS = (FactKind.SERVICE_ORDER, FactKind.VISIT, FactKind.CAR_PURCHASE)
MEASURES = tuple(measure for measure in Measure if measure is not Measure.GRADE)


class RolledBackError(Exception):
    """Nothing of an example stays."""


@dataclass(frozen=True)
class Person:
    """What happens to a member: facts by day of the story, grades, and the cars of the day 0."""

    facts: list[tuple[int, FactKind, int, bool]]
    grades: list[tuple[int, str]]
    cars: list[tuple[int, int, int | None]]


def component(number: int, measure: Measure, kinds: list[FactKind], **more: Any) -> Component:
    return Component(f"c{number}", Group.LOYALTY, measure, tuple(kinds), **more)


BANDS = st.lists(st.integers(-5, 60), min_size=1, max_size=4, unique=True).flatmap(
    lambda starts: st.tuples(*(st.integers(0, 100) for _ in starts)).map(
        lambda points: tuple(Band(*each) for each in zip(sorted(starts), points, strict=True))
    )
)
MEASURED = st.builds(
    component,
    st.just(1),
    st.sampled_from(MEASURES),
    st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
    window_days=st.integers(1, 60),
    weight=st.just(40),
    bands=BANDS,
    otherwise=st.integers(0, 100),
)
GRADED = st.builds(
    component,
    st.just(3),
    st.just(Measure.GRADE),
    st.just([FactKind.TRADE]),
    window_days=st.integers(1, 60),
    weight=st.just(20),
    grades=st.just((("finance", 90), ("other", 30))),
    otherwise=st.integers(0, 50),
)
LEVELS = st.tuples(st.integers(1, 4_000), st.integers(4_001, 9_000), st.integers(1, 4_000)).map(
    lambda at: (
        Level("base", "普通", "Base", 0),
        Level("silver", "银卡", "Silver", at[0], {"辉昂": at[2]}),
        Level("gold", "金卡", "Gold", at[1], {"朗逸": 9_500}),
    )
)
SCHEMES = st.builds(
    lambda first, second, third, ladder: Scheme(
        (first, Component(**{**_said(second), "code": "c2"}), third), ladder
    ),
    MEASURED,
    MEASURED,
    GRADED,
    st.builds(
        Ladder,
        LEVELS,
        st.integers(1, 20),
        st.sampled_from(Step),
        st.sampled_from(PeriodEnd),
    ),
)
DAYS = st.integers(0, 90)
PEOPLE = st.lists(
    st.builds(
        Person,
        st.lists(
            st.tuples(DAYS, st.sampled_from(KINDS), st.integers(0, 60), st.booleans()), max_size=8
        ),
        st.lists(st.tuples(DAYS, st.sampled_from(["finance", "other", "unheard"])), max_size=2),
        st.lists(
            st.tuples(st.integers(0, 1), st.integers(0, 40), st.none() | st.integers(41, 90)),
            max_size=2,
            unique_by=lambda car: car[0],
        ),
    ),
    min_size=1,
    max_size=4,
)
LOOKS = st.lists(DAYS, min_size=1, max_size=5, unique=True).map(sorted)


def _said(part: Component) -> dict[str, Any]:
    return {name: getattr(part, name) for name in Component.__dataclass_fields__}


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SCHEMES, PEOPLE, LOOKS)
def test_many_are_assessed_as_the_rules_assess_each(
    shop: Shop, scheme: Scheme, people: list[Person], looks: list[int]
) -> None:
    with suppress(RolledBackError), entered(shop) as uow:
        members = [_move_in(uow, number, person) for number, person in enumerate(people)]
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
            assert _assess(uow, scheme, members, on) == 0
        raise RolledBackError


def _assess(uow: UnitOfWork, scheme: Scheme, members: Sequence[uuid.UUID], on: date) -> int:
    uow.session.expire_all()
    return assess_by(uow, InForce(1, scheme), on, members)


def _by_the_rules(
    uow: UnitOfWork, scheme: Scheme, member: uuid.UUID, person: Person, on: date
) -> tuple[Standing, list[Scored], Cause | None]:
    facts = facts_of(uow, member, since=START - timedelta(days=99), until=START + timedelta(99))
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


def _move_in(uow: UnitOfWork, number: int, person: Person) -> uuid.UUID:
    name = f"T-{uuid.uuid4().hex}"
    member = enroll(uow, Enrolment("crm", name, "张三", f"138{number:08}", date(2024, 5, 1)))
    for car, begin, end in person.cars:
        owned = OwnedVehicle(
            vin=VINS[car],
            plate=None,
            model=MODELS[car],
            colour="白色",
            transmission="automatic",
            use_nature="非营运",
            owned_from=START + timedelta(days=begin),
            owned_until=None if end is None else START + timedelta(days=end),
        )
        add_ownership(uow, member, owned)
    see_facts(
        uow,
        [
            SeenFact(
                uuid.uuid4(), member, kind, START + timedelta(days=day),
                -amount if corrects else amount, corrects,
            )
            for day, kind, amount, corrects in person.facts
        ],
    )  # fmt: skip
    for day, grade in person.grades:
        _grade(uow, member, START + timedelta(days=day), grade)
    return member


def _grade(uow: UnitOfWork, member: uuid.UUID, day: date, grade: str) -> None:
    uow.session.add(
        ValueFact(
            member_id=member, happened_on=day, id=uuid.uuid4(), dealer_id=uow.dealer_id,
            kind=FactKind.TRADE, amount=0, grade=grade, corrects=False, source="crm",
            source_event_id=uuid.uuid4().hex, recorded_at=uow.now, recorded_by="crm",
        )
    )  # fmt: skip
    uow.session.flush()


@given(SCHEMES)
def test_a_scheme_said_as_json_reads_the_same(scheme: Scheme) -> None:
    assume(checked(scheme.ladder.levels) is None)
    assert parse(dump(scheme)) == scheme
