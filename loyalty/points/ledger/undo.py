"""Undoing and time (F4, F8-F10): nothing is changed, the opposite is written beside it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import call, in_range, posted, refuse_unless_done
from loyalty.points.ledger.values import MOST_POINTS, ClawedBack, DebtPolicy, Posted, Source


def restore(uow: UnitOfWork, member_id: UUID, undone: UUID, *, reason: str) -> Posted:
    """Cancel a redemption or capture, by its posting set: its points return to the lots they came
    from, with their original dates; those of a lot past its date expire at once (F8).

    Raises NotFound `posting_not_found`, Conflict `already_reversed`.
    """
    posting_set = new_id()
    row = call(
        uow,
        "point_restore(:act, :member, :set, :undone)",
        Source("reversal", str(undone)),
        reason=reason,
        member=member_id,
        set=posting_set,
        undone=undone,
    )
    return posted(row, posting_set, needed=0)


def claw_back(
    uow: UnitOfWork,
    member_id: UUID,
    points: int,
    *,
    undone: UUID,
    lots: Sequence[UUID],
    issuer_id: UUID,
    policy: DebtPolicy,
    source: Source,
    reason: str,
) -> ClawedBack:
    """Take back points of the posting set `undone`, first from its own `lots`, which are all of
    one issuer (F9); a document may have earned more than one operation may.

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`.
    """
    in_range(min(points, MOST_POINTS))
    posting_set = new_id()
    row = call(
        uow,
        "point_claw_back(:act, :member, :set, :undone, :points, :lots, :issuer, :policy)",
        source,
        reason=reason,
        member=member_id,
        set=posting_set,
        undone=undone,
        points=points,
        lots=list(lots),
        issuer=issuer_id,
        policy=policy,
    )
    refuse_unless_done(row.outcome)
    return ClawedBack(posting_set, int(row.taken), int(row.owed), int(row.written_off))


def reinstate(
    uow: UnitOfWork,
    member_id: UUID,
    lot_id: UUID,
    points: int,
    *,
    source: Source,
    reason: str,
    expires_at: datetime,
) -> Posted:
    """Give back expired points of a lot as a new lot with an end of its own (F10).

    Raises NotFound `lot_not_found`, Conflict `reinstatement_exceeds_expired` with what is left.
    """
    in_range(points)
    posting_set = new_id()
    row = call(
        uow,
        "point_reinstate(:act, :member, :set, :lot, :new_lot, :points, :expires_at)",
        source,
        reason=reason,
        member=member_id,
        set=posting_set,
        lot=lot_id,
        new_lot=new_id(),
        points=points,
        expires_at=expires_at,
    )
    if row.outcome == "too_many":
        raise Conflict("reinstatement_exceeds_expired", left=int(row.spendable))
    return posted(row, posting_set, needed=points)


def begin(uow: UnitOfWork, member_id: UUID, posting_set_id: UUID, *, event: str) -> int:
    """The event that pending points of a posting set waited for has come (F4); what is spendable.

    Raises Conflict `nothing_pending`.
    """
    row = call(
        uow,
        "point_begin(:act, :member, :set, :event)",
        Source("activation", str(posting_set_id)),
        member=member_id,
        set=posting_set_id,
        event=event,
    )
    refuse_unless_done(row.outcome)
    return int(row.spendable)
