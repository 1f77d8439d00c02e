"""The statement: every act on a member's points, newest first, with its reason and its document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, column, select, table

from kernel.clock import business_day, start_of_day
from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.points.models import PointAccount, PointEntry, PointLot, PostingSet
from loyalty.points.queries.moment import moment_of

DOCUMENT = table(
    "source_document",
    column("id"),
    column("dealer_id"),
    column("member_id"),
    column("source"),
    column("source_event_id"),
    column("kind"),
    column("posting_set_id"),
)


class PostingKind(StrEnum):
    """What an act on points was: 累积, 期初, 调整, 恢复, 转入, 转出, 兑换, 冲正, 追回, 占用, 扣除,
    释放, 生效, 取消, 过期, 抵欠."""

    ACCRUAL = "accrual"
    OPENING = "opening"
    ADJUSTMENT = "adjustment"
    REINSTATEMENT = "reinstatement"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    REDEMPTION = "redemption"
    REVERSAL = "reversal"
    CLAWBACK = "clawback"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    ACTIVATION = "activation"
    CANCELLATION = "cancellation"
    EXPIRY = "expiry"
    ARREARS = "arrears"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which acts to show: of one kind, posted in a half-open period (a day is its beginning),
    posted by a moment."""

    kind: PostingKind | None = None
    posted_from: date | datetime | None = None
    posted_before: date | datetime | None = None
    as_of: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class LotShare:
    """What one lot gained (+) or lost (-) on one account of the member."""

    lot_id: UUID
    account: str
    points: int
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Changes:
    """By how much each figure of the balance went up or down."""

    available: int = 0
    pending: int = 0
    held: int = 0
    arrears: int = 0


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting set as the member sees it, with the lots it opened (+) or took from (-).

    `document_id` is there if a source document caused it; `shortfall` is what a clawback wrote off.
    """

    id: UUID
    kind: str
    points: int
    business_on: date
    posted_at: datetime
    source: str
    source_key: str
    rule_id: str | None
    rule_version: int | None
    document_id: UUID | None
    reason: str | None
    reverses: UUID | None
    shortfall: int
    honoured_by: UUID | None
    changes: Changes
    lots: list[LotShare]


def statement(
    uow: UnitOfWork,
    member_id: UUID,
    *,
    before: UUID | None,
    limit: int,
    only: Filter | None = None,
) -> list[StatementLine]:
    """The member's posting sets, newest first, those older than `before` when given.

    Raises NotFound `member_not_found`, RuleViolation `as_of_in_the_future`.
    """
    if uow.session.get(PointAccount, member_id) is None:
        raise NotFound("member_not_found")
    wanted = _filtered(uow, member_id, only or Filter())
    if before:
        wanted = wanted.where(PostingSet.account_version < _version_at(member_id, before))
    newest_first = wanted.order_by(PostingSet.account_version.desc())
    return lines_of(uow, member_id, uow.session.execute(newest_first.limit(limit)).all())


def sets_of(member_id: UUID) -> Select[Any]:
    """The posting sets of a member, each with the id of its document, if it has one."""
    of_this_set = (
        (DOCUMENT.c.dealer_id == PostingSet.dealer_id)
        & (DOCUMENT.c.source == PostingSet.source)
        & (DOCUMENT.c.source_event_id == PostingSet.source_key)
        & (DOCUMENT.c.posting_set_id == PostingSet.id)
    )
    return (
        select(PostingSet, DOCUMENT.c.id, DOCUMENT.c.kind)
        .outerjoin(DOCUMENT, of_this_set)
        .where(PostingSet.member_id == member_id)
    )


def lines_of(uow: UnitOfWork, member_id: UUID, rows: Sequence[Any]) -> list[StatementLine]:
    """Rows of `sets_of` as lines, with what they did to accounts and lots."""
    entries: dict[UUID, list[PointEntry]] = {row[0].id: [] for row in rows}
    ends: dict[UUID, date | None] = {}
    for entry, end in _entries(uow, member_id, list(entries)):
        entries[entry.posting_set_id].append(entry)
        if entry.lot_id:
            ends[entry.lot_id] = business_day(end, uow.zone) if end else None
    return [_line(row[0], row[1], entries[row[0].id], ends) for row in rows]


def _filtered(uow: UnitOfWork, member_id: UUID, only: Filter) -> Select[Any]:
    wanted = sets_of(member_id)
    if only.kind:
        wanted = wanted.where(PostingSet.kind == only.kind)
    if only.posted_from:
        wanted = wanted.where(PostingSet.posted_at >= _beginning(uow, only.posted_from))
    if only.posted_before:
        wanted = wanted.where(PostingSet.posted_at < _beginning(uow, only.posted_before))
    if only.as_of:
        cut = moment_of(uow, member_id, only.as_of).cut
        wanted = wanted.where(PostingSet.account_version < cut)
    return wanted


def _beginning(uow: UnitOfWork, when: date | datetime) -> datetime:
    return when if isinstance(when, datetime) else start_of_day(when, uow.zone)


def _version_at(member_id: UUID, posting_set_id: UUID) -> ScalarSelect[int]:
    return (
        select(PostingSet.account_version)
        .where(PostingSet.member_id == member_id, PostingSet.id == posting_set_id)
        .scalar_subquery()
    )


def _entries(
    uow: UnitOfWork, member_id: UUID, sets: list[UUID]
) -> list[tuple[PointEntry, datetime | None]]:
    rows = uow.session.execute(
        select(PointEntry, PointLot.expires_at)
        .outerjoin(
            PointLot,
            (PointLot.member_id == PointEntry.member_id) & (PointLot.id == PointEntry.lot_id),
        )
        .where(
            PointEntry.member_id == member_id,
            PointEntry.posting_set_id.in_(sets),
            PointEntry.side == "member",
        )
        .order_by(PointEntry.posting_set_id, PointEntry.line)
    )
    return [(entry, end) for entry, end in rows]


def _line(
    row: PostingSet,
    document_id: UUID | None,
    entries: list[PointEntry],
    ends: dict[UUID, date | None],
) -> StatementLine:
    return StatementLine(
        id=row.id,
        kind=row.kind,
        points=row.points,
        business_on=row.business_on,
        posted_at=row.posted_at,
        source=row.source,
        source_key=row.source_key,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        document_id=document_id,
        reason=row.reason,
        reverses=row.reverses,
        shortfall=row.shortfall,
        honoured_by=row.honoured_by,
        changes=_changes(entries),
        lots=[
            LotShare(each.lot_id, each.account, each.points, ends[each.lot_id])
            for each in entries
            if each.lot_id
        ],
    )


def _changes(entries: list[PointEntry]) -> Changes:
    sums = {"available": 0, "pending": 0, "held": 0, "arrears": 0}
    for entry in entries:
        sums[entry.account] += -entry.points if entry.account == "arrears" else entry.points
    return Changes(**sums)
