"""Whether so many points can be spent now, and what stands in the way: a refusal, explained."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointHold, PointLot
from loyalty.points.queries.standing import Balance, balance

MOST_LISTED: Final = 200


class Obstacle(StrEnum):
    """Why points a member has cannot be spent: 冻结, 欠分, 待生效, 占用."""

    FROZEN = "frozen"
    ARREARS = "arrears"
    PENDING = "pending"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Points that cannot be spent now. `until` is when they can, as far as that is known: pending
    points that wait for the event `awaits` lapse at `lapses_at`; a hold may end before."""

    kind: Obstacle
    points: int
    until: datetime | None = None
    awaits: str | None = None
    lapses_at: datetime | None = None
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Spendability:
    """The answer for `points`, by the same balance that a redemption decides with; `missing` is
    what the available points fall short."""

    points: int
    can_spend: bool
    missing: int
    balance: Balance
    withheld: list[Withheld]


def spendability(uow: UnitOfWork, member_id: UUID, points: int) -> Spendability:
    """Whether a member could spend these points at this instant. Raises NotFound
    `member_not_found`."""
    found = balance(uow, member_id)
    withheld = [*_pending(uow, member_id), *_held(uow, member_id)] if _in_part(found) else []
    if found.arrears:
        withheld.insert(0, Withheld(Obstacle.ARREARS, found.arrears))
    if found.frozen:
        withheld.insert(0, Withheld(Obstacle.FROZEN, found.available))
    return Spendability(
        points=points,
        can_spend=not found.frozen and points <= found.available,
        missing=max(0, points - found.available),
        balance=found,
        withheld=withheld,
    )


def _in_part(found: Balance) -> bool:
    return bool(found.pending or found.held)


def _pending(uow: UnitOfWork, member_id: UUID) -> list[Withheld]:
    rows = uow.session.execute(
        select(
            PointLot.available_at,
            PointLot.awaits,
            PointLot.cancel_at,
            func.sum(PointLot.remaining),
        )
        .where(
            PointLot.member_id == member_id,
            PointLot.open,
            PointLot.activated.is_(False),
            or_(PointLot.expires_at.is_(None), PointLot.expires_at > uow.now),
            or_(
                PointLot.available_at > uow.now,
                PointLot.available_at.is_(None)
                & or_(PointLot.cancel_at.is_(None), PointLot.cancel_at > uow.now),
            ),
        )
        .group_by(PointLot.available_at, PointLot.awaits, PointLot.cancel_at)
        .order_by(PointLot.available_at.nulls_last(), PointLot.cancel_at, PointLot.awaits)
        .limit(MOST_LISTED)
    )
    return [
        Withheld(Obstacle.PENDING, int(points), until=at, awaits=awaits, lapses_at=lapses)
        for at, awaits, lapses, points in rows
    ]


def _held(uow: UnitOfWork, member_id: UUID) -> list[Withheld]:
    holds = uow.session.scalars(
        select(PointHold)
        .where(
            PointHold.member_id == member_id,
            PointHold.state == "open",
            PointHold.expires_at > uow.now,
        )
        .order_by(PointHold.expires_at, PointHold.id)
        .limit(MOST_LISTED)
    )
    return [
        Withheld(Obstacle.HELD, hold.points, until=hold.expires_at, hold_id=hold.id)
        for hold in holds
    ]
