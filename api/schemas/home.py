"""Shapes of what an owner sees: the summary, and the whole of his page."""

from typing import Any

from marshmallow import Schema, fields

from api.schemas.benefits import BenefitLeftOut, UsageOut
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.members import VehicleOut
from api.schemas.points import ExpiringOut, RedemptionOut, StatementLineOut
from api.schemas.referrals import RewardShownOut
from api.schemas.rewards import OfferOut
from api.schemas.tiers import TierOut


class AsIs(fields.Nested):
    """A part that is told in its final words already."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        return value


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
    """With where it stands: ordered, ready, handed_over, issued, done or cancelled."""

    state = text_out(20)


class HomeOut(Schema):
    """An owner's page. Of histories the latest lines, newest first; the lists themselves have the
    rest."""

    summary = AsIs(SummaryOut)
    vehicles = fields.List(fields.Nested(VehicleOut), metadata={"maxItems": 200})
    expiry_schedule = fields.List(fields.Nested(ExpiringOut), metadata={"maxItems": 1000})
    statement = fields.List(fields.Nested(StatementLineOut), metadata={"maxItems": 10})
    tiers = fields.List(fields.Nested(TierOut), metadata={"maxItems": 5})
    benefits = fields.List(fields.Nested(BenefitLeftOut), metadata={"maxItems": 10_000})
    reservations = fields.List(fields.Nested(UsageOut), metadata={"maxItems": 10_000})
    offers = fields.List(fields.Nested(OfferOut), metadata={"maxItems": 20})
    redemptions = fields.List(fields.Nested(RedemptionShownOut), metadata={"maxItems": 10})
    referrals = fields.List(fields.Nested(ReferralShownOut), metadata={"maxItems": 10})
