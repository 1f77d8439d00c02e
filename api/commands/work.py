"""The transaction of a command: the same unit of work a request gets, acting for the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.service import Service
from kernel.database import owner_session
from kernel.ids import new_id
from kernel.unit_of_work import Actor, UnitOfWork
from loyalty.dealers.directory import zone_of
from loyalty.dealers.models import Dealer
from loyalty.dealers.roles import Role


@contextmanager
def unit_of_work(
    service: Service, dealer_id: UUID, *, role: Role, client: str, now: datetime | None = None
) -> Iterator[UnitOfWork]:
    """One transaction for one dealer; `now` is the service's clock unless a job has its own."""
    with service.database.transaction(dealer_id) as session:
        yield work_for(service, session, dealer_id, role=role, client=client, now=now)


def work_for(
    service: Service,
    session: Session,
    dealer_id: UUID,
    *,
    role: Role,
    client: str,
    now: datetime | None = None,
) -> UnitOfWork:
    """The unit of work of a transaction that is open already and bound to the dealer."""
    return UnitOfWork(
        session=session,
        now=now or service.clock(),
        actor=Actor(client, role, client),
        dealer_id=dealer_id,
        zone=zone_of(session, dealer_id),
        request_id=new_id().hex,
        vault=service.vault,
    )


def every_dealer(database_url: str) -> list[UUID]:
    """All dealers. Raises SettingsError when the login does not see them all."""
    with owner_session(database_url, read_only=True) as session:
        return list(session.scalars(select(Dealer.id).order_by(Dealer.id)))
