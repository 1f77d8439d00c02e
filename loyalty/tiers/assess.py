"""Give members the tier their value earns (F26): at once for one, every night for all.

Whoever does not move is only read. Who does is locked first and decided again: what was read before
the lock may have been overtaken.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Uuid, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from kernel.outbox import OutboxEvent
from kernel.unit_of_work import UnitOfWork
from loyalty.members.queries import Who
from loyalty.points import ledger
from loyalty.tiers.decide import decisions
from loyalty.tiers.models import MemberTier, TierStanding
from loyalty.tiers.rules.history import Kind
from loyalty.tiers.scheme_life import InForce, scheme_on


def assess(uow: UnitOfWork, members: Sequence[UUID]) -> None:
    """What today brings to these members: a rise at once, the begin or end of a grace."""
    if known := scheme_on(uow, uow.today):
        assess_by(uow, known, uow.today, members)


def assess_by(uow: UnitOfWork, known: InForce, on: date, members: Sequence[UUID]) -> int:
    """The same by a scheme at hand; how many got another tier. Done twice, the second changes
    nothing; a day before a member's last move does not move him."""
    found = uow.session.scalars(movers(known, on, these(members)))
    return move(uow, known, on, found.all())


def movers(known: InForce, on: date, who: Who) -> Select[Any]:
    """A statement for the members of whom a day changes anything."""
    moving = _changes(known, on, who).subquery("moving")
    return select(moving.c.member_id).order_by(moving.c.member_id)


def move(uow: UnitOfWork, known: InForce, on: date, members: Sequence[UUID]) -> int:
    """Lock these members, decide again and write it down; how many got another tier."""
    if not members:
        return 0
    changed = _changes(known, on, these(members)).cte("changed")
    written = (_stand(uow, known, on, changed), _tell(uow, known, on, changed), _emit(uow, changed))
    count = select(func.count()).select_from(changed).where(changed.c.cause.is_not(None))
    ledger.lock(uow, members)
    return uow.session.scalars(count.add_cte(*written)).one()


def these(members: Sequence[UUID]) -> Who:
    """A condition for these members, as one parameter however many they are."""
    listed = literal(list(members), ARRAY(Uuid))
    return lambda column: column == any_(listed)


def _changes(known: InForce, on: date, who: Who) -> Select[Any]:
    """Decisions that are to be written: another tier, grace or score."""
    decided = decisions(known.scheme, on, who).subquery("decided")
    return select(decided).where(
        or_(
            decided.c.cause.is_not(None),
            decided.c.below_since.is_distinct_from(decided.c.below_before),
            decided.c.score.is_distinct_from(decided.c.score_before),
        )
    )


def _stand(uow: UnitOfWork, known: InForce, on: date, changed: CTE) -> CTE:
    columns = {
        "member_id": changed.c.member_id,
        "dealer_id": literal(uow.dealer_id),
        "tier": changed.c.tier,
        "score": changed.c.score,
        "since_on": literal(on),
        "below_since": changed.c.below_since,
        "scheme_version": literal(known.version),
    }
    made = insert(TierStanding).from_select(list(columns), select(*columns.values()))
    told, stood = made.excluded, TierStanding.__table__.c
    return made.on_conflict_do_update(
        index_elements=["member_id"],
        set_={
            "tier": told.tier,
            "score": told.score,
            "since_on": case((stood.tier == told.tier, stood.since_on), else_=told.since_on),
            "below_since": told.below_since,
            "scheme_version": told.scheme_version,
        },
    ).cte("stood")


def _tell(uow: UnitOfWork, known: InForce, on: date, changed: CTE) -> CTE:
    """A word for each move, with what showed it; the account's lock is held, so that the latest
    move has the highest id and counts."""
    columns = {
        "member_id": changed.c.member_id,
        "id": func.tier_new_word(changed.c.member_id, uow.now),
        "dealer_id": literal(uow.dealer_id),
        "kind": literal(str(Kind.EARNED)),
        "tier": changed.c.tier,
        "since_on": literal(on),
        "cause": changed.c.cause,
        "previous": changed.c.tier_before,
        "score": changed.c.score,
        "scheme_version": literal(known.version),
        "evidence": changed.c.evidence,
        "reason": changed.c.cause,
        "set_by": literal(uow.actor.id),
        "set_at": literal(uow.now),
    }
    return insert(MemberTier).from_select(list(columns), _moved(changed, columns)).cte("told")


def _emit(uow: UnitOfWork, changed: CTE) -> CTE:
    facts = func.jsonb_build_object(
        "tier", changed.c.tier, "previous", changed.c.tier_before, "cause", changed.c.cause
    )
    columns = {
        "dealer_id": literal(uow.dealer_id),
        "kind": literal("tier.changed"),
        "subject_id": changed.c.member_id,
        "data": facts,
        "occurred_at": literal(uow.now),
        "request_id": literal(uow.request_id),
    }
    return insert(OutboxEvent).from_select(list(columns), _moved(changed, columns)).cte("emitted")


def _moved(changed: CTE, columns: dict[str, Any]) -> Select[Any]:
    return select(*columns.values()).where(changed.c.cause.is_not(None))
