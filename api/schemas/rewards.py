"""Shapes of the terms of rewards, and of the catalogue as one member sees it."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.fields import Day, Remark, StrictInt, Uuid
from api.schemas.rules import JsonObject, VersionOut

MOST_ADDED = 100_000
MOST_VERSIONS = 1_000_000


class TermsIn(Strict):
    """`body` has the price, windows, tiers, limit, cash, fulfilment and cancellation; see the
    guide to rewards. `effective_until` is the first day without these terms."""

    reward_id = Uuid(required=True)
    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class TermsOut(VersionOut):
    """One version of the terms of the reward with this code."""


MOST_ADDED = 100_000
MOST_VERSIONS = 1_000_000


class TermsInForceOut(Schema):
    """The terms a reward has today."""

    id = uuid_out()
    version = fields.Integer()
    body = fields.Dict()
    effective_from = fields.Date()
    effective_until = fields.Date(allow_none=True)


class LimitLeftOut(Schema):
    """So many pieces a day, month, quarter, year or ever, and what is left of them."""

    most = fields.Integer()
    period = text_out(20)
    left = fields.Integer()


class CashOut(Schema):
    """For a piece: the points that are paid at least, and the fen that each missing one costs."""

    least_points = points_out()
    fen_a_point = fields.Integer()


class StockAdditionIn(Strict):
    """Pieces that came, and why."""

    pieces = StrictInt(1, MOST_ADDED, required=True)
    reason = Remark(1, 200, required=True)


class StockAdditionOut(Schema):
    """`available` are the pieces on the shelf after it."""

    id = uuid_out()
    reward_id = uuid_out()
    pieces = fields.Integer()
    reason = text_out(200)
    available = fields.Integer()
    added_at = instant_out()
    added_by = text_out(80)


class OfferOut(Schema):
    """A reward as this member has it today: his price for a piece, by his tier, and whether he may
    redeem one now; `reason` is the error code he would meet. What his points do not reach he pays
    in cash beside all of them, `cash_fen` for a piece: 0 is points alone, null is not possible.
    Before `available_from` it is coming soon."""

    id = uuid_out()
    code = text_out(40)
    kind = text_out(20)
    name_zh = text_out(80)
    name_en = text_out(80)
    points = points_out()
    tier = text_out(30, allow_none=True)
    terms_version = fields.Integer(allow_none=True)
    may_redeem = fields.Boolean()
    reason = text_out(40, allow_none=True)
    available_from = fields.Date(allow_none=True)
    available_until = fields.Date(allow_none=True)
    limit = fields.Nested(LimitLeftOut, allow_none=True)
    cash = fields.Nested(CashOut, allow_none=True)
    cash_fen = fields.Integer(allow_none=True)
    fulfilment = text_out(20)
    in_stock = fields.Integer()
