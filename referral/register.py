"""Register a referral: the consultant reports it, the duty manager confirms or refuses it.

Both before the sale, by the server's clock. A report that may not stand is kept, refused, with
its reason: an attempt is evidence too.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kernel.clock import CLOCK_TOLERANCE
from kernel.errors import RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import get_staff, is_staff_phone
from loyalty.formats import colour, mobile, names, text
from loyalty.members import queries as members
from referral.lifecycle import Event, State, advance
from referral.models import Referral
from referral.moves import begin, locked, move, overdue
from referral.queries import earliest_sale, rewards_this_year
from referral.questions.facts import canonical
from referral.reasons import Reason
from referral.rules.eligibility import Candidate, refusal
from referral.rules.reward import CAP_PER_YEAR
from referral.slip import Slip, freeze, thaw

CONFIRM_WITHIN = timedelta(hours=24)
SALE_WITHIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Report:
    """A referral as the consultant enters it."""

    buyer_name: str
    buyer_phone: str
    buyer_first_visit_on: date
    consent_version: str | None
    slip: Slip


def submit(uow: UnitOfWork, report: Report) -> Referral:
    """Take the consultant's report; refuse it at once when the system already knows why.

    Raises RuleViolation for unusable fields and `in_the_future`,
    Conflict `buyer_already_referred`.
    """
    _check(uow, report)
    key = new_id()
    phone = mobile.canonical(report.buyer_phone)
    slip, slip_hash = freeze(uow, report.slip, key)
    referral = Referral(
        id=key,
        dealer_id=uow.dealer_id,
        due_at=uow.now + CONFIRM_WITHIN,
        consultant_id=UUID(uow.actor.id),
        team=get_staff(uow, UUID(uow.actor.id)).team,
        consent_version=report.consent_version,
        buyer_name=uow.seal(report.buyer_name, column="referral.buyer_name", row=key),
        buyer_phone=uow.seal(phone, column="referral.buyer_phone", row=key),
        buyer_phone_index=uow.blind(phone, column="phone"),
        buyer_first_visit_on=report.buyer_first_visit_on,
        slip=slip,
        slip_hash=slip_hash,
        submitted_at=uow.now,
    )
    begin(uow, referral)
    reason, _ = _obstacle(uow, referral)
    if reason:
        move(uow, referral, Event.REFUSE, by_system=True, reason=reason)
    return referral


def confirm(uow: UnitOfWork, referral_id: UUID, *, version: int) -> Referral:
    """The duty manager (值班经理) confirms the report, so that it exists before the sale.

    Too late, it expires; not eligible, it is refused: both are answers, not errors. Raises
    NotFound, Conflict `version_changed` and `transition_not_allowed`, Forbidden
    `separation_of_duties`.
    """
    referral = locked(uow, referral_id, version=version)
    advance(State(referral.state), Event.CONFIRM, role=uow.actor.role, reason=None)
    if overdue(uow, referral):
        move(uow, referral, Event.EXPIRE, by_system=True, reason=Reason.TIMEOUT_FAIL_CLOSED)
        return referral
    reason, owner_id = _obstacle(uow, referral)
    if reason:
        move(uow, referral, Event.REFUSE, by_system=True, reason=reason)
        return referral
    move(
        uow,
        referral,
        Event.CONFIRM,
        owner_id=owner_id,
        confirmed_by=UUID(uow.actor.id),
        registered_at=uow.now,
        due_at=uow.now + SALE_WITHIN,
    )
    return referral


def refuse(uow: UnitOfWork, referral_id: UUID, *, version: int, reason: Reason) -> Referral:
    """The duty manager refuses the report with a typed reason."""
    referral = locked(uow, referral_id, version=version)
    move(uow, referral, Event.REFUSE, reason=reason, confirmed_by=UUID(uow.actor.id))
    return referral


def _check(uow: UnitOfWork, report: Report) -> None:
    names.canonical(report.buyer_name)
    names.canonical(report.slip.owner_name)
    mobile.canonical(report.slip.owner_phone)
    colour.canonical(report.slip.owner_colour)
    text.normalise(report.slip.owner_model)
    if canonical("trade", report.slip.buyer_occupation or "") is None:
        raise RuleViolation("occupation_unclear", pointer="/buyer/occupation")
    if report.slip.mentioned_at > uow.now + CLOCK_TOLERANCE:
        raise RuleViolation("in_the_future", pointer="/slip/mentioned_at")
    if report.buyer_first_visit_on > uow.today:
        raise RuleViolation("in_the_future", pointer="/buyer/first_visit_on")


def _obstacle(uow: UnitOfWork, referral: Referral) -> tuple[Reason | None, UUID | None]:
    """The first reason against registering now, and the owner the slip names."""
    slip = thaw(uow, referral)
    owner_phone = mobile.canonical(slip.owner_phone)
    owner = _owner(uow, slip, owner_phone)
    ordered, delivered = earliest_sale(uow, referral.buyer_phone_index)
    buyer_phone = uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
    candidate = Candidate(
        registering_at=uow.now,
        earliest_order_at=ordered,
        earliest_delivery_at=delivered,
        buyer_phone=buyer_phone,
        owner_phone=owner_phone,
        owner_found=owner is not None,
        owner_is_staff=is_staff_phone(uow, uow.blind(owner_phone, column="phone")),
        owner_vehicle_from_days=tuple(
            (car.owned_from, car.owned_until) for car in members.vehicles_of(uow, owner)
        )
        if owner
        else (),
        buyer_first_visit_on=referral.buyer_first_visit_on,
        buyer_is_member=bool(members.by_phone(uow, buyer_phone)),
        consent_given=referral.consent_version is not None,
        owner_rewards_this_year=rewards_this_year(uow, owner) if owner else 0,
        cap_per_year=CAP_PER_YEAR,
    )
    return refusal(candidate), owner


def _owner(uow: UnitOfWork, slip: Slip, phone: str) -> UUID | None:
    wanted = names.canonical(slip.owner_name)
    found = [m.id for m in members.by_phone(uow, phone) if names.canonical(m.name) == wanted]
    return found[0] if len(found) == 1 else None
