"""Give back points that expired (F10): a new lot with its own end, never more than expired."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Forbidden
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.adjust import SMALL, WINDOW
from loyalty.points.models import PointLot, PostingSet
from loyalty.points.own_account import refuse_own_account
from loyalty.points.rules.expiry import Mode, Policy, Round, expires_at

SOURCE: Final = "reinstatement"


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """Points given back: from `lot_id`, as `new_lot_id`; `id` is the posting set."""

    id: UUID
    member_id: UUID
    lot_id: UUID
    new_lot_id: UUID
    points: int
    available_at: datetime | None
    expires_at: datetime | None
    spendable: int


def reinstate(
    uow: UnitOfWork, *, member_id: UUID, lot_id: UUID, points: int, months: int, reason: str
) -> Reinstatement:
    """Give back expired points of a lot until the end of the day `months` from now.

    A manager gives back at most `SMALL` points to one member within `WINDOW`. Raises NotFound
    `member_not_found`, `lot_not_found`, Forbidden `own_account` and
    `approval_needs_programme_admin`, Conflict `reinstatement_exceeds_expired`.
    """
    ledger.lock(uow, [member_id])
    refuse_own_account(uow, member_id)
    admin = uow.actor.role == Role.PROGRAMME_ADMIN
    if not admin and _given_before(uow, member_id) + points > SMALL:
        raise Forbidden("approval_needs_programme_admin", most=SMALL)
    ends = expires_at(uow.today, Policy(Mode.ROLLING, months, Round.DAY), zone=uow.zone)
    assert ends is not None
    posted = ledger.reinstate(
        uow,
        member_id,
        lot_id,
        points,
        source=ledger.Source(SOURCE, str(new_id())),
        reason=reason,
        expires_at=ends,
    )
    uow.audit("points.reinstated", member_id, points=points, lot_id=str(lot_id))
    lot = uow.session.scalars(
        select(PointLot).where(
            PointLot.member_id == member_id, PointLot.posting_set_id == posted.posting_set_id
        )
    ).one()
    return Reinstatement(
        id=posted.posting_set_id,
        member_id=member_id,
        lot_id=lot_id,
        new_lot_id=lot.id,
        points=points,
        available_at=lot.available_at,
        expires_at=lot.expires_at,
        spendable=posted.spendable,
    )


def _given_before(uow: UnitOfWork, member_id: UUID) -> int:
    given = select(func.coalesce(func.sum(PostingSet.points), 0)).where(
        PostingSet.member_id == member_id,
        PostingSet.kind == "reinstatement",
        PostingSet.actor_id == uow.actor.id,
        PostingSet.posted_at > uow.now - WINDOW,
    )
    return int(uow.session.scalars(given).one())
