"""At the desk of a partner dealer (合作店): a code is verified for who issued it (F18, F33)."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork, acting_for
from loyalty.dealers.directory import zone_of
from loyalty.points.models import DealerPartner


class NotHonoured(Exception):
    """There is no such dealer, or he does not list us: nobody is told which."""


@contextmanager
def at_issuer(uow: UnitOfWork, issuer_id: UUID) -> Iterator[UnitOfWork]:
    """Act for the dealer who issued, if he lists ours as his partner. What his tables check at the
    end is checked while we are bound to him: afterwards his rows are not seen.

    Raises NotHonoured.
    """
    with acting_for(uow, issuer_id, _zone) as there:
        listed = select(DealerPartner.partner_id).where(
            DealerPartner.dealer_id == issuer_id, DealerPartner.partner_id == uow.dealer_id
        )
        if there.session.scalar(listed) is None:
            raise NotHonoured
        yield there
        there.session.flush()
        there.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        there.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def _zone(session: Session, dealer_id: UUID) -> ZoneInfo:
    try:
        return zone_of(session, dealer_id)
    except NotFound as error:
        raise NotHonoured from error
