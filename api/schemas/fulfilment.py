"""Shapes of a redemption's fulfilment: its state, its steps, and whether it may be cancelled."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out


class StepIn(Strict):
    """Nothing to choose: the step is the path's."""


class StepOut(Schema):
    step = text_out(20)
    at = instant_out()
    by = text_out(80, allow_none=True)


class FulfilmentOut(Schema):
    """`cancel_refused` is the code of what stands against a cancellation by the caller."""

    redemption_id = uuid_out()
    fulfilment = text_out(20)
    state = text_out(20)
    steps = fields.List(fields.Nested(StepOut), metadata={"maxItems": 4})
    codes = fields.Integer()
    codes_revealed = fields.Integer()
    may_cancel = fields.Boolean()
    cancel_refused = text_out(40, allow_none=True)
