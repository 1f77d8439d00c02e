"""Shapes of the gateway's collections of messages to be sent."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.fields import StrictInt
from loyalty.notices.collect import MOST


class NoticeCollectionIn(Strict):
    """How many messages the gateway can send now."""

    limit = StrictInt(1, MOST, load_default=MOST)


class NoticeOut(Schema):
    """`kind`: phone_changed, nomination_code; others may come. Not to be sent after its end."""

    id = uuid_out()
    kind = text_out(40)
    phone = text_out(20)
    text_zh = text_out(500)
    text_en = text_out(500)
    expires_at = instant_out()


class NoticeCollectionOut(Schema):
    """Given out here and nowhere again."""

    items = fields.List(fields.Nested(NoticeOut), metadata={"maxItems": MOST})
