"""Why a referral (推荐购买) was not believed or not paid: typed codes, texts in `api/messages`.

A reader would break this by refusing with free text: every refusal is one of these codes.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Reason codes of referral.md, section 2, and those of the flags that call for two people."""

    REGISTERED_AFTER_ORDER = "registered_after_order"
    OWNER_SURFACED_AT_DELIVERY = "owner_surfaced_at_delivery"
    BUYER_EXISTING_CUSTOMER = "buyer_existing_customer"
    BUYER_ALREADY_REFERRED = "buyer_already_referred"
    SELF_SAME_PHONE = "self_same_phone"
    SELF_SAME_VIN = "self_same_vin"
    SELF_SAME_HOUSEHOLD = "self_same_household"
    BUYER_EXISTING_LEAD = "buyer_existing_lead"
    BUYER_IS_STAFF = "buyer_is_staff"
    PARTY_EXCLUDED = "party_excluded"
    CONSULTANT_SUSPENDED = "consultant_suspended"
    CONSULTANT_RELATED = "consultant_related"
    SALE_NOT_RETAIL = "sale_not_retail"
    OWNER_NOT_FOUND = "owner_not_found"
    OWNER_NOT_YET_OWNER = "owner_not_yet_owner"
    OWNER_IS_STAFF = "owner_is_staff"
    OWNER_SOLD_CAR = "owner_sold_car"
    LICENCE_OWNER_MISMATCH = "licence_owner_mismatch"
    LICENCE_VIN_MISMATCH = "licence_vin_mismatch"
    LICENCE_PLATE_MISMATCH = "licence_plate_mismatch"
    LICENCE_UNREADABLE = "licence_unreadable"
    LICENCE_REUSED = "licence_reused"
    LICENCE_MODEL_MISMATCH = "licence_model_mismatch"
    CALLBACK_TWO_WRONG = "callback_two_wrong"
    CALLBACK_KNOCKOUT = "callback_knockout"
    CALLBACK_INCONCLUSIVE = "callback_inconclusive"
    CALLBACK_UNREACHABLE = "callback_unreachable"
    CALL_RECORD_MISSING = "call_record_missing"
    CALLS_DISAGREE = "calls_disagree"
    QUESTIONS_NOT_ENOUGH = "questions_not_enough"
    NOMINATION_MISMATCH = "nomination_mismatch"
    RING_SUSPECTED = "ring_suspected"
    RISK_HIGH = "risk_high"
    JUDGED_NOT_PROVEN = "judged_not_proven"
    JUDGED_FAKE = "judged_fake"
    JUDGED_HONEST = "judged_honest"
    APPEAL_UPHELD = "appeal_upheld"
    SALE_CANCELLED = "sale_cancelled"
    SALE_RETURNED = "sale_returned"
    CONSENT_WITHDRAWN = "consent_withdrawn"
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
        Reason.LICENCE_REUSED,
    }
)
"""What the comparison with the vehicle licence (行驶证) may say against a referral."""

CALL = frozenset(
    {
        Reason.CALLBACK_KNOCKOUT,
        Reason.CALLBACK_INCONCLUSIVE,
        Reason.CALL_RECORD_MISSING,
        Reason.QUESTIONS_NOT_ENOUGH,
    }
)
"""Why a call left it open."""

DOUBT = frozenset(
    {
        Reason.CALLS_DISAGREE,
        Reason.CALLBACK_UNREACHABLE,
        Reason.CALLBACK_TWO_WRONG,
        Reason.BUYER_EXISTING_LEAD,
        Reason.LICENCE_MODEL_MISMATCH,
        Reason.NOMINATION_MISMATCH,
        Reason.RING_SUSPECTED,
        Reason.RISK_HIGH,
        Reason.CALLBACK_KNOCKOUT,
        Reason.CALLBACK_INCONCLUSIVE,
        Reason.CALL_RECORD_MISSING,
        Reason.QUESTIONS_NOT_ENOUGH,
    }
)
"""Why two people must decide."""

SUSPICION = frozenset(
    {Reason.CALLBACK_TWO_WRONG, Reason.LICENCE_REUSED, Reason.RING_SUSPECTED, Reason.JUDGED_FAKE}
)
"""Why a fake is suspected, so that its consultant is heard."""

LATE_NEWS = frozenset({Reason.REGISTERED_AFTER_ORDER})
"""What a document that arrives late, but happened earlier, may show after registration."""

CONTRACT_NEWS = LATE_NEWS | {Reason.BUYER_ALREADY_REFERRED, Reason.SELF_SAME_PHONE}
"""What an order may show: late news, a buyer whom another referral registered first, or the owner's
own number."""

REGISTRATION = LATE_NEWS | {
    Reason.OWNER_SURFACED_AT_DELIVERY,
    Reason.BUYER_EXISTING_CUSTOMER,
    Reason.OWNER_NOT_YET_OWNER,
    Reason.OWNER_SOLD_CAR,
    Reason.SELF_SAME_PHONE,
    Reason.SELF_SAME_HOUSEHOLD,
    Reason.BUYER_ALREADY_REFERRED,
    Reason.BUYER_IS_STAFF,
    Reason.PARTY_EXCLUDED,
    Reason.CONSULTANT_SUSPENDED,
    Reason.CONSULTANT_RELATED,
    Reason.OWNER_NOT_FOUND,
    Reason.OWNER_IS_STAFF,
    Reason.CONSENT_MISSING,
    Reason.SLIP_INCOMPLETE,
    Reason.CAP_REACHED,
    Reason.REFUSED_BY_MANAGER,
}
"""What may keep a submitted referral from being registered."""
