"""Shapes of adjustments, transfers, freezes and reinstatements. Answers name people by id only."""

from enum import StrEnum

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.fields import MAX_POINTS, Choice, Points, Remark, StrictInt, Text, Uuid
from loyalty.points.rules.transfer import STANDARD

LONGEST_REASON = 200


class AdjustmentState(StrEnum):
    REQUESTED = "requested"
    POSTED = "posted"
    REJECTED = "rejected"


class AdjustmentIn(Strict):
    """Points given (+) or taken (-), never 0."""

    member_id = Uuid(required=True)
    points = StrictInt(-MAX_POINTS, MAX_POINTS, required=True)
    reason = Remark(1, LONGEST_REASON, required=True)


class DecisionIn(Strict):
    """No choice to make: the path says which decision it is."""


class AdjustmentQuery(Strict):
    state = Choice(AdjustmentState, load_default=None)


class AdjustmentOut(Schema):
    id = uuid_out()
    member_id = uuid_out()
    points = points_out()
    reason = text_out(LONGEST_REASON)
    state = text_out(20)
    single_handed = fields.Boolean()
    requested_by = uuid_out()
    requested_at = instant_out()
    decided_by = uuid_out(allow_none=True)
    decided_at = instant_out()
    posting_set_id = uuid_out(allow_none=True)
    version = fields.Integer()


class ReceiverIn(Strict):
    """Another member as a person knows him: both have to be right."""

    phone = Text(1, 40, required=True)
    name = Text(1, 60, required=True)


class TransferIn(Strict):
    """The receiver by exactly one of `to_member_id`, for staff alone, and `to`."""

    from_member_id = Uuid(required=True)
    to_member_id = Uuid(load_default=None, allow_none=True)
    to = fields.Nested(ReceiverIn, load_default=None, allow_none=True)
    points = StrictInt(1, STANDARD.points, required=True)


class TransferOut(Schema):
    id = uuid_out()
    from_member_id = uuid_out()
    to_member_id = uuid_out()
    points = points_out()
    transferred_at = instant_out()
    transferred_on = fields.Date()
    transferred_by = text_out(80, allow_none=True)
    out_set_id = uuid_out()
    in_set_id = uuid_out()


class FreezeIn(Strict):
    member_id = Uuid(required=True)
    reason = Remark(1, LONGEST_REASON, required=True)


class LiftIn(Strict):
    """Nothing to choose: the account may spend again."""


class FreezeOut(Schema):
    id = uuid_out()
    member_id = uuid_out()
    reason = text_out(LONGEST_REASON)
    frozen_by = uuid_out()
    frozen_at = instant_out()
    lifted_by = uuid_out(allow_none=True)
    lifted_at = instant_out()


class ReinstatementIn(Strict):
    """Points of the lot that expired, usable again through the day `months` from today."""

    member_id = Uuid(required=True)
    lot_id = Uuid(required=True)
    points = Points(required=True)
    months = StrictInt(1, 24, required=True)
    reason = Remark(1, LONGEST_REASON, required=True)


class ReinstatementOut(Schema):
    id = uuid_out()
    member_id = uuid_out()
    lot_id = uuid_out()
    new_lot_id = uuid_out()
    points = points_out()
    available_at = instant_out()
    expires_at = instant_out()
    spendable = points_out()
