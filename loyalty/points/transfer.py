"""Give points to another member (积分转赠, F11): original dates kept, limited by the month.

A reader would break this by counting the month's transfers before both accounts are locked.
"""

from uuid import UUID

from sqlalchemy import func, select

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import names
from loyalty.members import queries as members
from loyalty.points import ledger
from loyalty.points.models import PointAccount, PointTransfer
from loyalty.points.own_account import refuse_own_account
from loyalty.points.rules.expiry import Round, period_of
from loyalty.points.rules.transfer import left


def transfer(uow: UnitOfWork, *, sender: UUID, receiver: UUID, points: int) -> UUID:
    """Move points; they keep issuer, cost and dates.

    Raises RuleViolation `transfer_to_oneself`, NotFound `member_not_found`, Forbidden
    `own_account`, Conflict `transfer_limit` with what is left, `insufficient_points`,
    `account_frozen`.
    """
    if sender == receiver:
        raise RuleViolation("transfer_to_oneself")
    ledger.lock(uow, [sender, receiver])
    refuse_own_account(uow, sender, receiver)
    _within_limits(uow, sender, points)
    key = new_id()
    out, incoming = ledger.transfer(
        uow,
        from_member=sender,
        to_member=receiver,
        points=points,
        source=ledger.Source("transfer", str(key)),
    )
    uow.session.add(
        PointTransfer(
            id=key,
            dealer_id=uow.dealer_id,
            from_member_id=sender,
            to_member_id=receiver,
            points=points,
            transferred_at=uow.now,
            transferred_on=uow.today,
            transferred_by=uow.actor.id,
            out_set_id=out.posting_set_id,
            in_set_id=incoming,
        )
    )
    uow.session.flush()
    uow.audit("points.transferred", key, points=points)
    return key


def receiver_named(uow: UnitOfWork, *, sender: UUID, points: int, phone: str, name: str) -> UUID:
    """The one member with this phone and name whom `sender` could give these points.

    What hinders the sender himself is told first, so that guessing who is a member costs him
    points each time. A wrong name, a frozen account and nobody are one answer.

    Raises NotFound `receiver_not_found`; RuleViolation `mobile_invalid`, `name_invalid`; and what
    `transfer` raises about the sender.
    """
    _able(uow, sender, points)
    wanted = names.canonical(name)
    found = [
        each.id for each in members.by_phone(uow, phone) if names.canonical(each.name) == wanted
    ]
    if len(found) != 1 or _frozen(uow, found[0]):
        raise NotFound("receiver_not_found")
    return found[0]


def _able(uow: UnitOfWork, sender: UUID, points: int) -> None:
    if _frozen(uow, sender):
        raise Conflict("account_frozen")
    spendable = uow.session.scalars(select(func.point_spendable(sender, uow.now))).one()
    if spendable < points:
        raise Conflict("insufficient_points", spendable=spendable, needed=points)
    _within_limits(uow, sender, points)


def _frozen(uow: UnitOfWork, member_id: UUID) -> bool:
    frozen = select(PointAccount.frozen).where(PointAccount.member_id == member_id)
    return bool(uow.session.scalar(frozen))


def _within_limits(uow: UnitOfWork, sender: UUID, points: int) -> None:
    first, after = period_of(uow.today, Round.MONTH)
    times, given = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(PointTransfer.points), 0)).where(
            PointTransfer.from_member_id == sender,
            PointTransfer.transferred_on >= first,
            PointTransfer.transferred_on < after,
        )
    ).one()
    still = left(times, int(given))
    if points > still.points:
        raise Conflict("transfer_limit", times_left=still.times, points_left=still.points)
