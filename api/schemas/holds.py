"""Shapes of holds over points and stock, and of the cancellation of a redemption."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import (
    MoneyIn,
    MoneyOut,
    ReferenceIn,
    ReferenceOut,
    instant_out,
    points_out,
    text_out,
    uuid_out,
)
from api.schemas.fields import Flag, Points, Remark, StrictInt, Uuid
from api.schemas.rewards import MOST_VERSIONS

LONGEST_HOLD_MINUTES = 30 * 24 * 60


class HoldIn(Strict):
    """For pieces of a reward, for an order of another system, or for neither; `cash` besides.
    `terms_version` is that of the offer the member saw, 0 for one without terms."""

    member_id = Uuid(required=True)
    points = Points(required=True)
    minutes = StrictInt(1, LONGEST_HOLD_MINUTES, required=True)
    reward_id = Uuid(load_default=None, allow_none=True)
    quantity = StrictInt(1, 100, load_default=None, allow_none=True)
    order_ref = fields.Nested(ReferenceIn, load_default=None, allow_none=True)
    cash = fields.Nested(MoneyIn, load_default=None, allow_none=True)
    terms_version = StrictInt(0, MOST_VERSIONS, load_default=None, allow_none=True)


class CaptureIn(Strict):
    """All the points held, unless fewer are named; `honoured_by` is a partner who gives."""

    points = Points(load_default=None, allow_none=True)
    honoured_by = Uuid(load_default=None, allow_none=True)


class ReleaseIn(Strict):
    """Nothing to choose: all of it goes back."""


class HoldOut(Schema):
    id = uuid_out()
    member_id = uuid_out()
    state = text_out(20)
    points = points_out()
    captured = points_out()
    reward_id = uuid_out(allow_none=True)
    quantity = fields.Integer(allow_none=True)
    stock = text_out(20)
    order_ref = fields.Nested(ReferenceOut, allow_none=True)
    cash = fields.Nested(MoneyOut)
    held_at = instant_out()
    expires_at = instant_out()
    ended_at = instant_out()
    redemption_id = uuid_out(allow_none=True)


class CancellationIn(Strict):
    """With `void_codes` its codes do not return but become void, revealed or not."""

    reason = Remark(1, 200, required=True)
    void_codes = Flag(load_default=False)


class CancellationOut(Schema):
    """`restored` points are alive again; `cash` is what the dealer has to repay, and so many codes
    he has to have blocked by their issuer: the service does neither."""

    redemption_id = uuid_out()
    member_id = uuid_out()
    posting_set_id = uuid_out()
    restored = points_out()
    cash = fields.Nested(MoneyOut)
    codes_to_block = fields.Integer()
    reason = text_out(200)
    cancelled_at = instant_out()
    cancelled_by = text_out(80)
