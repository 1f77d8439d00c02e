"""Shapes of benefits: suppliers, versions, what a member has left, uses, statements."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import MoneyOut, instant_out, text_out, uuid_out
from api.schemas.fields import Day, Instant, Remark, StrictInt, Text, Uuid
from api.schemas.finance import CalendarMonth
from api.schemas.rules import JsonObject, VersionOut
from loyalty.benefits.rules.benefit import MOST_UNITS

CODE = 30
NAME = 64
MOST_LINES = 10_000


class SupplierIn(Strict):
    code = Text(1, CODE, required=True)
    name_zh = Text(1, NAME, required=True)
    name_en = Text(1, NAME, required=True)


class SupplierOut(Schema):
    id = uuid_out()
    code = text_out(CODE)
    name_zh = text_out(NAME)
    name_en = text_out(NAME)
    created_at = instant_out()


class BenefitIn(Strict):
    """`body` says who gets how much of what; see the guide to benefits."""

    code = Text(1, CODE, required=True)
    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class BenefitOut(VersionOut):
    """One version of a benefit."""


class ChoiceOut(Schema):
    code = text_out(CODE)
    name_zh = text_out(NAME)
    name_en = text_out(NAME)


class BenefitLeftOut(Schema):
    """A lot of units, usable before `valid_until` (null: as long as the car is owned). `granted`
    and `left` null are unlimited."""

    id = uuid_out(attribute="grant_id")
    benefit = text_out(CODE, attribute="benefit_code")
    name_zh = text_out(NAME)
    name_en = text_out(NAME)
    origin = text_out(20)
    vehicle_id = uuid_out(allow_none=True)
    period_from = fields.Date()
    valid_until = fields.Date(allow_none=True)
    granted = fields.Integer(allow_none=True)
    left = fields.Integer(allow_none=True)
    reserved = fields.Integer()
    used = fields.Integer()
    lapsed = fields.Integer()
    needs_appointment = fields.Boolean()
    choices = fields.List(fields.Nested(ChoiceOut), metadata={"maxItems": 100})
    supplier = text_out(CODE, allow_none=True)


class BenefitsLeftOut(Schema):
    """Everything the member has now; what ends soonest first within each benefit."""

    items = fields.List(fields.Nested(BenefitLeftOut), metadata={"maxItems": MOST_LINES})


class ReservationIn(Strict):
    """A unit for an appointment, or, without one, for the next half hour."""

    member_id = Uuid(required=True)
    benefit = Text(1, CODE, required=True)
    vehicle_id = Uuid(load_default=None, allow_none=True)
    choice = Text(1, CODE, load_default=None, allow_none=True)
    appointment_at = Instant(load_default=None, allow_none=True)
    place = Remark(1, NAME, load_default=None, allow_none=True)


class UsageOut(Schema):
    """A unit reserved, and what became of it: `reserved`, `used`, `released`, `no_show`,
    `reversed`; `end_reason` says why it ended without a use."""

    id = uuid_out()
    member_id = uuid_out()
    grant_id = uuid_out()
    benefit = text_out(CODE, attribute="benefit_code")
    name_zh = text_out(NAME)
    name_en = text_out(NAME)
    vehicle_id = uuid_out(allow_none=True)
    choice = fields.Nested(ChoiceOut, allow_none=True)
    place = text_out(NAME, allow_none=True)
    appointment_at = instant_out()
    state = text_out(20)
    ends_at = instant_out()
    supplier = text_out(CODE, allow_none=True)
    honoured_by = uuid_out(allow_none=True)
    reserved_at = instant_out()
    reserved_by = text_out(80, allow_none=True)
    used_at = instant_out()
    used_by = text_out(80, allow_none=True)
    ended_at = instant_out()
    ended_by = text_out(80, allow_none=True)
    end_reason = text_out(200, allow_none=True)


class NothingIn(Strict):
    """Nothing to choose."""


class ReversalIn(Strict):
    reason = Remark(1, 200, required=True)


class GrantIn(Strict):
    """Units beside those of the tier; `valid_until` is the first day without them."""

    member_id = Uuid(required=True)
    benefit = Text(1, CODE, required=True)
    vehicle_id = Uuid(load_default=None, allow_none=True)
    units = StrictInt(1, MOST_UNITS, required=True)
    valid_until = Day(required=True)
    reason = Remark(1, 200, required=True)


class MonthQuery(Strict):
    month = CalendarMonth(load_default=None)


class SupplierLineOut(Schema):
    supplier = text_out(CODE)
    name_zh = text_out(NAME)
    name_en = text_out(NAME)
    benefit = text_out(CODE)
    units = fields.Integer()
    amount = fields.Nested(MoneyOut)


class SupplierStatementOut(Schema):
    """Uses at home in a month, less those reversed in it."""

    month = text_out(7)
    items = fields.List(fields.Nested(SupplierLineOut), metadata={"maxItems": MOST_LINES})
    amount = fields.Nested(MoneyOut)


class PartnerLineOut(Schema):
    partner_id = uuid_out()
    partner_name = text_out(200, allow_none=True)
    benefit = text_out(CODE)
    units = fields.Integer()
    amount = fields.Nested(MoneyOut)


class PartnerStatementOut(Schema):
    """What this dealer owes its partners for uses in a month, less those reversed in it."""

    month = text_out(7)
    items = fields.List(fields.Nested(PartnerLineOut), metadata={"maxItems": MOST_LINES})
    amount = fields.Nested(MoneyOut)
