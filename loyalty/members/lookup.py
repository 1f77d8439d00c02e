"""Members by the blind indexes of phone and VIN, many at once; nothing sealed is opened.

A reader would break this by taking a number for a person: several members may share one.
"""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member, Ownership, Vehicle


class Numbered(NamedTuple):
    """A member and the blind index of the number he uses now."""

    member_id: UUID
    phone_index: bytes


class Owned(NamedTuple):
    """A member, the blind index of the VIN of a car of his, and since when it is."""

    member_id: UUID
    vin_index: bytes
    owned_from: date


def using_phones(uow: UnitOfWork, indexes: Collection[bytes]) -> list[Numbered]:
    """Every member who uses one of these numbers now."""
    if not indexes:
        return []
    found = select(Member.id, Member.phone_index).where(Member.phone_index.in_(indexes))
    return [Numbered(*row) for row in uow.session.execute(found)]


def phones_of(uow: UnitOfWork, member_ids: Collection[UUID]) -> list[Numbered]:
    """The numbers of these members."""
    found = select(Member.id, Member.phone_index).where(Member.id.in_(member_ids))
    return [Numbered(*row) for row in uow.session.execute(found)]


def owning_vins(uow: UnitOfWork, indexes: Collection[bytes]) -> list[Owned]:
    """Every member who owns or owned one of these cars."""
    if not indexes:
        return []
    found = _OWNED.where(Vehicle.vin_index.in_(indexes))
    return [Owned(*row) for row in uow.session.execute(found)]


def vins_of(uow: UnitOfWork, member_ids: Collection[UUID]) -> list[Owned]:
    """Every car these members own or owned."""
    found = _OWNED.where(Ownership.member_id.in_(member_ids))
    return [Owned(*row) for row in uow.session.execute(found)]


_OWNED = select(Ownership.member_id, Vehicle.vin_index, Ownership.owned_from).join(
    Vehicle, Vehicle.id == Ownership.vehicle_id
)
