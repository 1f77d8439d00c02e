"""The level a member has, what is missing to the next one, and what keeps this one (F28, F29)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from loyalty.tiers.rules.ladder import Ladder, Step


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a member: `tier` counts today, `earned_tier` is that of the last assessment,
    None before the first; the score is that of today or of the last assessment; `models` are those
    he owns."""

    tier: str | None
    earned_tier: str | None
    since_on: date | None
    below_since: date | None
    score: int | None
    models: Sequence[str]


@dataclass(frozen=True, slots=True)
class Next:
    """The level above the earned one, and the hundredths of a point that are missing."""

    tier: str
    name_zh: str
    name_en: str
    at_least: int
    missing: int | None


@dataclass(frozen=True, slots=True)
class Keep:
    """What keeps the earned level; below it, since when, and when he falls where to (保级)."""

    at_least: int
    missing: int
    below_since: date | None
    falls_on: date | None
    falls_to: str | None
    falls_to_zh: str | None
    falls_to_en: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """`tier` counts; another than `earned_tier` was given by hand."""

    tier: str | None
    name_zh: str | None
    name_en: str | None
    earned_tier: str | None
    since_on: date | None
    score: int | None
    next: Next | None
    keep: Keep | None


def progress(ladder: Ladder | None, held: Held) -> Progress:
    """Where a member stands on the ladder in force (product.md, F28); None is no ladder.

    A level that the ladder does not have any more is shown by its code alone.
    """
    level = ladder.level(held.tier) if ladder else None
    return Progress(
        tier=held.tier,
        name_zh=level.name_zh if level else None,
        name_en=level.name_en if level else None,
        earned_tier=held.earned_tier,
        since_on=held.since_on,
        score=held.score,
        next=_next(ladder, held) if ladder else None,
        keep=_keep(ladder, held) if ladder else None,
    )


def _next(ladder: Ladder, held: Held) -> Next | None:
    above = (ladder.rank(held.earned_tier) or 0) + 1
    if above >= len(ladder.levels):
        return None
    level = ladder.levels[above]
    at_least = level.threshold(held.models)
    missing = None if held.score is None else max(0, at_least - held.score)
    return Next(level.code, level.name_zh, level.name_en, at_least, missing)


def _keep(ladder: Ladder, held: Held) -> Keep | None:
    rank = ladder.rank(held.earned_tier) or 0
    if not rank or held.score is None:
        return None
    at_least = ladder.levels[rank].threshold(held.models)
    missing, since = max(0, at_least - held.score), held.below_since
    if since is None:
        return Keep(at_least, missing, None, None, None, None, None)
    earned = ladder.earned(held.score, held.models)
    lower = ladder.levels[min(earned, rank - 1) if ladder.step is Step.FULL else rank - 1]
    falls_on = ladder.falls_on(since)
    return Keep(at_least, missing, since, falls_on, lower.code, lower.name_zh, lower.name_en)
