"""What happened to lots, act by act: the history behind what is left of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from kernel.unit_of_work import UnitOfWork

MOST_CHANGES: Final = 100
_CHANGES: Final = text("""
SELECT * FROM (
    SELECT e.lot_id, s.id, s.kind, s.posted_at, s.account_version,
           sum(e.points) AS points,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'available'), 0) AS available,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'pending'), 0) AS pending,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'held'), 0) AS held,
           row_number() OVER (PARTITION BY e.lot_id ORDER BY s.account_version DESC) AS nth,
           count(*) OVER (PARTITION BY e.lot_id) AS in_all
    FROM point_entry e JOIN posting_set s ON s.member_id = e.member_id AND s.id = e.posting_set_id
    WHERE e.member_id = :member AND e.lot_id = ANY (:lots) AND e.side = 'member'
        AND s.account_version < :cut
    GROUP BY e.lot_id, s.id, s.kind, s.posted_at, s.account_version
) change
WHERE nth <= :most ORDER BY lot_id, account_version
""")


@dataclass(frozen=True, slots=True)
class LotChange:
    """What one posting set did to a lot; `points` is the net of its three accounts: 0 for a hold
    or an activation, which only move them."""

    posting_set_id: UUID
    kind: str
    posted_at: datetime
    points: int
    available: int
    pending: int
    held: int


def changes_of(
    uow: UnitOfWork, member_id: UUID, lots: Sequence[UUID], *, cut: int
) -> dict[UUID, tuple[list[LotChange], int]]:
    """The latest 100 acts on each lot before the cut, oldest first; how many came before them."""
    given = {"member": member_id, "lots": list(lots), "cut": cut, "most": MOST_CHANGES}
    found: dict[UUID, tuple[list[LotChange], int]] = {}
    for row in uow.session.execute(_CHANGES, given):
        earlier = max(0, int(row.in_all) - MOST_CHANGES)
        listed, _ = found.setdefault(row.lot_id, ([], earlier))
        listed.append(
            LotChange(
                posting_set_id=row.id,
                kind=row.kind,
                posted_at=row.posted_at,
                points=int(row.points),
                available=int(row.available),
                pending=int(row.pending),
                held=int(row.held),
            )
        )
    return found
