"""The showroom manager (展厅经理) compares the vehicle licence (行驶证) with what we know.

Two attempts, two managers. A passed check draws the party to call in the same transaction.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from loyalty.members.queries import VehicleView
from referral.draw import draw_callback
from referral.lifecycle import Event, State, advance
from referral.models import LicenceCheck, Referral
from referral.moves import locked, move, refuse_overdue
from referral.questions.facts import canonical
from referral.rules.licence import FieldVerdict, LicenceFields, compare, outcome
from referral.slip import thaw

RESUBMIT_WITHIN = timedelta(days=30)


def check_licence(
    uow: UnitOfWork, referral_id: UUID, *, version: int, seen: LicenceFields
) -> LicenceCheck:
    """Record the comparison, field by field, and move the referral by its outcome.

    Raises NotFound, Conflict `version_changed`, `transition_not_allowed`, `time_is_up`,
    `questions_not_enough`, `no_callback_agent`, Forbidden `separation_of_duties` and
    `another_manager_must_check`.
    """
    referral = locked(uow, referral_id, version=version)
    advance(State(referral.state), Event.LICENCE_PASS, role=uow.actor.role, reason=None)
    refuse_overdue(uow, referral)
    before = uow.session.scalars(
        select(LicenceCheck.checked_by).where(LicenceCheck.referral_id == referral_id)
    ).all()
    person = UUID(uow.actor.id)
    if person in before:
        raise Forbidden("another_manager_must_check")
    vehicle, verdicts = _closest(uow, referral, seen)
    passed, reason = outcome(verdicts)
    check = LicenceCheck(
        referral_id=referral_id,
        attempt=len(before) + 1,
        dealer_id=uow.dealer_id,
        checked_by=person,
        checked_at=uow.now,
        verdicts=verdicts,
        passed=passed,
        reason=reason,
        vehicle_id=vehicle.id if vehicle else None,
    )
    uow.session.add(check)
    who: dict[str, Any] = {"rechecked_by" if before else "checked_by": person}
    if passed and vehicle:
        move(uow, referral, Event.LICENCE_PASS, **who)
        draw_callback(uow, referral, owner_car=vehicle)
    else:
        due_at = None if before else uow.now + RESUBMIT_WITHIN
        move(uow, referral, Event.LICENCE_FAIL, reason=reason, due_at=due_at, **who)
    return check


def _closest(
    uow: UnitOfWork, referral: Referral, seen: LicenceFields
) -> tuple[VehicleView | None, dict[str, FieldVerdict]]:
    """The member's car the licence agrees with best, and the verdicts against it.

    What the slip said of model and colour is compared with that car too; it decides nothing.
    """
    assert referral.owner_id is not None
    owner = members.get_member(uow, referral.owner_id)
    visit = referral.buyer_first_visit_on
    compared = [
        (car, compare(seen=seen, known=_known(owner.name, car)))
        for car in members.vehicles_of(uow, owner.id)
        if car.owned_from < visit and (car.owned_until is None or car.owned_until > visit)
    ]
    if not compared:
        return None, compare(seen=seen, known=LicenceFields(owner_name=owner.name))
    car, verdicts = max(
        compared, key=lambda pair: sum(v is FieldVerdict.MATCH for v in pair[1].values())
    )
    slip = thaw(uow, referral)
    said = {
        "slip_model": _same("model", slip.owner_model, car.model),
        "slip_colour": _same("colour", slip.owner_colour, car.colour),
    }
    return car, verdicts | said


def _same(fact: str, said: str, known: str) -> FieldVerdict:
    wanted = canonical(fact, known)
    if wanted is None:
        return FieldVerdict.ABSENT
    return FieldVerdict.MATCH if canonical(fact, said) == wanted else FieldVerdict.MISMATCH


def _known(owner_name: str, car: VehicleView) -> LicenceFields:
    return LicenceFields(
        plate_no=car.plate, owner_name=owner_name, vin=car.vin, use_nature=car.use_nature
    )
