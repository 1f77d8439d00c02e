"""Shapes of how the draws of a month fell: counts and ids, never a case."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import text_out, uuid_out
from api.schemas.finance import CalendarMonth

MOST_PEOPLE = 1_000


class DrawMonthQuery(Strict):
    month = CalendarMonth(load_default=None)


class SplitOut(Schema):
    draws = fields.Integer()
    buyers = fields.Integer()
    owners = fields.Integer()
    chance_ppm = fields.Integer(metadata={"minimum": 0, "maximum": 1_000_000})
    alert = fields.Boolean()


class AgentSplitOut(SplitOut):
    agent_id = uuid_out()


class DrawSplitOut(Schema):
    month = text_out(7)
    all = fields.Nested(SplitOut)
    agents = fields.List(fields.Nested(AgentSplitOut), metadata={"maxItems": MOST_PEOPLE})
