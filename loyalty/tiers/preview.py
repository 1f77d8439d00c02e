"""How many members a scheme would move, from where to where, before it counts (F30).

The answer of the very statement that moves them, as of today; a day later facts may differ.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, case, func, select, true

from kernel.unit_of_work import UnitOfWork
from loyalty.tiers.decide import decisions
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
    """What a scheme would do on a day: every member is in one of the moves."""

    scheme_id: UUID
    on: date
    members: int
    moves: list[Move]


def preview(uow: UnitOfWork, scheme_id: UUID) -> Preview:
    """What would happen if this version were in force today. Raises NotFound `rule_not_found`."""
    known = scheme_of(uow, scheme_id)
    decided = decisions(known.scheme, uow.today, lambda _: true()).subquery("decided")
    moved, falls = decided.c.cause.is_not(None), decided.c.falls_to.is_not(None)
    when = case((moved, str(When.AT_ONCE)), (falls, str(When.AFTER_GRACE)), else_=str(When.STAYS))
    to_tier = case((and_(~moved, falls), decided.c.falls_to), else_=decided.c.tier)
    columns = [decided.c.tier_before, to_tier.label("to_tier"), when.label("at")]
    rows = uow.session.execute(
        select(*columns, func.count().label("members")).group_by(*columns).order_by(*columns)
    )
    moves = [Move(row.tier_before, row.to_tier, When(row.at), row.members) for row in rows]
    return Preview(scheme_id, uow.today, sum(move.members for move in moves), moves)
