"""Reads of cases, penalties and appeals: ids, codes and sums; what people said stays sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from kernel.unit_of_work import UnitOfWork
from referral.justice.models import Appeal, CaseStatement, Penalty
from referral.models import ConsultantCase
from referral.policy import policy_on


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case, until when its consultant has time to speak first, and what it cost him if it did."""

    id: UUID
    referral_id: UUID
    consultant_id: UUID
    reason: str
    state: str
    opened_at: datetime
    decided_at: datetime | None
    statements: int
    heard_by: datetime
    penalty: Penalty | None


def list_cases(
    uow: UnitOfWork, *, consultant_id: UUID | None, before: UUID | None, limit: int
) -> list[CaseView]:
    """Cases, newest first; one consultant's alone if he is named."""
    rows = _CASES.order_by(ConsultantCase.id.desc()).limit(limit)
    if consultant_id:
        rows = rows.where(ConsultantCase.consultant_id == consultant_id)
    if before:
        rows = rows.where(ConsultantCase.id < before)
    had = timedelta(days=policy_on(uow).policy.appeal_within_days)
    return [_case(row, had) for row in uow.session.execute(rows)]


def find_case(uow: UnitOfWork, referral_id: UUID) -> CaseView | None:
    """The case of a referral, if there is one."""
    row = uow.session.execute(_CASES.where(ConsultantCase.referral_id == referral_id)).first()
    had = timedelta(days=policy_on(uow).policy.appeal_within_days)
    return None if row is None else _case(row, had)


def list_penalties(
    uow: UnitOfWork, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[Penalty]:
    """The dealer's penalties, newest first."""
    rows = select(Penalty).order_by(Penalty.id.desc()).limit(limit)
    if state:
        rows = rows.where(Penalty.state == state)
    if before:
        rows = rows.where(Penalty.id < before)
    return uow.session.scalars(rows).all()


def list_appeals(
    uow: UnitOfWork, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[Appeal]:
    """The dealer's appeals, newest first."""
    rows = select(Appeal).order_by(Appeal.id.desc()).limit(limit)
    if state:
        rows = rows.where(Appeal.state == state)
    if before:
        rows = rows.where(Appeal.id < before)
    return uow.session.scalars(rows).all()


def appeals_of(uow: UnitOfWork, referral_id: UUID) -> Sequence[Appeal]:
    """Every appeal on a referral, oldest first."""
    rows = select(Appeal).where(Appeal.referral_id == referral_id).order_by(Appeal.id)
    return uow.session.scalars(rows).all()


_CASES = (
    select(
        ConsultantCase,
        Penalty,
        select(func.count())
        .where(CaseStatement.case_id == ConsultantCase.id)
        .correlate(ConsultantCase)
        .scalar_subquery(),
    )
    .outerjoin(Penalty, Penalty.case_id == ConsultantCase.id)
    .execution_options(populate_existing=True)
)


def _case(found: Any, had: timedelta) -> CaseView:
    row, penalty, statements = found
    return CaseView(
        id=row.id,
        referral_id=row.referral_id,
        consultant_id=row.consultant_id,
        reason=row.reason,
        state=row.state,
        opened_at=row.opened_at,
        decided_at=row.decided_at,
        statements=statements,
        heard_by=row.opened_at + had,
        penalty=penalty,
    )
