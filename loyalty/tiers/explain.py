"""Why a member stands where he stands, and what is missing to rise or to stay (F28, F29).

Reckoned by the pure rules from the facts of today; the moves themselves keep their own evidence.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.members.queries import exists, models_owned
from loyalty.tiers.facts_known import facts_of
from loyalty.tiers.models import TierStanding
from loyalty.tiers.queries import tier_on
from loyalty.tiers.rules.ladder import Level
from loyalty.tiers.rules.progress import Held, Keep, Next, progress
from loyalty.tiers.rules.scheme import Scheme
from loyalty.tiers.rules.score import Scored, first_day, score, total
from loyalty.tiers.scheme_life import scheme_on


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A part of the score: what was measured since a day, its points, and what it adds."""

    code: str
    group: str
    measure: str
    since: date
    facts: int
    value: int | None
    grade: str | None
    points: int
    weight: int
    hundredths: int


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level, and the score from which this member has it."""

    code: str
    name_zh: str
    name_en: str
    at_least: int


@dataclass(frozen=True, slots=True)
class StandingView:
    """`tier` counts; `earned_tier` is what the score gives, another while a person has given one
    by hand. Without a scheme there is no score, and nothing to reach."""

    member_id: UUID
    on: date
    tier: str | None
    earned_tier: str | None
    since_on: date | None
    scheme_version: int | None
    score: int | None
    components: list[ComponentView]
    levels: list[LevelView]
    next: Next | None
    keep: Keep | None


def standing_of(uow: UnitOfWork, member_id: UUID) -> StandingView:
    """Where the member stands today. Raises NotFound `member_not_found`."""
    if not exists(uow.session, member_id):
        raise NotFound("member_not_found")
    today, known = uow.today, scheme_on(uow, uow.today)
    scheme = known.scheme if known else None
    row = uow.session.get(TierStanding, member_id)
    models = _models(uow, member_id)
    parts = _parts(uow, scheme, member_id) if scheme else []
    held = Held(
        tier=tier_on(uow, member_id, today),
        earned_tier=row.tier if row else None,
        since_on=row.since_on if row else None,
        below_since=row.below_since if row else None,
        score=total(parts) if scheme else None,
        models=models,
    )
    stands = progress(scheme.ladder if scheme else None, held)
    return StandingView(
        member_id=member_id,
        on=today,
        tier=held.tier,
        earned_tier=held.earned_tier,
        since_on=held.since_on,
        scheme_version=known.version if known else None,
        score=held.score,
        components=[_component(part, today) for part in parts],
        levels=[_level(level, models) for level in scheme.ladder.levels] if scheme else [],
        next=stands.next,
        keep=stands.keep,
    )


def parts_of(uow: UnitOfWork, scheme: Scheme, member_id: UUID) -> list[ComponentView]:
    """The score of today, part by part; it is the sum of their hundredths."""
    return [_component(part, uow.today) for part in _parts(uow, scheme, member_id)]


def _parts(uow: UnitOfWork, scheme: Scheme, member_id: UUID) -> list[Scored]:
    begin = min(first_day(part, uow.today) for part in scheme.components)
    until = uow.today + timedelta(days=1)
    facts = facts_of(uow, member_id, since=begin, until=until)
    return score(scheme.components, facts, uow.today)


def _models(uow: UnitOfWork, member_id: UUID) -> list[str]:
    owned = uow.session.execute(models_owned(uow.today, lambda column: column == member_id))
    return [model for _, model in owned]


def _level(level: Level, models: list[str]) -> LevelView:
    return LevelView(level.code, level.name_zh, level.name_en, level.threshold(models))


def _component(part: Scored, today: date) -> ComponentView:
    component = part.component
    return ComponentView(
        code=component.code,
        group=component.group,
        measure=component.measure,
        since=first_day(component, today),
        facts=part.facts,
        value=part.value,
        grade=part.grade,
        points=part.points,
        weight=component.weight,
        hundredths=part.hundredths,
    )
