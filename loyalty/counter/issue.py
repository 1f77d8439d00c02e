"""Issue a counter code (核销码): eight digits, told once to who asked and kept nowhere (F39)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.models import CounterCode
from loyalty.counter.subjects import Purpose
from loyalty.points import ledger
from loyalty.points.freeze import refuse_frozen

DIGITS: Final = 8
COLUMN: Final = "counter_code"


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """The one place where the digits stand besides the owner's screen."""

    id: UUID
    code: str
    expires_at: datetime


def issue(
    uow: UnitOfWork, member_id: UUID, purpose: Purpose, subject_id: UUID, *, minutes: int = 15
) -> IssuedCode:
    """Give a code for one subject of this member; an earlier open one of the subject is void.

    Raises NotFound `member_not_found`, Conflict `account_frozen`.
    """
    ledger.lock(uow, [member_id])
    refuse_frozen(uow, member_id)
    _void_earlier(uow, purpose, subject_id)
    key, expires_at = new_id(), uow.now + timedelta(minutes=minutes)
    code = _draw()
    while not _keep(uow, key, member_id, purpose, subject_id, code, expires_at):
        code = _draw()
    uow.audit("counter_code.issued", key, purpose=purpose.value, subject_id=str(subject_id))
    return IssuedCode(key, code, expires_at)


def _draw() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def _void_earlier(uow: UnitOfWork, purpose: Purpose, subject_id: UUID) -> None:
    uow.session.execute(
        update(CounterCode)
        .where(
            CounterCode.dealer_id == uow.dealer_id,
            CounterCode.purpose == purpose.value,
            CounterCode.subject_id == subject_id,
            CounterCode.state == "open",
        )
        .values(state="void")
        .execution_options(synchronize_session=False)
    )


def _keep(
    uow: UnitOfWork,
    key: UUID,
    member_id: UUID,
    purpose: Purpose,
    subject_id: UUID,
    code: str,
    expires_at: datetime,
) -> bool:
    """Whether the digits were free: no two open codes of a dealer are the same."""
    row = insert(CounterCode).values(
        member_id=member_id,
        id=key,
        dealer_id=uow.dealer_id,
        purpose=purpose.value,
        subject_id=subject_id,
        code_index=uow.blind(code, column=COLUMN),
        state="open",
        expires_at=expires_at,
        created_at=uow.now,
        created_by=uow.actor.id,
    )
    free = row.on_conflict_do_nothing(
        index_elements=["dealer_id", "code_index"], index_where=text("state = 'open'")
    )
    return uow.session.execute(free.returning(CounterCode.id)).first() is not None
