"""Verify a counter code (核销): the code is used and its act done in one transaction, once (F39).

Lock order: the person's attempts, the member's account, the code. A code that is not accepted is a
record, not an error, so that failures are counted; only a refusal of the act itself is raised.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.guard import refuse_guesser
from loyalty.counter.issue import COLUMN
from loyalty.counter.models import CounterCode, CounterVerification
from loyalty.counter.partner import NotHonoured, at_issuer
from loyalty.counter.subjects import Handed, Purpose, Register
from loyalty.points import ledger
from loyalty.points.own_account import refuse_own_account

TOLD_FOR: Final = timedelta(days=1)
"""How long a code that has ended is told as such; later its digits are just a wrong code."""


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WRONG_CODE = "wrong_code"
    EXPIRED = "expired"
    USED = "used"
    NOT_HONOURED = "not_honoured"


@dataclass(frozen=True, slots=True)
class Verification:
    """What an attempt came to; purpose and `what` only of a code that was accepted."""

    id: UUID
    outcome: Outcome
    purpose: Purpose | None
    what: Handed | None


@dataclass(frozen=True, slots=True)
class _Tried:
    outcome: Outcome
    code_id: UUID | None = None
    purpose: Purpose | None = None
    what: Handed | None = None


def verify(
    uow: UnitOfWork, code: str, *, issued_by: UUID | None, subjects: Register
) -> Verification:
    """Try a code of ours, or of the partner `issued_by`; who accepts it gives what it is for.

    Raises TooSoon `counter_locked`, Forbidden `own_account`, and what the act raises: the code
    stays open then, and nothing is recorded.
    """
    refuse_guesser(uow)
    issuer = issued_by or uow.dealer_id
    if issuer == uow.dealer_id:
        tried = _try(uow, code, subjects, honoured_by=None)
    else:
        tried = _try_elsewhere(uow, issuer, code, subjects)
    return _record(uow, issuer, tried)


def _try_elsewhere(uow: UnitOfWork, issuer: UUID, code: str, subjects: Register) -> _Tried:
    try:
        with at_issuer(uow, issuer) as there:
            return _try(there, code, subjects, honoured_by=uow.dealer_id)
    except NotHonoured:
        return _Tried(Outcome.NOT_HONOURED)


def _try(uow: UnitOfWork, code: str, subjects: Register, *, honoured_by: UUID | None) -> _Tried:
    row = _locked(uow, code)
    if row is None:
        return _Tried(Outcome.WRONG_CODE)
    outcome = _outcome(uow, row)
    if outcome != Outcome.ACCEPTED:
        return _Tried(outcome, row.id)
    refuse_own_account(uow, row.member_id)
    purpose = Purpose(row.purpose)
    what = subjects[purpose].act(uow, row.subject_id, honoured_by)
    _use(uow, row, honoured_by or uow.dealer_id)
    return _Tried(outcome, row.id, purpose, what)


def _locked(uow: UnitOfWork, code: str) -> CounterCode | None:
    """The open code with these digits, else the last that had them lately; read again under the
    lock of its account."""
    found = uow.session.execute(
        select(CounterCode.member_id, CounterCode.id)
        .where(
            CounterCode.dealer_id == uow.dealer_id,
            CounterCode.code_index == uow.blind(code, column=COLUMN),
            CounterCode.expires_at > uow.now - TOLD_FOR,
        )
        .order_by((CounterCode.state == "open").desc(), CounterCode.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    ledger.lock(uow, [found.member_id])
    return uow.session.scalars(
        select(CounterCode)
        .where(CounterCode.member_id == found.member_id, CounterCode.id == found.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _outcome(uow: UnitOfWork, row: CounterCode) -> Outcome:
    """One that a newer replaced has expired, as one past its time has: at that very instant."""
    if row.state == "used":
        return Outcome.USED
    alive = row.state == "open" and uow.now < row.expires_at
    return Outcome.ACCEPTED if alive else Outcome.EXPIRED


def _use(uow: UnitOfWork, row: CounterCode, honoured_by: UUID) -> None:
    row.state, row.used_at, row.used_by = "used", uow.now, uow.actor.id
    row.honoured_by = honoured_by
    uow.session.flush()
    facts = {
        "purpose": row.purpose,
        "subject_id": str(row.subject_id),
        "honoured_by": str(honoured_by),
    }
    uow.emit("counter_code.used", row.id, **facts)
    uow.audit("counter_code.used", row.id, **facts)


def _record(uow: UnitOfWork, issuer: UUID, tried: _Tried) -> Verification:
    key = new_id()
    uow.session.add(
        CounterVerification(
            id=key,
            dealer_id=uow.dealer_id,
            staff_id=UUID(uow.actor.id),
            at=uow.now,
            outcome=tried.outcome,
            issued_by=issuer,
            code_id=tried.code_id,
        )
    )
    uow.session.flush()
    uow.audit("counter_code.tried", key, outcome=tried.outcome, issued_by=str(issuer))
    return Verification(key, tried.outcome, tried.purpose, tried.what)
