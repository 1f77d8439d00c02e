"""Members with a value, as hypothesis makes them up: schemes, facts, cars; and how they move in."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from loyalty.tiers.models import ValueFact, ValueFactWithdrawal
from loyalty.tiers.rules.ladder import Ladder, Level, PeriodEnd, Step
from loyalty.tiers.rules.scheme import Scheme
from loyalty.tiers.rules.score import Band, Component, FactKind, Group, Measure

START = date(2026, 1, 1)
FATES = ("stands", "corrects", "withdrawn")
MODELS = ("朗逸", "辉昂")
VINS = ("LFV2A21K8A3000001", "LSVWY4180KN246094")
KINDS = (FactKind.SERVICE_ORDER, FactKind.VISIT, FactKind.CAR_PURCHASE)
MEASURES = tuple(measure for measure in Measure if measure is not Measure.GRADE)


@dataclass(frozen=True)
class Person:
    """What happens to a member: facts by day of the story, grades, and the cars of the day 0. A
    fact stands, corrects another, or was withdrawn."""

    facts: list[tuple[int, FactKind, int, str]]
    grades: list[tuple[int, str, str]]
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
        (first, Component(**{**said(second), "code": "c2"}), third), ladder
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
            st.tuples(DAYS, st.sampled_from(KINDS), st.integers(0, 60), st.sampled_from(FATES)),
            max_size=8,
        ),
        st.lists(
            st.tuples(
                DAYS,
                st.sampled_from(["finance", "other", "unheard"]),
                st.sampled_from(["stands", "withdrawn"]),
            ),
            max_size=2,
        ),
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


def said(part: Component) -> dict[str, Any]:
    return {name: getattr(part, name) for name in Component.__dataclass_fields__}


def move_in(uow: UnitOfWork, number: int, person: Person, since: date = START) -> uuid.UUID:
    """A member to whom all this happened, counted from a day."""
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
            owned_from=since + timedelta(days=begin),
            owned_until=None if end is None else since + timedelta(days=end),
        )
        add_ownership(uow, member, owned)
    for day, kind, amount, fate in person.facts:
        paid = -amount if fate == "corrects" else amount
        _fact(uow, member, since + timedelta(days=day), fate, kind=kind, amount=paid)
    for day, grade, fate in person.grades:
        _fact(
            uow,
            member,
            since + timedelta(days=day),
            fate,
            kind=FactKind.TRADE,
            amount=0,
            grade=grade,
        )
    uow.session.flush()
    return member


def _fact(uow: UnitOfWork, member: uuid.UUID, day: date, fate: str, **more: Any) -> None:
    fact = ValueFact(
        member_id=member, happened_on=day, id=uuid.uuid4(), dealer_id=uow.dealer_id,
        corrects=fate == "corrects", source="crm", source_event_id=new_id().hex,
        recorded_at=uow.now, recorded_by="crm", **more,
    )  # fmt: skip
    uow.session.add(fact)
    if fate == "withdrawn":
        uow.session.flush()
        uow.session.add(
            ValueFactWithdrawal(
                member_id=member, happened_on=day, fact_id=fact.id, dealer_id=uow.dealer_id,
                reason="x", withdrawn_at=uow.now, withdrawn_by="crm",
            )
        )  # fmt: skip
