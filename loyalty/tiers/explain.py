"""Why a member stands where he stands, and what is missing to rise or to stay (F28, F29).

Reckoned by the pure rules from the facts of today; the moves themselves keep their own evidence.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.members.queries import exists, models_owned
from loyalty.tiers.facts import facts_of
from loyalty.tiers.models import TierStanding
from loyalty.tiers.queries import tier_on
from loyalty.tiers.rules.ladder import Ladder, Step
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
class NextView:
    """The next level up, and the hundredths of a point that are missing."""

    tier: str
    at_least: int
    missing: int


@dataclass(frozen=True, slots=True)
class KeepView:
    """What keeps the level; below it, since when, and when he falls where to."""

    at_least: int
    missing: int
    below_since: date | None
    falls_on: date | None
    falls_to: str | None


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
    next: NextView | None
    keep: KeepView | None


def standing_of(uow: UnitOfWork, member_id: UUID) -> StandingView:
    """Where the member stands today. Raises NotFound `member_not_found`."""
    if not exists(uow.session, member_id):
        raise NotFound("member_not_found")
    today, known = uow.today, scheme_on(uow, uow.today)
    row = uow.session.get(TierStanding, member_id)
    tier, earned_tier = tier_on(uow, member_id, today), row.tier if row else None
    since = row.since_on if row else None
    if known is None:
        return StandingView(
            member_id, today, tier, earned_tier, since, None, None, [], [], None, None
        )
    scheme = known.scheme
    parts = _parts(uow, scheme, member_id)
    levels = _levels(uow, scheme.ladder, member_id)
    points = total(parts)
    at = (scheme.ladder.rank(earned_tier) or 0) if row else 0
    return StandingView(
        member_id=member_id,
        on=today,
        tier=tier,
        earned_tier=earned_tier,
        since_on=since,
        scheme_version=known.version,
        score=points,
        components=[_component(part, today) for part in parts],
        levels=levels,
        next=_next(levels, at, points),
        keep=_keep(scheme.ladder, levels, at, points, row),
    )


def _parts(uow: UnitOfWork, scheme: Scheme, member_id: UUID) -> list[Scored]:
    begin = min(first_day(part, uow.today) for part in scheme.components)
    until = uow.today + timedelta(days=1)
    facts = facts_of(uow, member_id, since=begin, until=until)
    return score(scheme.components, facts, uow.today)


def _levels(uow: UnitOfWork, ladder: Ladder, member_id: UUID) -> list[LevelView]:
    owned = uow.session.execute(models_owned(uow.today, lambda column: column == member_id))
    models = [model for _, model in owned]
    return [
        LevelView(level.code, level.name_zh, level.name_en, level.threshold(models))
        for level in ladder.levels
    ]


def _next(levels: list[LevelView], at: int, points: int) -> NextView | None:
    if at + 1 >= len(levels):
        return None
    level = levels[at + 1]
    return NextView(level.code, level.at_least, max(0, level.at_least - points))


def _keep(
    ladder: Ladder, levels: list[LevelView], at: int, points: int, row: TierStanding | None
) -> KeepView | None:
    if at == 0:
        return None
    missing = max(0, levels[at].at_least - points)
    since = row.below_since if row else None
    if since is None:
        return KeepView(levels[at].at_least, missing, None, None, None)
    earned = max(place for place, level in enumerate(levels) if level.at_least <= points)
    lower = min(earned, at - 1) if ladder.step is Step.FULL else at - 1
    return KeepView(levels[at].at_least, missing, since, ladder.falls_on(since), levels[lower].code)


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
