"""Whether a reported referral may be registered at all; the first obstacle found is the reason.

A reader would break this by reading "before" as "strictly before": equal instants fail closed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from referral.reasons import Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """The facts of one report. Instants are aware, days are the dealer's, phones canonical.

    `registering_at` is the instant that must come before the sale: of the report when it is
    made, of the confirmation when it is confirmed.

    `owner_vehicle_from_days`: per car, the first day owned and the first day no longer owned.
    """

    registering_at: datetime
    earliest_order_at: datetime | None
    earliest_delivery_at: datetime | None
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


def refusal(c: Candidate) -> Reason | None:
    """The reason to refuse, None when the referral may be registered (referral.md, section 2).

    The order of the checks is the order of `CHECKS`: consent before any use of the data, then
    the time of the report, the owner (老车主), the buyer, and the yearly cap.
    """
    return next((reason for reason, applies in CHECKS if applies(c)), None)


def _delivered_before(c: Candidate) -> bool:
    return c.earliest_delivery_at is not None and c.earliest_delivery_at <= c.registering_at


def _ordered_before(c: Candidate) -> bool:
    return c.earliest_order_at is not None and c.earliest_order_at <= c.registering_at


def _never_owned_before(c: Candidate) -> bool:
    return not any(since < c.buyer_first_visit_on for since, _ in c.owner_vehicle_from_days)


def _sold_before(c: Candidate) -> bool:
    visit = c.buyer_first_visit_on
    return not any(
        since < visit and (until is None or until > visit)
        for since, until in c.owner_vehicle_from_days
    )


CHECKS: tuple[tuple[Reason, Callable[[Candidate], bool]], ...] = (
    (Reason.CONSENT_MISSING, lambda c: not c.consent_given),
    (Reason.OWNER_SURFACED_AT_DELIVERY, _delivered_before),
    (Reason.REGISTERED_AFTER_ORDER, _ordered_before),
    (Reason.SELF_SAME_PHONE, lambda c: c.buyer_phone == c.owner_phone),
    (Reason.OWNER_NOT_FOUND, lambda c: not c.owner_found),
    (Reason.OWNER_IS_STAFF, lambda c: c.owner_is_staff),
    (Reason.OWNER_NOT_YET_OWNER, _never_owned_before),
    (Reason.OWNER_SOLD_CAR, _sold_before),
    (Reason.BUYER_EXISTING_CUSTOMER, lambda c: c.buyer_is_member),
    (Reason.CAP_REACHED, lambda c: c.owner_rewards_this_year >= c.cap_per_year),
)
