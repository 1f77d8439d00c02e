"""Shapes of risk assessments and statistics: counts and ids, never a name or a number."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.finance import CalendarMonth

MOST_PEOPLE = 1_000


class SignalOut(Schema):
    code = text_out(60)
    points = fields.Integer()
    title = text_out(120)
    detail = text_out(500)
    facts = fields.Dict(keys=fields.String(), values=fields.Integer())


class AssessmentOut(Schema):
    seq = fields.Integer()
    at = instant_out()
    points = fields.Integer()
    choice = text_out(20)
    signals = fields.List(fields.Nested(SignalOut), metadata={"maxItems": 100})


class ReferralRiskOut(Schema):
    referral_id = uuid_out()
    items = fields.List(fields.Nested(AssessmentOut), metadata={"maxItems": 200})


class RiskMonthQuery(Strict):
    month = CalendarMonth(load_default=None)


class ConductOut(Schema):
    person_id = uuid_out()
    total = fields.Integer()
    passed = fields.Integer()
    failed = fields.Integer()
    undecided = fields.Integer()
    share_permille = fields.Integer()
    low_permille = fields.Integer()
    high_permille = fields.Integer()
    flagged = fields.Boolean()


class RiskStatisticsOut(Schema):
    month = text_out(7)
    consultants = fields.List(fields.Nested(ConductOut), metadata={"maxItems": MOST_PEOPLE})
    agents = fields.List(fields.Nested(ConductOut), metadata={"maxItems": MOST_PEOPLE})
