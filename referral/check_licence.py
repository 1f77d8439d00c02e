"""The showroom manager (展厅经理) compares the vehicle licence (行驶证) with what we know.

Two attempts, two managers. A passed check draws the party to call in the same transaction.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, Forbidden
from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from loyalty.members.queries import VehicleView
from referral.draw import draw_callback
from referral.duties import Duty, take_duty
from referral.evidence.announced import compare_model
from referral.evidence.presented import presented
from referral.evidence.reuse import sent_for_another_owner
from referral.evidence.signals import Signal
from referral.justice.deadlines import check_by, judge_by
from referral.justice.fraud import open_case
from referral.lifecycle import Event, State, advance
from referral.models import LicenceCheck, Referral
from referral.moves import flag, locked, move, refuse_overdue
from referral.nominate import require_nomination
from referral.questions.facts import canonical
from referral.reasons import Reason
from referral.rules.licence import FieldVerdict, LicenceFields, compare, outcome
from referral.slip import thaw

MOST_CHECKS: Final = 4
"""Two, and two more after an appeal that was upheld."""


def check_licence(
    uow: UnitOfWork,
    referral_id: UUID,
    *,
    version: int,
    seen: LicenceFields,
    photo_id: UUID | None = None,
) -> LicenceCheck:
    """Record the comparison, field by field, and move the referral by its outcome.

    What the manager leaves out is taken from the photo, where it was surely read; a photo that
    was used for another referral fails. Raises NotFound, Conflict `version_changed`,
    `transition_not_allowed`, `time_is_up`, `nomination_missing`, `no_callback_agent`,
    `licence_checks_used_up`, Forbidden `separation_of_duties` and `another_manager_must_check`.
    """
    referral = locked(uow, referral_id, version=version)
    advance(State(referral.state), Event.LICENCE_PASS, role=uow.actor.role, reason=None)
    refuse_overdue(uow, referral)
    require_nomination(uow, referral)
    attempt = _attempt(uow, referral_id)
    take_duty(uow, referral_id, Duty.LICENCE_CHECKER)
    shown = presented(
        uow, referral_id, typed=seen, photo_id=photo_id, reported_at=referral.submitted_at
    )
    vehicle, verdicts = _closest(uow, referral, shown.fields)
    passed, reason = (False, Reason.LICENCE_REUSED) if shown.reused else outcome(verdicts)
    check = LicenceCheck(
        referral_id=referral_id,
        attempt=attempt,
        dealer_id=uow.dealer_id,
        checked_by=UUID(uow.actor.id),
        checked_at=uow.now,
        verdicts=verdicts,
        passed=passed,
        reason=reason,
        vehicle_id=vehicle.id if vehicle else None,
        photo_id=photo_id,
        typed=shown.typed,
        flags=_flags(shown.flags, verdicts),
    )
    uow.session.add(check)
    if FieldVerdict.MISMATCH in (verdicts.get("model"), verdicts.get("slip_model")):
        flag(uow, referral, Reason.LICENCE_MODEL_MISMATCH)
    _move_on(uow, referral, check)
    return check


def _attempt(uow: UnitOfWork, referral_id: UUID) -> int:
    """The number of this check; nobody checks twice, and not without end."""
    before = uow.session.scalars(
        select(LicenceCheck.checked_by).where(LicenceCheck.referral_id == referral_id)
    ).all()
    if UUID(uow.actor.id) in before:
        raise Forbidden("another_manager_must_check")
    if len(before) >= MOST_CHECKS:
        raise Conflict("licence_checks_used_up", most=MOST_CHECKS)
    return len(before) + 1


def _move_on(uow: UnitOfWork, referral: Referral, check: LicenceCheck) -> None:
    """A pass draws the call; a licence used elsewhere is suspect at once; else one more try."""
    who = _column(referral, check.checked_by)
    if check.passed and check.vehicle_id is not None:
        move(uow, referral, Event.LICENCE_PASS, **who)
        draw_callback(uow, referral)
    elif check.photo_id and sent_for_another_owner(uow, check.photo_id, referral.owner_id):
        reason = Reason.LICENCE_REUSED
        who["due_at"] = judge_by(uow)
        move(uow, referral, Event.SUSPECT, by_system=True, reason=reason, **who)
        open_case(uow, referral, reason)
    else:
        again = referral.state == State.DELIVERED
        due_at = check_by(uow) if again else None
        reason = Reason(check.reason or Reason.LICENCE_UNREADABLE)
        move(uow, referral, Event.LICENCE_FAIL, reason=reason, due_at=due_at, **who)


def _column(referral: Referral, person: UUID) -> dict[str, Any]:
    """Where the checker stands on the referral itself; of further checks only the duties tell."""
    if referral.checked_by is None:
        return {"checked_by": person}
    return {"rechecked_by": person} if referral.rechecked_by is None else {}


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
        "model": compare_model(seen.brand_model, car.model),
        "slip_model": _same("model", slip.owner_model, car.model),
        "slip_colour": _same("colour", slip.owner_colour, car.colour),
    }
    return car, verdicts | said


def _flags(seen: list[str], verdicts: dict[str, FieldVerdict]) -> list[str]:
    """What people should look at; another model than ours goes to review, and fails nothing."""
    odd = verdicts.get("model") is FieldVerdict.MISMATCH
    return [*seen, str(Signal.MODEL_MISMATCH)] if odd else seen


def _same(fact: str, said: str, known: str) -> FieldVerdict:
    wanted = canonical(fact, known)
    if wanted is None:
        return FieldVerdict.ABSENT
    return FieldVerdict.MATCH if canonical(fact, said) == wanted else FieldVerdict.MISMATCH


def _known(owner_name: str, car: VehicleView) -> LicenceFields:
    return LicenceFields(
        plate_no=car.plate, owner_name=owner_name, vin=car.vin, use_nature=car.use_nature
    )
