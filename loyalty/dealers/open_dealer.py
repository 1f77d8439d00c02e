"""Open a dealer. Only the owner of the tables may: the service's own role cannot."""

from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import NotFound
from kernel.ids import new_id
from loyalty.dealers.models import Dealer, Staff


def open_dealer(session: Session, *, code: str, name: str, timezone: str) -> UUID:
    """Enter a dealer. Raises ZoneInfoNotFoundError for an unknown time zone."""
    ZoneInfo(timezone)
    dealer = Dealer(id=new_id(), code=code, name=name, timezone=timezone)
    session.add(dealer)
    session.flush()
    return dealer.id


def find_dealer(session: Session, code: str) -> UUID:
    """The dealer of this code. Raises NotFound `dealer_not_found`."""
    key = session.scalar(select(Dealer.id).where(Dealer.code == code))
    if key is None:
        raise NotFound("dealer_not_found")
    return key


def people_in_role(session: Session, dealer_id: UUID, role: str) -> list[UUID]:
    """The active people in a role, longest-serving first. Raises NotFound `staff_not_found`."""
    people = session.scalars(
        select(Staff.id)
        .where(Staff.dealer_id == dealer_id, Staff.active, Staff.roles.contains([role]))
        .order_by(Staff.id)
    ).all()
    if not people:
        raise NotFound("staff_not_found")
    return list(people)
