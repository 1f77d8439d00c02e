"""Shapes of what an owner sees: the summary, and the whole of his page."""

from typing import Final

from marshmallow import Schema, fields

from api.schemas.benefits import BenefitLeftOut, UsageOut
from api.schemas.common import (
    MoneyOut,
    ReferenceOut,
    instant_out,
    points_out,
    text_out,
    uuid_out,
)
from api.schemas.members import VehicleOut
from api.schemas.points import ExpiringOut, RedemptionOut, StatementLineOut
from api.schemas.referrals import RewardShownOut
from api.schemas.rewards import OfferOut
from api.schemas.tiers import ComponentOut, TierOut
from loyalty.tiers.rules.scheme import MOST_COMPONENTS, MOST_LEVELS

MOST_SHOWN: Final = {
    "statement": 10,
    "tiers": 5,
    "holds": 10,
    "offers": 20,
    "redemptions": 10,
    "referrals": 10,
}
"""How many of each list an owner's page shows; the lists themselves have the rest."""


class SummaryPointsOut(Schema):
    available = points_out()
    pending = points_out()
    held = points_out()
    arrears = points_out()
    frozen = fields.Boolean()


class EndingOut(Schema):
    """What ends next: unspendable from `expires_at`, which begins the day `expires_on`."""

    points = points_out()
    expires_at = instant_out()
    expires_on = fields.Date()
    last_usable_on = fields.Date()


class NextTierOut(Schema):
    """`missing` hundredths of a point; null before the first assessment."""

    tier = text_out(30)
    name_zh = text_out(64)
    name_en = text_out(64)
    at_least = fields.Integer()
    missing = fields.Integer(allow_none=True)


class KeepTierOut(Schema):
    """Below it since a day, the member falls on another unless his score recovers."""

    at_least = fields.Integer()
    missing = fields.Integer()
    below_since = fields.Date(allow_none=True)
    falls_on = fields.Date(allow_none=True)
    falls_to = text_out(30, allow_none=True)
    falls_to_zh = text_out(64, allow_none=True)
    falls_to_en = text_out(64, allow_none=True)


class ProgressOut(Schema):
    """`tier` counts; the score, in hundredths, is that of the last fact or night."""

    tier = text_out(30, allow_none=True)
    name_zh = text_out(64, allow_none=True)
    name_en = text_out(64, allow_none=True)
    earned_tier = text_out(30, allow_none=True)
    since_on = fields.Date(allow_none=True)
    score = fields.Integer(allow_none=True)
    next = fields.Nested(NextTierOut, allow_none=True)
    keep = fields.Nested(KeepTierOut, allow_none=True)


class UnitsOut(Schema):
    """What is left of a benefit: null is unlimited. The soonest of it ends on `valid_until`."""

    code = text_out(60)
    name_zh = text_out(64)
    name_en = text_out(64)
    left = fields.Integer(allow_none=True)
    valid_until = fields.Date(allow_none=True)


class SummaryOut(Schema):
    member_id = uuid_out()
    on = fields.Date()
    balance = fields.Nested(SummaryPointsOut)
    next_expiry = fields.Nested(EndingOut, allow_none=True)
    tier = fields.Nested(ProgressOut)
    benefits = fields.List(fields.Nested(UnitsOut), metadata={"maxItems": 200})


class ReferralShownOut(Schema):
    """A recommendation of his and where it stands; nothing about the buyer."""

    id = uuid_out()
    state = text_out(20)
    reason = text_out(60, allow_none=True)
    submitted_at = instant_out()
    registered_at = instant_out()
    ordered_at = instant_out()
    delivered_at = instant_out()
    verified_at = instant_out()
    due_at = instant_out()
    reward = fields.Nested(RewardShownOut, allow_none=True)


class RedemptionShownOut(RedemptionOut):
    """With where it stands: ordered, ready, handed_over, issued, done or cancelled.
    `cancel_refused` is the code of what stands against a cancellation by the owner; if nothing
    does, `cancel_until` is the last day for it, null where no day ends it."""

    fulfilment = text_out(20)
    state = text_out(20)
    codes = fields.Integer()
    codes_revealed = fields.Integer()
    may_cancel = fields.Boolean()
    cancel_refused = text_out(40, allow_none=True)
    cancel_until = fields.Date(allow_none=True)


class HoldShownOut(Schema):
    """Points put aside until `expires_at`, with the reward or the order they are for."""

    id = uuid_out()
    points = points_out()
    reward_id = uuid_out(allow_none=True)
    reward_name_zh = text_out(80, allow_none=True)
    reward_name_en = text_out(80, allow_none=True)
    quantity = fields.Integer(allow_none=True)
    order_ref = fields.Nested(ReferenceOut, allow_none=True)
    cash = fields.Nested(MoneyOut)
    held_at = instant_out()
    expires_at = instant_out()


class ReservationShownOut(UsageOut):
    """A unit reserved, by whomever."""

    class Meta:
        exclude = ("reserved_by", "used_by", "ended_by")


class LevelNameOut(Schema):
    """A level of the ladder: wherever the page has its code, these are its names."""

    code = text_out(30)
    name_zh = text_out(64)
    name_en = text_out(64)


class ScoreOut(Schema):
    """Why the tier is earned: the score as of today, in hundredths, part by part."""

    score = fields.Integer()
    components = fields.List(fields.Nested(ComponentOut), metadata={"maxItems": MOST_COMPONENTS})


class HasMoreOut(Schema):
    """Whether there is more of a list than the page shows."""

    statement = fields.Boolean()
    tiers = fields.Boolean()
    holds = fields.Boolean()
    offers = fields.Boolean()
    redemptions = fields.Boolean()
    referrals = fields.Boolean()


def _shown(name: str, shape: type[Schema]) -> fields.List[Schema]:
    return fields.List(fields.Nested(shape), metadata={"maxItems": MOST_SHOWN[name]})


class HomeOut(Schema):
    """An owner's page. Of histories and offers the latest, newest first; of holds those that run,
    the one that ends soonest first."""

    summary = fields.Nested(SummaryOut)
    levels = fields.List(fields.Nested(LevelNameOut), metadata={"maxItems": MOST_LEVELS})
    score = fields.Nested(ScoreOut, allow_none=True)
    vehicles = fields.List(fields.Nested(VehicleOut), metadata={"maxItems": 200})
    expiry_schedule = fields.List(fields.Nested(ExpiringOut), metadata={"maxItems": 1000})
    statement = _shown("statement", StatementLineOut)
    tiers = _shown("tiers", TierOut)
    benefits = fields.List(fields.Nested(BenefitLeftOut), metadata={"maxItems": 10_000})
    reservations = fields.List(fields.Nested(ReservationShownOut), metadata={"maxItems": 10_000})
    holds = _shown("holds", HoldShownOut)
    offers = _shown("offers", OfferOut)
    redemptions = _shown("redemptions", RedemptionShownOut)
    referrals = _shown("referrals", ReferralShownOut)
    has_more = fields.Nested(HasMoreOut)
