"""Reads of the directory: whether a caller still exists and in which roles he may act."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Forbidden, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.models import Dealer, Staff, WithdrawnToken
from loyalty.dealers.roles import Role


class Stranger(Forbidden):
    """A token stands for nobody, or no longer."""


@dataclass(frozen=True, slots=True)
class StaffView:
    id: UUID
    staff_no: str
    name: str
    roles: tuple[str, ...]
    team: str
    active: bool
    version: int


def zone_of(session: Session, dealer_id: UUID) -> ZoneInfo:
    """The dealer's time zone. Raises NotFound `dealer_not_found`."""
    zone = session.scalar(select(Dealer.timezone).where(Dealer.id == dealer_id))
    if zone is None:
        raise NotFound("dealer_not_found")
    return ZoneInfo(zone)


def is_withdrawn(session: Session, token_id: str) -> bool:
    """Whether this token was put on the deny list."""
    found = select(WithdrawnToken.token_id).where(WithdrawnToken.token_id == token_id)
    return session.scalar(found) is not None


def roles_of_staff(session: Session, staff_id: UUID) -> frozenset[Role]:
    """The roles a person has now; none when unknown or no longer active."""
    roles = session.scalar(select(Staff.roles).where(Staff.id == staff_id, Staff.active))
    return frozenset(Role(role) for role in roles or ())


def get_staff(uow: UnitOfWork, staff_id: UUID) -> StaffView:
    """One staff member. Raises NotFound `staff_not_found`."""
    row = uow.session.scalar(select(Staff).where(Staff.id == staff_id))
    if row is None:
        raise NotFound("staff_not_found")
    return _view(uow, row)


def dealer_name(uow: UnitOfWork) -> str:
    """The name the dealer goes by, as customers know it."""
    return uow.session.scalars(select(Dealer.name).where(Dealer.id == uow.dealer_id)).one()


def list_staff(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[StaffView]:
    """The dealer's staff by id, active or not."""
    rows = select(Staff).order_by(Staff.id).limit(limit)
    if after:
        rows = rows.where(Staff.id > after)
    return [_view(uow, row) for row in uow.session.scalars(rows)]


def callback_agents_outside(uow: UnitOfWork, *, team: str) -> list[UUID]:
    """Active callback agents (回访人员) of other teams, in a fixed order."""
    agents = (
        select(Staff.id)
        .where(Staff.active, Staff.team != team, Staff.roles.contains([Role.CALLBACK_AGENT.value]))
        .order_by(Staff.id)
    )
    return list(uow.session.scalars(agents))


def is_staff_phone(uow: UnitOfWork, phone_index: bytes) -> bool:
    """Whether an active staff member uses this phone number."""
    found = select(Staff.id).where(Staff.active, Staff.phone_index == phone_index).limit(1)
    return uow.session.scalar(found) is not None


def staff_using(uow: UnitOfWork, phone_indexes: Collection[bytes]) -> set[UUID]:
    """Everybody of the staff, active or not, who uses one of these numbers."""
    return set(uow.session.scalars(select(Staff.id).where(Staff.phone_index.in_(phone_indexes))))


def _view(uow: UnitOfWork, row: Staff) -> StaffView:
    return StaffView(
        id=row.id,
        staff_no=row.staff_no,
        name=uow.open(row.name, column="staff.name", row=row.id),
        roles=tuple(sorted(row.roles)),
        team=row.team,
        active=row.active,
        version=row.version,
    )
