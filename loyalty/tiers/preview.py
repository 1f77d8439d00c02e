"""How many members a scheme would move, from where to where, before it counts (F30).

The answer of the very statement that moves them, as of today; a day later facts may differ. A move
is told of the tier that counts: below a tier by hand it stays hidden.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, case, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.unit_of_work import UnitOfWork
from loyalty.members.queries import Who
from loyalty.tiers.decide import decisions
from loyalty.tiers.models import MemberTier
from loyalty.tiers.pages import PAGE_MEMBERS, of_page, pages_of
from loyalty.tiers.rules.history import Kind
from loyalty.tiers.rules.scheme import Scheme
from loyalty.tiers.scheme_life import scheme_of


class When(StrEnum):
    """A move AT_ONCE, one AFTER_GRACE unless the score recovers, or none: the tier STAYS."""

    AT_ONCE = "at_once"
    AFTER_GRACE = "after_grace"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Move:
    """So many members go from a tier (None: they have none yet) to another, and when."""

    from_tier: str | None
    to_tier: str
    when: When
    members: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a scheme would do on a day: every member is in one of the moves. `hidden_by_hand` of
    those who stay would move, had not a person given them a tier that counts today."""

    scheme_id: UUID
    on: date
    members: int
    hidden_by_hand: int
    moves: list[Move]


def preview(uow: UnitOfWork, scheme_id: UUID, *, page: int = PAGE_MEMBERS) -> Preview:
    """What would happen if this version were in force today, a page of members a statement.

    Raises NotFound `rule_not_found`.
    """
    asked = _counted(scheme_of(uow, scheme_id).scheme, uow.today, of_page)
    found: Counter[tuple[str, str, str]] = Counter()
    hidden = 0
    for part in pages_of(uow, page):
        for row in uow.session.execute(asked, part):
            found[row.at, row.tier_before or "", row.to_tier] += row.members
            hidden += row.hidden
    moves = [
        Move(before or None, to_tier, When(at), members)
        for (at, before, to_tier), members in sorted(found.items(), key=_by_tiers)
    ]
    return Preview(scheme_id, uow.today, found.total(), hidden, moves)


def _by_tiers(item: tuple[tuple[str, str, str], int]) -> tuple[str, str, str]:
    (at, before, to_tier), _ = item
    return before, to_tier, at


def _counted(scheme: Scheme, on: date, who: Who) -> Select[Any]:
    """How many members go from where to where, and how many more would without a tier by hand."""
    decided = decisions(scheme, on, who).subquery("decided")
    hand = _by_hand(on, who)
    moved, falls = decided.c.cause.is_not(None), decided.c.falls_to.is_not(None)
    when = case(
        (hand.c.tier.is_not(None), str(When.STAYS)),
        (moved, str(When.AT_ONCE)),
        (falls, str(When.AFTER_GRACE)),
        else_=str(When.STAYS),
    )
    earned = case((and_(~moved, falls), decided.c.falls_to), else_=decided.c.tier)
    before = func.coalesce(hand.c.tier, decided.c.tier_before)
    columns = [
        before.label("tier_before"),
        func.coalesce(hand.c.tier, earned).label("to_tier"),
        when.label("at"),
    ]
    hidden = func.count().filter(hand.c.tier.is_not(None), or_(moved, falls))
    return (
        select(*columns, func.count().label("members"), hidden.label("hidden"))
        .select_from(decided.outerjoin(hand, hand.c.member_id == decided.c.member_id))
        .group_by(*columns)
    )


def _by_hand(on: date, who: Who) -> Subquery:
    """The tiers by hand that count on a day: `rules.history`, said in SQL."""
    word = MemberTier
    latest = (
        select(word.member_id, word.tier, word.until_on)
        .where(word.kind == str(Kind.MANUAL), word.since_on <= on, who(word.member_id))
        .ext(distinct_on(word.member_id))
        .order_by(word.member_id, word.since_on.desc(), word.id.desc())
        .subquery("latest")
    )
    lasts = or_(latest.c.until_on.is_(None), latest.c.until_on > on)
    return (
        select(latest.c.member_id, latest.c.tier)
        .where(latest.c.tier.is_not(None), lasts)
        .subquery("hand")
    )
