"""Dealers who honour each other's points (联盟店). Only the owner of the tables enters them."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kernel.errors import NotFound, RuleViolation
from loyalty.dealers.models import Dealer
from loyalty.points.models import DealerPartner


def make_partners(session: Session, first: str, second: str, *, name: str | None = None) -> None:
    """Enter two dealers, by their codes, as partners of each other; told again, names change.

    `name` is what the first calls the second; by default each is called by its own name.
    Raises NotFound `dealer_not_found`, RuleViolation `partner_of_himself`.
    """
    one, other = _dealer(session, first), _dealer(session, second)
    if one.id == other.id:
        raise RuleViolation("partner_of_himself")
    for home, partner, called in ((one, other, name or other.name), (other, one, one.name)):
        row = insert(DealerPartner).values(
            dealer_id=home.id, partner_id=partner.id, code=partner.code, name=called
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=["dealer_id", "partner_id"],
                set_={"code": row.excluded.code, "name": row.excluded.name},
            )
        )


def _dealer(session: Session, code: str) -> Dealer:
    found = session.scalar(select(Dealer).where(Dealer.code == code))
    if found is None:
        raise NotFound("dealer_not_found")
    return found
