"""Whether a reported referral may be registered at all; the first obstacle found is the reason.

A reader would break this by reading "before" as "strictly before": equal instants fail closed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from referral.reasons import Reason
from referral.rules.policy import CutOff


@dataclass(frozen=True, slots=True)
class SaleTimes:
    """When a buyer first paid a deposit (定金), ordered, and was handed over a car; aware."""

    deposit: datetime | None = None
    order: datetime | None = None
    delivery: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """The facts of one report. Instants are aware, days are the dealer's, phones canonical.

    `registering_at` is the instant that must come before the sale: of the report when it is
    made, of the confirmation when it is confirmed. `party_excluded`: owner or buyer took part in a
    fake and is still out. `same_household`: both have a household number, and it is one.

    `owner_vehicle_from_days`: per car, the first day owned and the first day no longer owned.
    """

    registering_at: datetime
    buyer_phone: str
    owner_phone: str
    owner_found: bool
    owner_is_staff: bool
    owner_vehicle_from_days: tuple[tuple[date, date | None], ...]
    buyer_first_visit_on: date
    buyer_is_member: bool
    consent_given: bool
    owner_rewards_this_year: int
    cap_per_year: int
    sale: SaleTimes = field(default=SaleTimes())
    cut_off: CutOff = CutOff.ORDER
    consultant_suspended: bool = False
    same_household: bool = False
    party_excluded: bool = False
    buyer_is_staff: bool = False
    consultant_related: bool = False


def refusal(c: Candidate) -> Reason | None:
    """The reason to refuse, None when the referral may be registered (referral.md, section 2).

    The order of the checks is the order of `CHECKS`: consent before any use of the data, then who
    reports, the time of the report, the owner (老车主), the buyer, and the yearly cap.
    """
    return next((reason for reason, applies in CHECKS if applies(c)), None)


def too_late(cut_off: CutOff, sale: SaleTimes, registering_at: datetime) -> bool:
    """Whether the sale had come as far as the policy's cut-off when this was registered.

    A later step counts as well: a car handed over was ordered, whatever we were told.
    """
    counted = {
        CutOff.DEPOSIT: (sale.deposit, sale.order, sale.delivery),
        CutOff.ORDER: (sale.order, sale.delivery),
        CutOff.DELIVERY: (sale.delivery,),
    }[cut_off]
    return any(at is not None and at <= registering_at for at in counted)


def _delivered_before(c: Candidate) -> bool:
    return too_late(CutOff.DELIVERY, c.sale, c.registering_at)


def _sold_before_report(c: Candidate) -> bool:
    return too_late(c.cut_off, c.sale, c.registering_at)


def _never_owned_before(c: Candidate) -> bool:
    return not any(since < c.buyer_first_visit_on for since, _ in c.owner_vehicle_from_days)


def _sold_car_before(c: Candidate) -> bool:
    visit = c.buyer_first_visit_on
    return not any(
        since < visit and (until is None or until > visit)
        for since, until in c.owner_vehicle_from_days
    )


CHECKS: tuple[tuple[Reason, Callable[[Candidate], bool]], ...] = (
    (Reason.CONSENT_MISSING, lambda c: not c.consent_given),
    (Reason.CONSULTANT_SUSPENDED, lambda c: c.consultant_suspended),
    (Reason.OWNER_SURFACED_AT_DELIVERY, _delivered_before),
    (Reason.REGISTERED_AFTER_ORDER, _sold_before_report),
    (Reason.SELF_SAME_PHONE, lambda c: c.buyer_phone == c.owner_phone),
    (Reason.OWNER_NOT_FOUND, lambda c: not c.owner_found),
    (Reason.SELF_SAME_HOUSEHOLD, lambda c: c.same_household),
    (Reason.PARTY_EXCLUDED, lambda c: c.party_excluded),
    (Reason.OWNER_IS_STAFF, lambda c: c.owner_is_staff),
    (Reason.CONSULTANT_RELATED, lambda c: c.consultant_related),
    (Reason.BUYER_IS_STAFF, lambda c: c.buyer_is_staff),
    (Reason.OWNER_NOT_YET_OWNER, _never_owned_before),
    (Reason.OWNER_SOLD_CAR, _sold_car_before),
    (Reason.BUYER_EXISTING_CUSTOMER, lambda c: c.buyer_is_member),
    (Reason.CAP_REACHED, lambda c: c.owner_rewards_this_year >= c.cap_per_year),
)


def lead_is_older(opened_at: datetime, submitted_at: datetime, *, days: int) -> bool:
    """Whether a lead (线索) opened so many days or more before the report: it was somebody's
    customer already, so two people look at it (referral.md, section 2)."""
    return (submitted_at - opened_at).total_seconds() >= days * 86_400
