"""Correct a balance by hand, with a reason (F12): a little by a manager, more by two people.

A reader would break this by counting what was posted before the account is locked.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Conflict, Forbidden, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import MANAGERS
from loyalty.points import ledger
from loyalty.points.models import PointAdjustment
from loyalty.points.own_account import refuse_own_account
from loyalty.points.rules.expiry import STANDARD, expires_at

SMALL: Final = 2_000
"""Points that managers correct, for one member within `WINDOW` (api.md, who may do what)."""
WINDOW: Final = timedelta(days=30)
RULE_ID: Final = "adjustment"
RULE_VERSION: Final = 1
UNIT_COST_FEN: Final = Decimal("1.0000")


def request_adjustment(uow: UnitOfWork, *, member_id: UUID, points: int, reason: str) -> UUID:
    """Ask for points to be given (+) or taken (-). A manager posts small ones at once, as long as
    what was posted by hand for this member stays small in sum: splitting gains nothing.

    Raises RuleViolation `points_zero`, NotFound `member_not_found`, Forbidden `own_account`; when
    posted, as `ledger.adjust`.
    """
    if points == 0:
        raise RuleViolation("points_zero", pointer="/points")
    ledger.lock(uow, [member_id])
    refuse_own_account(uow, member_id)
    alone = uow.actor.role in MANAGERS and _small(uow, member_id, points)
    row = PointAdjustment(
        id=new_id(),
        dealer_id=uow.dealer_id,
        member_id=member_id,
        points=points,
        reason=reason,
        state="requested",
        single_handed=alone,
        requested_by=UUID(uow.actor.id),
        requested_at=uow.now,
        version=1,
    )
    if alone:
        row.state, row.decided_by, row.decided_at = "posted", row.requested_by, uow.now
        row.posting_set_id = _post(uow, row)
    else:
        uow.emit("adjustment.requested", row.id, points=points)
    uow.session.add(row)
    uow.session.flush()
    uow.audit("points.adjustment_requested", row.id, points=points, single_handed=alone)
    return row.id


def approve_adjustment(uow: UnitOfWork, adjustment_id: UUID, *, version: int) -> None:
    """The second person posts it. Raises as `_to_decide` and `ledger.adjust`."""
    row = _to_decide(uow, adjustment_id, version)
    row.posting_set_id = _post(uow, row)
    _decided(uow, row, "posted")


def reject_adjustment(uow: UnitOfWork, adjustment_id: UUID, *, version: int) -> None:
    """The second person refuses it: no points move. Raises as `_to_decide`."""
    row = _to_decide(uow, adjustment_id, version)
    uow.emit("adjustment.rejected", row.id, points=row.points)
    _decided(uow, row, "rejected")


def _to_decide(uow: UnitOfWork, adjustment_id: UUID, version: int) -> PointAdjustment:
    """Raises NotFound `adjustment_not_found`, Conflict `version_changed`, `adjustment_decided`,
    Forbidden `separation_of_duties`, `approval_needs_programme_admin`, `own_account`."""
    whose = select(PointAdjustment.member_id).where(PointAdjustment.id == adjustment_id)
    member_id = uow.session.scalar(whose)
    if member_id is None:
        raise NotFound("adjustment_not_found")
    ledger.lock(uow, [member_id])
    row = uow.session.get_one(PointAdjustment, adjustment_id, with_for_update=True)
    if row.version != version:
        raise Conflict("version_changed")
    if row.state != "requested":
        raise Conflict("adjustment_decided")
    if str(row.requested_by) == uow.actor.id:
        raise Forbidden("separation_of_duties")
    if uow.actor.role in MANAGERS and not _small(uow, member_id, row.points):
        raise Forbidden("approval_needs_programme_admin", most=SMALL)
    refuse_own_account(uow, row.member_id)
    return row


def _decided(uow: UnitOfWork, row: PointAdjustment, state: str) -> None:
    row.state, row.decided_by, row.decided_at = state, UUID(uow.actor.id), uow.now
    row.version += 1
    uow.session.flush()
    uow.audit(f"points.adjustment_{state}", row.id, points=row.points)


def _post(uow: UnitOfWork, row: PointAdjustment) -> UUID:
    terms = ledger.Terms(
        rule_id=RULE_ID,
        rule_version=RULE_VERSION,
        business_on=uow.today,
        available_at=uow.now,
        expires_at=expires_at(uow.today, STANDARD, zone=uow.zone),
        unit_cost_fen=UNIT_COST_FEN,
    )
    source = ledger.Source("adjustment", str(row.id))
    posted = ledger.adjust(
        uow, row.member_id, row.points, source=source, reason=row.reason, terms=terms
    )
    return posted.posting_set_id


def _small(uow: UnitOfWork, member_id: UUID, points: int) -> bool:
    """Whether the points, with all that was posted by hand of late by whomever, stay small. The
    account is locked."""
    posted = select(func.coalesce(func.sum(func.abs(PointAdjustment.points)), 0)).where(
        PointAdjustment.member_id == member_id,
        PointAdjustment.state == "posted",
        PointAdjustment.decided_at > uow.now - WINDOW,
    )
    return int(uow.session.scalars(posted).one()) + abs(points) <= SMALL
