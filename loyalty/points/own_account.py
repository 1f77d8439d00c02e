"""Nobody acts on himself (api.md, separation of duties): staff never move their own points."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.models import Staff
from loyalty.dealers.roles import STAFF_ROLES
from loyalty.members.models import Member


@dataclass(frozen=True, slots=True)
class Guest:
    """Staff of another dealer: where he is at home, and the index of his phone there, if known."""

    home: UUID
    phone_index: bytes | None


def guest_from(uow: UnitOfWork) -> Guest:
    """Who acts, to be recognised elsewhere: his own entry is seen at home alone."""
    mine = select(Staff.phone_index).where(Staff.id == UUID(uow.actor.id))
    return Guest(uow.dealer_id, uow.session.scalar(mine))


def refuse_guests_account(there: UnitOfWork, guest: Guest, member_id: UUID) -> None:
    """The same at a partner's desk: a phone has another index at each dealer, so the member's is
    indexed as the guest's home would.

    Raises Forbidden `own_account`.
    """
    row = there.session.get_one(Member, member_id)
    phone = there.open(row.phone, column="member.phone", row=row.id)
    if there.vault.blind(phone, column="phone", dealer=guest.home) == guest.phone_index:
        raise Forbidden("own_account")


def refuse_own_account(uow: UnitOfWork, *member_ids: UUID) -> None:
    """Staff and member are one person when they use one phone number.

    Raises Forbidden `own_account`.
    """
    if uow.actor.role not in STAFF_ROLES:
        return
    mine = (
        select(Member.id)
        .join(Staff, Staff.phone_index == Member.phone_index)
        .where(Member.id.in_(member_ids), Staff.id == UUID(uow.actor.id))
        .limit(1)
    )
    if uow.session.scalar(mine) is not None:
        raise Forbidden("own_account")
