"""Debits: points taken from lots, soonest expiry first."""

from uuid import UUID

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points.ledger.calls import call, in_range, posted
from loyalty.points.ledger.earn import credit
from loyalty.points.ledger.values import Against, Credit, Posted, Source, Terms


def burn(
    uow: UnitOfWork,
    member_id: UUID,
    points: int,
    *,
    source: Source,
    honoured_by: UUID | None = None,
) -> Posted:
    """Take points from the lots that expire soonest. `honoured_by` gives the goods: the dealer
    himself unless named; for points another issued, the issuer then owes him (F18).

    Raises RuleViolation `points_out_of_range`, NotFound `member_not_found`, Conflict
    `insufficient_points` with what there is, and `account_frozen`.
    """
    return _spend(uow, member_id, points, "redemption", source, honoured_by or uow.dealer_id)


def adjust(
    uow: UnitOfWork, member_id: UUID, points: int, *, source: Source, reason: str, terms: Terms
) -> Posted:
    """Correct a balance by hand (F12): a new lot on `terms`, or points taken as a burn takes them.

    Raises as `credit` and `burn`.
    """
    if points < 0:
        return _spend(uow, member_id, -points, "adjustment", source, None, reason=reason)
    return credit(
        uow,
        member_id,
        [Credit(points, uow.dealer_id, terms)],
        source=source,
        kind="adjustment",
        against=Against.ADJUSTED,
        reason=reason,
    )


def transfer(
    uow: UnitOfWork, *, from_member: UUID, to_member: UUID, points: int, source: Source
) -> tuple[Posted, UUID]:
    """Give points to another member: they keep issuer, cost and dates (F11). With the id of the
    receiver's posting set.

    Raises as `burn`.
    """
    in_range(points)
    out, incoming = new_id(), new_id()
    row = call(
        uow,
        "point_transfer(:act, :sender, :receiver, :out, :incoming, :points)",
        source,
        sender=from_member,
        receiver=to_member,
        out=out,
        incoming=incoming,
        points=points,
    )
    return posted(row, out, needed=points), incoming


def _spend(
    uow: UnitOfWork,
    member_id: UUID,
    points: int,
    kind: str,
    source: Source,
    honoured_by: UUID | None,
    *,
    reason: str | None = None,
) -> Posted:
    in_range(points)
    posting_set = new_id()
    row = call(
        uow,
        "point_spend(:act, :member, :set, :kind, :points, :honoured_by)",
        source,
        reason=reason,
        member=member_id,
        set=posting_set,
        kind=kind,
        points=points,
        honoured_by=honoured_by,
    )
    return posted(row, posting_set, needed=points)
