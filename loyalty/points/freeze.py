"""Freeze an account (冻结, F13): nothing is spent, held, captured or transferred; credits go on.

A reader would break this by letting the person who froze lift it.
"""

from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import Conflict, Forbidden, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.models import AccountFreeze, PointAccount
from loyalty.points.own_account import refuse_own_account


def freeze(uow: UnitOfWork, *, member_id: UUID, reason: str) -> UUID:
    """Stop spending from now on. Raises NotFound `member_not_found`, Conflict `already_frozen`."""
    if not ledger.set_frozen(uow, member_id, frozen=True):
        raise Conflict("already_frozen")
    key = new_id()
    uow.session.add(
        AccountFreeze(
            id=key,
            dealer_id=uow.dealer_id,
            member_id=member_id,
            reason=reason,
            frozen_by=UUID(uow.actor.id),
            frozen_at=uow.now,
        )
    )
    uow.session.flush()
    uow.emit("account.frozen", member_id, freeze_id=str(key))
    uow.audit("account.frozen", member_id, freeze_id=str(key))
    return key


def refuse_frozen(uow: UnitOfWork, member_id: UUID) -> None:
    """Let a frozen account take nothing out, whatever it has; the caller holds the account's lock.

    Raises Conflict `account_frozen`.
    """
    frozen = select(PointAccount.frozen).where(PointAccount.member_id == member_id)
    if uow.session.scalar(frozen):
        raise Conflict("account_frozen")


def lift(uow: UnitOfWork, freeze_id: UUID) -> None:
    """Allow spending again: another person than the one who froze, and not the member himself.

    Raises NotFound `freeze_not_found`, Forbidden `separation_of_duties` and `own_account`,
    Conflict `freeze_lifted`.
    """
    row = uow.session.get(AccountFreeze, freeze_id)
    if row is None:
        raise NotFound("freeze_not_found")
    if str(row.frozen_by) == uow.actor.id:
        raise Forbidden("separation_of_duties")
    refuse_own_account(uow, row.member_id)
    ledger.set_frozen(uow, row.member_id, frozen=False)
    lifted = uow.session.scalar(
        update(AccountFreeze)
        .where(AccountFreeze.id == freeze_id, AccountFreeze.lifted_at.is_(None))
        .values(lifted_by=UUID(uow.actor.id), lifted_at=uow.now)
        .returning(AccountFreeze.id)
        .execution_options(synchronize_session=False)
    )
    if lifted is None:
        raise Conflict("freeze_lifted")
    uow.session.refresh(row)
    uow.emit("account.unfrozen", row.member_id, freeze_id=str(freeze_id))
    uow.audit("account.unfrozen", row.member_id, freeze_id=str(freeze_id))
