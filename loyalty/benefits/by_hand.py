"""Units given by hand (手工赠送), beside what the tier brings: with a reason, until a day."""

from datetime import date
from uuid import UUID

from kernel.errors import NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import published
from loyalty.benefits.reserve import locked
from loyalty.benefits.rules.benefit import Benefit, BoundTo
from loyalty.benefits.rules.books import Books, Lot, Origin
from loyalty.benefits.rules.period import version_on
from loyalty.benefits.save import save
from loyalty.points.own_account import refuse_own_account


def grant_by_hand(
    uow: UnitOfWork,
    member_id: UUID,
    *,
    benefit: str,
    vehicle_id: UUID | None,
    units: int,
    valid_until: date,
    reason: str,
) -> UUID:
    """A lot of its own from today on; `valid_until` is the first day without it. Those of a car
    end with its sale as all others do.

    Raises NotFound `member_not_found` and `benefit_not_found`, RuleViolation `vehicle_needed`,
    `vehicle_unfit`, `valid_until_not_ahead`, Forbidden `own_account`.
    """
    refuse_own_account(uow, member_id)
    if valid_until <= uow.today:
        raise RuleViolation("valid_until_not_ahead", pointer="/valid_until")
    books = locked(uow, member_id)
    version = version_on(published(uow).get(benefit, []), uow.today)
    if version is None:
        raise NotFound("benefit_not_found", pointer="/benefit")
    _refuse_a_strange_car(books, version.benefit, vehicle_id, uow.today)
    lot = Lot(
        id=new_id(),
        code=benefit,
        version=version.number,
        benefit=version.benefit,
        vehicle_id=vehicle_id,
        origin=Origin.MANUAL,
        period_from=uow.today,
        period_until=valid_until,
        valid_until=valid_until,
    )
    books.grant(lot, units, reason)
    save(uow, [books])
    uow.emit("benefit.granted", member_id, benefit=benefit, units=units)
    uow.audit("benefit.granted", lot.id, benefit=benefit, units=units)
    return lot.id


def _refuse_a_strange_car(
    books: Books, benefit: Benefit, vehicle_id: UUID | None, today: date
) -> None:
    """A car of his today that the benefit is for, if it is bound to one; none if it is not."""
    if benefit.bound_to is BoundTo.MEMBER:
        fits = vehicle_id is None
    elif vehicle_id is None:
        raise RuleViolation("vehicle_needed", pointer="/vehicle_id")
    else:
        fits = any(
            car.vehicle_id == vehicle_id
            and car.holds(today)
            and (car.first or not benefit.first_owner_only)
            for car in books.owned
        )
    if not fits:
        raise RuleViolation("vehicle_unfit", pointer="/vehicle_id")
