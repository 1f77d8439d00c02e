"""Whose objects a caller may see beyond his role: an owner only his own, as 404 (api.md)."""

from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.members import queries as members
from referral.queries import Filter


def for_owner(uow: UnitOfWork) -> bool:
    """Whether an owner asks: who of the staff did what is not told to him."""
    return uow.actor.role == Role.OWNER


def own(uow: UnitOfWork, member_id: UUID) -> UUID:
    """The member's id, if the caller may see this member. Raises NotFound `member_not_found`."""
    mine = not for_owner(uow) or uow.actor.id == str(member_id)
    if not mine or not members.exists(uow.session, member_id):
        raise NotFound("member_not_found")
    return member_id


def referrals_seen_by(uow: UnitOfWork) -> Filter:
    """The referrals a caller may see: owner and consultant their own, others the dealer's."""
    if uow.actor.role == Role.OWNER:
        return Filter(owner_id=UUID(uow.actor.id))
    if uow.actor.role == Role.CONSULTANT:
        return Filter(consultant_id=UUID(uow.actor.id))
    return Filter()
