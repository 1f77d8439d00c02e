"""Units given by hand (手工赠送), beside what the tier brings: with a reason, until a day."""

from datetime import date
from uuid import UUID

from kernel.errors import NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.benefit_life import published
from loyalty.benefits.reserve import locked
from loyalty.benefits.rules.benefit import BoundTo
from loyalty.benefits.rules.books import Lot, Origin
from loyalty.benefits.rules.period import Version, version_on
from loyalty.benefits.save import save
from loyalty.members.queries import vehicles_of
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
    `valid_until_not_ahead`, Forbidden `own_account`.
    """
    refuse_own_account(uow, member_id)
    if valid_until <= uow.today:
        raise RuleViolation("valid_until_not_ahead", pointer="/valid_until")
    books = locked(uow, member_id)
    version = version_on(published(uow).get(benefit, []), uow.today)
    if version is None:
        raise NotFound("benefit_not_found", pointer="/benefit")
    _refuse_a_strange_car(uow, member_id, version, vehicle_id)
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
    uow: UnitOfWork, member_id: UUID, version: Version, vehicle_id: UUID | None
) -> None:
    """A car he owns today where the benefit is bound to one, none where it is not."""
    mine = {
        car.id
        for car in vehicles_of(uow, member_id)
        if car.owned_from <= uow.today and (car.owned_until is None or uow.today < car.owned_until)
    }
    wanted = mine if version.benefit.bound_to is BoundTo.VEHICLE else {None}
    if vehicle_id not in wanted:
        raise RuleViolation("vehicle_needed", pointer="/vehicle_id")
