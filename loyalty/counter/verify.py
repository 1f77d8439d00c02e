"""Verify a counter code (核销): the code is used and its act done in one transaction, once (F39).

Lock order: the person's attempts, the member's account, the code. An attempt is a record whatever
came of it, so that failures are counted: a refusal of the act is handed back, never raised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kernel.errors import DomainError
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.guard import refuse_guesser
from loyalty.counter.issue import COLUMN
from loyalty.counter.models import CounterCode, CounterVerification
from loyalty.counter.partner import NotHonoured, at_issuer
from loyalty.counter.subjects import Handed, Purpose, Register
from loyalty.points import ledger
from loyalty.points.freeze import refuse_frozen
from loyalty.points.own_account import guest_from, refuse_guests_account, refuse_own_account

TOLD_FOR: Final = timedelta(days=1)
"""How long a code that has ended is told as such; later its digits are just a wrong code."""


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WRONG_CODE = "wrong_code"
    EXPIRED = "expired"
    USED = "used"
    NOT_HONOURED = "not_honoured"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verification:
    """What an attempt came to; purpose and `what` only of a code that was accepted, `refusal` only
    of one whose act was refused: the code stays open then."""

    id: UUID
    outcome: Outcome
    purpose: Purpose | None
    what: Handed | None
    refusal: DomainError | None


@dataclass(frozen=True, slots=True)
class _Tried:
    outcome: Outcome
    code_id: UUID | None = None
    purpose: Purpose | None = None
    what: Handed | None = None
    refusal: DomainError | None = None


class _ActRefused(Exception):
    """What was done of the act is undone; which code it was for is kept."""

    def __init__(self, code_id: UUID, refusal: DomainError) -> None:
        super().__init__(refusal.code)
        self.code_id = code_id
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Desk:
    """Whose desk tries the code: who gives it, and how he is kept from giving to himself."""

    subjects: Register
    honoured_by: UUID | None
    refuse_own: Callable[[UnitOfWork, UUID], None]


def verify(
    uow: UnitOfWork, code: str, *, issued_by: UUID | None, subjects: Register
) -> Verification:
    """Try a code of ours, or of the partner `issued_by`; who accepts it gives what it is for.

    Raises TooSoon `counter_locked`. The `refusal` is Forbidden `own_account`, Conflict
    `account_frozen`, or what the act raises; commit it as any other attempt.
    """
    refuse_guesser(uow)
    issuer = issued_by or uow.dealer_id
    try:
        if issuer == uow.dealer_id:
            with uow.session.begin_nested():
                tried = _try(uow, code, _Desk(subjects, None, refuse_own_account))
        else:
            tried = _try_elsewhere(uow, issuer, code, subjects)
    except _ActRefused as refused:
        tried = _Tried(Outcome.REFUSED, refused.code_id, refusal=refused.refusal)
    return _record(uow, issuer, tried)


def _try_elsewhere(uow: UnitOfWork, issuer: UUID, code: str, subjects: Register) -> _Tried:
    guest = guest_from(uow)

    def refuse_own(there: UnitOfWork, member_id: UUID) -> None:
        refuse_guests_account(there, guest, member_id)

    try:
        with at_issuer(uow, issuer) as there:
            return _try(there, code, _Desk(subjects, uow.dealer_id, refuse_own))
    except NotHonoured:
        return _Tried(Outcome.NOT_HONOURED)


def _try(uow: UnitOfWork, code: str, desk: _Desk) -> _Tried:
    row = _locked(uow, code)
    if row is None:
        return _Tried(Outcome.WRONG_CODE)
    outcome, code_id = _outcome(uow, row), row.id
    if outcome != Outcome.ACCEPTED:
        return _Tried(outcome, code_id)
    purpose = Purpose(row.purpose)
    try:
        desk.refuse_own(uow, row.member_id)
        refuse_frozen(uow, row.member_id)
        what = desk.subjects[purpose].act(uow, row.subject_id, desk.honoured_by)
    except DomainError as error:
        raise _ActRefused(code_id, error) from error
    _use(uow, row, desk.honoured_by or uow.dealer_id)
    return _Tried(outcome, code_id, purpose, what)


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
    return Verification(key, tried.outcome, tried.purpose, tried.what, tried.refusal)
