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
from loyalty.members.household import household_index
from loyalty.members.queries import MemberView
from referral.duties import Duty, has_relative, take_duty
from referral.leads import flag_older_lead
from referral.lifecycle import Event, State, advance
from referral.models import Referral
from referral.moves import begin, locked, move, overdue
from referral.policy import policy_on
from referral.queries import earliest_sale, rewards_this_year
from referral.questions.facts import canonical
from referral.reasons import Reason
from referral.rules.eligibility import Candidate, refusal
from referral.rules.policy import CutOff
from referral.slip import Slip, freeze, thaw
from referral.standing import excluded_until, is_suspended, owner_excluded


@dataclass(frozen=True, slots=True)
class Report:
    """A referral as the consultant enters it."""

    buyer_name: str
    buyer_phone: str
    buyer_first_visit_on: date
    consent_version: str | None
    slip: Slip
    buyer_household_ref: str | None = None


def submit(uow: UnitOfWork, report: Report) -> Referral:
    """Take the consultant's report; refuse it at once when the system already knows why.

    When the buyer is said to have brought the owner up is kept and shown; the time that counts is
    the server's. Raises RuleViolation for unusable fields and `in_the_future`, Conflict
    `buyer_already_referred`, Forbidden `party_or_relative`.
    """
    _check(uow, report)
    key = new_id()
    phone = mobile.canonical(report.buyer_phone)
    slip, slip_hash = freeze(uow, report.slip, key)
    policy = policy_on(uow).policy
    referral = Referral(
        id=key,
        dealer_id=uow.dealer_id,
        due_at=uow.now + timedelta(hours=policy.confirm_within_hours),
        cut_off=policy.cut_off,
        consultant_id=UUID(uow.actor.id),
        team=get_staff(uow, UUID(uow.actor.id)).team,
        consent_version=report.consent_version,
        buyer_name=uow.seal(report.buyer_name, column="referral.buyer_name", row=key),
        buyer_phone=uow.seal(phone, column="referral.buyer_phone", row=key),
        buyer_phone_index=uow.blind(phone, column="phone"),
        buyer_first_visit_on=report.buyer_first_visit_on,
        buyer_household_index=household_index(uow, report.buyer_household_ref),
        slip=slip,
        slip_hash=slip_hash,
        submitted_at=uow.now,
    )
    begin(uow, referral)
    take_duty(uow, referral.id, Duty.CONSULTANT)
    reason, _ = _obstacle(uow, referral)
    if reason:
        move(uow, referral, Event.REFUSE, by_system=True, reason=reason)
    return referral


def confirm(uow: UnitOfWork, referral_id: UUID, *, version: int) -> Referral:
    """The duty manager (值班经理) confirms the report, so that it exists before the sale.

    Too late, it expires; not eligible, it is refused: both are answers, not errors. A buyer who
    was a lead before is registered, and looked at by two people in the end. Raises NotFound,
    Conflict `version_changed` and `transition_not_allowed`, Forbidden `separation_of_duties` and
    `party_or_relative`.
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
        due_at=uow.now + timedelta(days=policy_on(uow).policy.sale_within_days),
    )
    take_duty(uow, referral.id, Duty.DUTY_MANAGER)
    flag_older_lead(uow, referral)
    return referral


def refuse(uow: UnitOfWork, referral_id: UUID, *, version: int, reason: Reason) -> Referral:
    """The duty manager refuses the report with a typed reason. Raises as `confirm`."""
    referral = locked(uow, referral_id, version=version)
    move(uow, referral, Event.REFUSE, reason=reason, confirmed_by=UUID(uow.actor.id))
    take_duty(uow, referral.id, Duty.DUTY_MANAGER)
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
    buyer_phone = uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
    owner_index = uow.blind(owner_phone, column="phone")
    phones = (referral.buyer_phone_index, owner_index)
    candidate = Candidate(
        registering_at=uow.now,
        sale=earliest_sale(uow, referral.buyer_phone_index),
        cut_off=CutOff(referral.cut_off),
        consultant_suspended=is_suspended(uow, referral.consultant_id),
        buyer_phone=buyer_phone,
        owner_phone=owner_phone,
        owner_found=owner is not None,
        owner_is_staff=is_staff_phone(uow, owner_index),
        consultant_related=has_relative(uow, referral.consultant_id, owner_index),
        buyer_is_staff=is_staff_phone(uow, referral.buyer_phone_index),
        same_household=owner is not None and _under_one_roof(referral, owner),
        party_excluded=any(excluded_until(uow, phone) is not None for phone in phones)
        or (owner is not None and owner_excluded(uow, owner.id)),
        owner_vehicle_from_days=_owned_days(uow, owner),
        buyer_first_visit_on=referral.buyer_first_visit_on,
        buyer_is_member=bool(members.by_phone(uow, buyer_phone)),
        consent_given=referral.consent_version is not None,
        owner_rewards_this_year=rewards_this_year(uow, owner.id) if owner else 0,
        cap_per_year=policy_on(uow).policy.cap_per_year,
    )
    return refusal(candidate), owner.id if owner else None


def _owner(uow: UnitOfWork, slip: Slip, phone: str) -> MemberView | None:
    wanted = names.canonical(slip.owner_name)
    found = [m for m in members.by_phone(uow, phone) if names.canonical(m.name) == wanted]
    return found[0] if len(found) == 1 else None


def _under_one_roof(referral: Referral, owner: MemberView) -> bool:
    roof = referral.buyer_household_index
    return roof is not None and roof == owner.household_index


def _owned_days(uow: UnitOfWork, owner: MemberView | None) -> tuple[tuple[date, date | None], ...]:
    if owner is None:
        return ()
    return tuple((car.owned_from, car.owned_until) for car in members.vehicles_of(uow, owner.id))
