"""Shapes of leads. A phone comes in and never goes out."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, uuid_out
from api.schemas.fields import Choice, Instant, Text
from referral.leads import LeadChannel


class LeadIn(Strict):
    """Somebody asked for a car: his phone, the channel he came by, and when."""

    external_ref = fields.Nested(ReferenceIn, required=True)
    phone = Text(1, 40, required=True)
    channel = Choice(LeadChannel, required=True)
    opened_at = Instant(required=True)


class LeadOut(Schema):
    id = uuid_out()
