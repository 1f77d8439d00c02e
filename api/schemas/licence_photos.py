"""Shapes of licence photos. Values are there for the showroom manager alone, null for others."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from referral.evidence.photo import LONGEST_SIDE

MOST_BASE64 = 4 * LONGEST_SIDE * LONGEST_SIDE


class LicenceFieldOut(Schema):
    """`readable` is false for a field that was not found; below 0.8 a person must look."""

    readable = fields.Boolean()
    confidence = fields.Float(metadata={"minimum": 0, "maximum": 1})
    source = text_out(10, allow_none=True)
    needs_person = fields.Boolean()
    value = text_out(100, allow_none=True)


class LicencePhotoOut(Schema):
    id = uuid_out()
    referral_id = uuid_out()
    received_at = instant_out()
    uploaded_as = text_out(30)
    outcome = text_out(20)
    cause = text_out(30, allow_none=True)
    needs_person = fields.Boolean()
    fields_read = fields.Dict(
        keys=fields.String(), values=fields.Nested(LicenceFieldOut), data_key="fields"
    )
    flags = fields.List(text_out(40), metadata={"maxItems": 20})
    reuse_of = uuid_out(allow_none=True)
    near_duplicate_of = uuid_out(allow_none=True)
    erased = fields.Boolean()


class LicencePhotosOut(Schema):
    referral_id = uuid_out()
    items = fields.List(fields.Nested(LicencePhotoOut), metadata={"maxItems": 20})


class PhotoViewIn(Strict):
    """Nothing to fill in: who looks and when is known."""


class PhotoViewOut(Schema):
    id = uuid_out()
    photo_id = uuid_out()
    viewed_at = instant_out()
    content_type = text_out(20)
    image = fields.String(metadata={"maxLength": MOST_BASE64, "contentEncoding": "base64"})
