"""Shapes of balances, statements, rewards and redemptions."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import (
    MoneyOut,
    instant_out,
    points_out,
    text_out,
    uuid_out,
)
from api.schemas.fields import Choice, Points, Reference, StrictInt, Text, Uuid
from api.schemas.rewards import MOST_VERSIONS, TermsInForceOut
from loyalty.rewards.catalogue import RewardKind


class ExpiringOut(Schema):
    expires_at = instant_out()
    expires_on = fields.Date(allow_none=True)
    last_usable_on = fields.Date(allow_none=True)
    points = points_out()
    available = points_out()
    pending = points_out()
    held = points_out()


class BalanceOut(Schema):
    member_id = uuid_out()
    available = points_out()
    pending = points_out()
    held = points_out()
    arrears = points_out()
    frozen = fields.Boolean()
    next_expiry = fields.Nested(ExpiringOut, allow_none=True)
    as_of = instant_out()


class ExpiryScheduleOut(Schema):
    member_id = uuid_out()
    items = fields.List(fields.Nested(ExpiringOut), metadata={"maxItems": 1000})


class LotShareOut(Schema):
    lot_id = uuid_out()
    account = text_out(20)
    points = points_out()
    expires_on = fields.Date(allow_none=True)


class ChangesOut(Schema):
    available = points_out()
    pending = points_out()
    held = points_out()
    arrears = points_out()


class StatementLineOut(Schema):
    id = uuid_out()
    kind = text_out(30)
    points = points_out()
    business_on = fields.Date()
    posted_at = instant_out()
    source = text_out(40)
    source_key = text_out(80)
    rule_id = text_out(60, allow_none=True)
    rule_version = fields.Integer(allow_none=True)
    document_id = uuid_out(allow_none=True)
    reason = text_out(2000, allow_none=True)
    reverses = uuid_out(allow_none=True)
    shortfall = points_out()
    honoured_by = uuid_out(allow_none=True)
    changes = fields.Nested(ChangesOut)
    lots = fields.List(fields.Nested(LotShareOut), metadata={"maxItems": 32_767})


class RewardIn(Strict):
    code = Reference(40, required=True)
    name_zh = Text(1, 80, required=True)
    name_en = Text(1, 80, required=True)
    points = Points(required=True)
    stock = StrictInt(0, 1_000_000, required=True)
    kind = Choice(RewardKind, load_default=RewardKind.GOODS)


class RewardOut(Schema):
    """`points` is the price where no terms are in force; `available` are the pieces left."""

    id = uuid_out()
    code = text_out(40)
    kind = text_out(20)
    name_zh = text_out(80)
    name_en = text_out(80)
    points = points_out()
    available = fields.Integer()
    terms = fields.Nested(TermsInForceOut, allow_none=True)


class RedemptionIn(Strict):
    """`terms_version` is that of the offer the member saw, 0 for one without terms."""

    member_id = Uuid(required=True)
    reward_id = Uuid(required=True)
    quantity = StrictInt(1, 100, load_default=1)
    honoured_by = Uuid(load_default=None, allow_none=True)
    terms_version = StrictInt(0, MOST_VERSIONS, load_default=None, allow_none=True)


class RedemptionOut(Schema):
    """`terms_version` and `tier` are what the price was by, where the reward had terms."""

    id = uuid_out()
    member_id = uuid_out()
    reward_id = uuid_out()
    reward_name_zh = text_out(80)
    reward_name_en = text_out(80)
    quantity = fields.Integer()
    points = points_out()
    cash = fields.Nested(MoneyOut)
    hold_id = uuid_out(allow_none=True)
    honoured_by = uuid_out()
    posting_set_id = uuid_out()
    redeemed_at = instant_out()
    cancelled_at = instant_out()
    terms_version = fields.Integer(allow_none=True)
    tier = text_out(30, allow_none=True)
