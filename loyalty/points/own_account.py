"""Nobody acts on himself (api.md, separation of duties): staff never move their own points."""

from uuid import UUID

from sqlalchemy import select

from kernel.errors import Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.models import Staff
from loyalty.dealers.roles import STAFF_ROLES
from loyalty.members.models import Member


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
