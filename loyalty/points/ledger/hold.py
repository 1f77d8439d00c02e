"""Holds (F7): points put aside, and their one end. Also the freeze, which stops spending (F13)."""

from datetime import datetime
from uuid import UUID

from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import call, in_range, posted, refuse_unless_done
from loyalty.points.ledger.values import Posted, Source
from loyalty.points.models import PointAccount


def hold(
    uow: UnitOfWork, member_id: UUID, points: int, *, hold_id: UUID, expires_at: datetime
) -> Posted:
    """Put points aside until `expires_at`; from then on they are spendable again by themselves.

    Raises as `burn`.
    """
    in_range(points)
    posting_set = new_id()
    row = call(
        uow,
        "point_hold_points(:act, :member, :hold, :set, :points, :expires_at)",
        Source("hold", str(hold_id)),
        member=member_id,
        hold=hold_id,
        set=posting_set,
        points=points,
        expires_at=expires_at,
    )
    return posted(row, posting_set, needed=points)


def capture(
    uow: UnitOfWork,
    member_id: UUID,
    hold_id: UUID,
    points: int,
    *,
    honoured_by: UUID | None = None,
) -> Posted:
    """Spend what a hold keeps, or a part of it; the rest goes back to its lots.

    Raises NotFound `hold_not_found`, Conflict `hold_ended` and `account_frozen`, RuleViolation
    `capture_exceeds_hold`.
    """
    posting_set = new_id()
    row = call(
        uow,
        "point_capture(:act, :member, :hold, :set, :points, :honoured_by)",
        Source("capture", str(hold_id)),
        member=member_id,
        hold=hold_id,
        set=posting_set,
        points=points,
        honoured_by=honoured_by or uow.dealer_id,
    )
    return posted(row, posting_set, needed=points)


def release(uow: UnitOfWork, member_id: UUID, hold_id: UUID) -> int:
    """Give back what a hold keeps, to the same lots with their dates; what is spendable then.

    Raises NotFound `hold_not_found`, Conflict `hold_ended`.
    """
    row = call(
        uow,
        "point_release(:act, :member, :hold)",
        Source("release", str(hold_id)),
        member=member_id,
        hold=hold_id,
    )
    refuse_unless_done(row.outcome)
    return int(row.spendable)


def set_frozen(uow: UnitOfWork, member_id: UUID, *, frozen: bool) -> bool:
    """Stop or allow spending (F13); False when it was so already.

    Raises NotFound `member_not_found`.
    """
    account = uow.session.get(
        PointAccount, member_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if account is None:
        raise NotFound("member_not_found")
    changed, account.frozen = account.frozen != frozen, frozen
    return changed
