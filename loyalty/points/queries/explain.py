"""Why a balance was what it was: the lots that made it, each with its document and its history.

Counted forwards from the first entry on, and compared with the balance, which is counted backwards
from what is stored: the two share no table but that of the lots' dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text

from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointLot, PostingSet
from loyalty.points.queries.holds import OPEN_THEN, kept
from loyalty.points.queries.lot_changes import LotChange, changes_of
from loyalty.points.queries.moment import Moment, moment_of
from loyalty.points.queries.one_posting import LotFacts, facts_of
from loyalty.points.queries.standing import Balance, balance_at
from loyalty.points.queries.statement_lines import sets_of

MOST_LOTS: Final = 200
_FORWARDS: Final = text(f"""
WITH kept AS ({kept(OPEN_THEN)}), overdue AS (
    SELECT lot_id, sum(points) AS points FROM kept WHERE overdue GROUP BY lot_id
), moved AS (
    SELECT e.lot_id,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'available'), 0) AS available,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'pending'), 0) AS pending,
           COALESCE(sum(e.points) FILTER (WHERE e.account = 'held'), 0) AS held
    FROM posting_set s
    JOIN point_entry e ON e.member_id = s.member_id AND e.posting_set_id = s.id
    WHERE s.member_id = :member AND s.account_version < :cut
        AND e.side = 'member' AND e.lot_id IS NOT NULL
    GROUP BY e.lot_id
)
SELECT l.id, l.available_at, l.cancel_at, l.expires_at, moved.available, moved.pending, moved.held,
       COALESCE(overdue.points, 0) AS overdue
FROM moved
JOIN point_lot l ON l.member_id = :member AND l.id = moved.lot_id
LEFT JOIN overdue ON overdue.lot_id = l.id
WHERE (moved.available, moved.pending, moved.held) <> (0, 0, 0)
ORDER BY l.expires_at NULLS LAST, l.id
""")  # noqa: S608 (constants)
_OWED: Final = text("""
SELECT COALESCE(-sum(e.points), 0)
FROM point_entry e JOIN posting_set s ON s.member_id = e.member_id AND s.id = e.posting_set_id
WHERE e.member_id = :member AND e.account = 'arrears' AND s.account_version < :cut
""")


@dataclass(frozen=True, slots=True)
class Left:
    """What a lot still had; `settles` of it time had already put against arrears."""

    lot_id: UUID
    available: int
    pending: int
    held: int
    settles: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The act that opened a lot, and the source document behind it, if there is one."""

    posting_set_id: UUID
    kind: str
    source: str
    id: str
    document_id: UUID | None
    document_kind: str | None


@dataclass(frozen=True, slots=True)
class ExplainedLot:
    """One lot of a balance: what was left, where it came from, what changed it, latest last.

    `earlier_changes` counts those that are not listed.
    """

    left: Left
    facts: LotFacts
    origin: Origin
    changes: list[LotChange]
    earlier_changes: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A balance and its lots by id, at most 200 a page; `next_after` is where the next begins."""

    balance: Balance
    lots_in_all: int
    adds_up: bool
    lots: list[ExplainedLot]
    next_after: UUID | None


def explain_balance(
    uow: UnitOfWork, member_id: UUID, *, as_of: date | datetime | None, after: UUID | None
) -> Explanation:
    """Every lot with points at the moment, those with an id beyond `after` when given (F14).

    `adds_up` is false when lots and balance disagree: then the books are broken (ledger.md, I2).
    Raises NotFound `member_not_found`, RuleViolation `as_of_in_the_future`.
    """
    moment = moment_of(uow, member_id, as_of)
    told = balance_at(uow, member_id, moment)
    lots, owed = _forwards(uow, member_id, moment)
    adds_up = (told.available, told.pending, told.held, told.arrears) == (
        sum(lot.available for lot in lots),
        sum(lot.pending for lot in lots),
        sum(lot.held for lot in lots),
        owed,
    )
    by_id = sorted((lot for lot in lots if after is None or lot.lot_id > after), key=_by_id)
    shown, more = by_id[:MOST_LOTS], len(by_id) > MOST_LOTS
    return Explanation(
        balance=told,
        lots_in_all=len(lots),
        adds_up=adds_up,
        lots=_explained(uow, member_id, moment, shown),
        next_after=shown[-1].lot_id if more else None,
    )


def _by_id(lot: Left) -> UUID:
    return lot.lot_id


def _forwards(uow: UnitOfWork, member_id: UUID, moment: Moment) -> tuple[list[Left], int]:
    """What each lot still had, arrears settled from those that end soonest; what was owed then."""
    given = {"member": member_id, "at": moment.at, "cut": moment.cut}
    owed = int(uow.session.execute(_OWED, given).scalar_one())
    lots = []
    for row in uow.session.execute(_FORWARDS, given):
        available, pending = _in_time(row, moment.at)
        settles = min(owed, available)
        owed -= settles
        left = Left(row.id, available - settles, pending, int(row.held - row.overdue), settles)
        if left.available or left.pending or left.held or left.settles:
            lots.append(left)
    return lots, owed


def _in_time(row: Row[Any], at: datetime) -> tuple[int, int]:
    """Available and pending points of a lot after what time has brought about, written or not."""
    begun, waiting = int(row.available + row.overdue), int(row.pending)
    if row.expires_at is not None and row.expires_at <= at:
        return 0, 0
    if row.available_at is not None and row.available_at <= at:
        return begun + waiting, 0
    if row.available_at is None and row.cancel_at is not None and row.cancel_at <= at:
        return begun, 0
    return begun, waiting


def _explained(
    uow: UnitOfWork, member_id: UUID, moment: Moment, shown: Sequence[Left]
) -> list[ExplainedLot]:
    keys = [left.lot_id for left in shown]
    wanted = select(PointLot).where(PointLot.member_id == member_id, PointLot.id.in_(keys))
    lots = {lot.id: lot for lot in uow.session.scalars(wanted)}
    origins = _origins(uow, member_id, {lot.posting_set_id for lot in lots.values()})
    changes = changes_of(uow, member_id, keys, cut=moment.cut)
    return [
        ExplainedLot(
            left=left,
            facts=_as_known(facts_of(lots[left.lot_id]), moment.at),
            origin=origins[lots[left.lot_id].posting_set_id],
            changes=changes[left.lot_id][0],
            earlier_changes=changes[left.lot_id][1],
        )
        for left in shown
    ]


def _as_known(facts: LotFacts, at: datetime) -> LotFacts:
    """Without the day of an event that had not come by then."""
    if facts.awaits and facts.available_at and facts.available_at > at:
        return replace(facts, available_at=None)
    return facts


def _origins(uow: UnitOfWork, member_id: UUID, sets: set[UUID]) -> dict[UUID, Origin]:
    rows = uow.session.execute(sets_of(member_id).where(PostingSet.id.in_(sets)))
    return {
        opened.id: Origin(
            posting_set_id=opened.id,
            kind=opened.kind,
            source=opened.source,
            id=opened.source_key,
            document_id=document_id,
            document_kind=document_kind,
        )
        for opened, document_id, document_kind in rows
    }
