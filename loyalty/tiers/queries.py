"""Reads of tiers: the tier of a business day, all words about it, and why a member stands there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.models import MemberTier
from loyalty.tiers.rules.history import History, Kind, Word
from loyalty.tiers.rules.ladder import Ladder
from loyalty.tiers.scheme_life import ladders, scheme_on


@dataclass(frozen=True, slots=True)
class TierView:
    """One word about a member's tier, with why and, for those who may know it, who said it.

    The names are those of the scheme that made it or, of one by hand, of the one in force; None
    where that does not have the tier.
    """

    id: UUID
    member_id: UUID
    kind: str
    tier: str | None
    name_zh: str | None
    name_en: str | None
    since_on: date
    until_on: date | None
    cause: str | None
    previous: str | None
    score: int | None
    scheme_version: int | None
    evidence: list[dict[str, Any]] | None
    reason: str | None
    set_by: str | None
    set_at: datetime


def tier_on(uow: UnitOfWork, member_id: UUID, day: date) -> str | None:
    """The tier a member had on a business day; None before the first one."""
    return histories(uow, [member_id])[member_id].on(day)


def histories(uow: UnitOfWork, members: Collection[UUID]) -> dict[UUID, History]:
    """All that was said about the tiers of these members."""
    rows = uow.session.execute(
        select(
            MemberTier.member_id,
            MemberTier.id,
            MemberTier.kind,
            MemberTier.tier,
            MemberTier.since_on,
            MemberTier.until_on,
        ).where(MemberTier.member_id.in_(members))
    )
    words: dict[UUID, list[Word]] = {member: [] for member in members}
    for row in rows:
        word = Word(row.since_on, str(row.id), Kind(row.kind), row.tier, row.until_on)
        words[row.member_id].append(word)
    return {member: History(said) for member, said in words.items()}


def get_tier(uow: UnitOfWork, member_id: UUID, tier_id: UUID) -> TierView:
    """One word. Raises NotFound `member_not_found` when there is none."""
    row = uow.session.get(MemberTier, (member_id, tier_id))
    if row is None:
        raise NotFound("member_not_found")
    return _views(uow, [row])[0]


def list_tiers(
    uow: UnitOfWork, member_id: UUID, *, before: UUID | None, limit: int
) -> list[TierView]:
    """What was said about a member's tier, the latest word first."""
    rows = select(MemberTier).where(MemberTier.member_id == member_id)
    if before:
        rows = rows.where(MemberTier.id < before)
    found = uow.session.scalars(rows.order_by(MemberTier.id.desc()).limit(limit))
    return _views(uow, found.all())


def without_staff(said: TierView) -> TierView:
    """As the owner sees it: why by its cause, and nothing of who wrote what."""
    return replace(said, reason=None, set_by=None)


def _views(uow: UnitOfWork, rows: Sequence[MemberTier]) -> list[TierView]:
    made = {row.scheme_version for row in rows if row.scheme_version is not None}
    by_version: dict[int | None, Ladder] = dict(ladders(uow, made).items())
    if any(row.scheme_version is None for row in rows) and (known := scheme_on(uow, uow.today)):
        by_version[None] = known.scheme.ladder
    return [_view(row, by_version.get(row.scheme_version)) for row in rows]


def _view(row: MemberTier, ladder: Ladder | None) -> TierView:
    level = ladder.level(row.tier) if ladder else None
    return TierView(
        id=row.id,
        member_id=row.member_id,
        kind=row.kind,
        tier=row.tier,
        name_zh=level.name_zh if level else None,
        name_en=level.name_en if level else None,
        since_on=row.since_on,
        until_on=row.until_on,
        cause=row.cause,
        previous=row.previous,
        score=row.score,
        scheme_version=row.scheme_version,
        evidence=row.evidence,
        reason=row.reason,
        set_by=row.set_by,
        set_at=row.set_at,
    )
