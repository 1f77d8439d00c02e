"""Shapes of code pools: codes come in, counts go out; a code in clear only to its owner."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import text_out, uuid_out
from api.schemas.fields import Content, Day, Items

MOST_CODES = 200
LONGEST_CODE = 100


class CodeIn(Strict):
    """A code as its issuer wrote it, and its own last day; what cannot be a code is told row by
    row."""

    code = Content(4 * LONGEST_CODE, required=True)
    ends_on = Day(load_default=None, allow_none=True)


class CodesIn(Strict):
    codes = Items(fields.Nested(CodeIn), 1, MOST_CODES, required=True)


class CodeResultOut(Schema):
    row = fields.Integer()
    outcome = text_out(20)
    reason = text_out(40, allow_none=True)


class CodeUploadOut(Schema):
    id = uuid_out()
    reward_id = uuid_out()
    new = fields.Integer()
    known = fields.Integer()
    known_other_day = fields.Integer()
    invalid = fields.Integer()
    results = fields.List(fields.Nested(CodeResultOut), metadata={"maxItems": MOST_CODES})


class CodePoolOut(Schema):
    reward_id = uuid_out()
    available = fields.Integer()
    held = fields.Integer()
    issued = fields.Integer()
    void = fields.Integer()
    next_end_on = fields.Date(allow_none=True)


class RevealIn(Strict):
    """Nothing to choose: all codes of the redemption."""


class RevealedCodeOut(Schema):
    code = text_out(LONGEST_CODE)
    ends_on = fields.Date(allow_none=True)


class RevealOut(Schema):
    redemption_id = uuid_out()
    codes = fields.List(fields.Nested(RevealedCodeOut), metadata={"maxItems": 100})
