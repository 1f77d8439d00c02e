"""Why a referral (推荐购买) was not believed or not paid: typed codes, texts in `api/messages`.

A reader would break this by refusing with free text: every refusal is one of these codes.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Reason codes of referral.md, section 2, as far as this version decides them."""

    REGISTERED_AFTER_ORDER = "registered_after_order"
    OWNER_SURFACED_AT_DELIVERY = "owner_surfaced_at_delivery"
    BUYER_EXISTING_CUSTOMER = "buyer_existing_customer"
    BUYER_ALREADY_REFERRED = "buyer_already_referred"
    SELF_SAME_PHONE = "self_same_phone"
    SELF_SAME_VIN = "self_same_vin"
    OWNER_NOT_FOUND = "owner_not_found"
    OWNER_NOT_YET_OWNER = "owner_not_yet_owner"
    OWNER_IS_STAFF = "owner_is_staff"
    OWNER_SOLD_CAR = "owner_sold_car"
    LICENCE_OWNER_MISMATCH = "licence_owner_mismatch"
    LICENCE_VIN_MISMATCH = "licence_vin_mismatch"
    LICENCE_PLATE_MISMATCH = "licence_plate_mismatch"
    LICENCE_UNREADABLE = "licence_unreadable"
    CALLBACK_TWO_WRONG = "callback_two_wrong"
    SALE_CANCELLED = "sale_cancelled"
    CONSENT_MISSING = "consent_missing"
    SLIP_INCOMPLETE = "slip_incomplete"
    CAP_REACHED = "cap_reached"
    REFUSED_BY_MANAGER = "refused_by_manager"
    TIMEOUT_FAIL_CLOSED = "timeout_fail_closed"


LICENCE = frozenset(
    {
        Reason.LICENCE_OWNER_MISMATCH,
        Reason.LICENCE_VIN_MISMATCH,
        Reason.LICENCE_PLATE_MISMATCH,
        Reason.LICENCE_UNREADABLE,
    }
)
"""What the comparison with the vehicle licence (行驶证) may say against a referral."""

LATE_NEWS = frozenset({Reason.REGISTERED_AFTER_ORDER})
"""What a document that arrives late, but happened earlier, may show after registration."""

REGISTRATION = LATE_NEWS | {
    Reason.OWNER_SURFACED_AT_DELIVERY,
    Reason.BUYER_EXISTING_CUSTOMER,
    Reason.OWNER_NOT_YET_OWNER,
    Reason.OWNER_SOLD_CAR,
    Reason.SELF_SAME_PHONE,
    Reason.OWNER_NOT_FOUND,
    Reason.OWNER_IS_STAFF,
    Reason.CONSENT_MISSING,
    Reason.SLIP_INCOMPLETE,
    Reason.CAP_REACHED,
    Reason.REFUSED_BY_MANAGER,
}
"""What may keep a submitted referral from being registered."""
