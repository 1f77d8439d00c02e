"""Shapes of trial balance, liability, settlements and month closes; days and months asked for."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.fields import FIRST_YEAR, LAST_YEAR, Day, Fault
from loyalty.finance.days import Month

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
MOST_QUARTERS = 10_000


class CalendarMonth(fields.String):
    """A month of the dealer's calendar, YYYY-MM."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": f"^{_MONTH.pattern}$"}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(Fault("field_type", expected="string"))
        if not _MONTH.fullmatch(value):
            raise ValidationError(Fault("field_format", expected="YYYY-MM"))
        if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
            raise ValidationError(Fault("field_range", min=FIRST_YEAR, max=LAST_YEAR))
        return Month.named(value)


class AsOfQuery(Strict):
    as_of = Day(load_default=None)


class MonthQuery(Strict):
    month = CalendarMonth(load_default=None)


class PostedQuery(Strict):
    posted_from = Day(load_default=None)
    posted_before = Day(load_default=None)


class MonthCloseIn(Strict):
    month = CalendarMonth(required=True)


class CostOut(Schema):
    amount_fen = fields.Integer()
    currency = text_out(3)
    exact_fen = text_out(40)


class AccountBalanceOut(Schema):
    issuer_id = uuid_out()
    side = text_out(20)
    account = text_out(30)
    points = fields.Integer()


class IssuerSumOut(Schema):
    issuer_id = uuid_out()
    points = fields.Integer()


class TrialBalanceOut(Schema):
    as_of = fields.Date()
    items = fields.List(fields.Nested(AccountBalanceOut), metadata={"maxItems": MOST_QUARTERS})
    issuers = fields.List(fields.Nested(IssuerSumOut), metadata={"maxItems": MOST_QUARTERS})
    points = fields.Integer()
    transferred = fields.Integer()
    balanced = fields.Boolean()


class QuarterLiabilityOut(Schema):
    issuer_id = uuid_out()
    quarter = text_out(7, allow_none=True)
    points = fields.Integer()
    cost = fields.Nested(CostOut)


class IssuerLiabilityOut(Schema):
    issuer_id = uuid_out()
    points = fields.Integer()
    cost = fields.Nested(CostOut)
    arrears = fields.Integer()


class BreakageOut(Schema):
    rate = text_out(10, allow_none=True)
    basis_points = fields.Integer(allow_none=True)
    reason = text_out(40, allow_none=True)
    least_lots = fields.Integer()
    vintages = fields.Integer()
    lots = fields.Integer()
    points = fields.Integer()
    expired = fields.Integer()
    dated_points = fields.Integer()
    before = fields.Nested(CostOut)
    expected = fields.Nested(CostOut, allow_none=True)
    after = fields.Nested(CostOut, allow_none=True)


class LiabilityOut(Schema):
    as_of = fields.Date()
    items = fields.List(fields.Nested(QuarterLiabilityOut), metadata={"maxItems": MOST_QUARTERS})
    issuers = fields.List(fields.Nested(IssuerLiabilityOut), metadata={"maxItems": MOST_QUARTERS})
    points = fields.Integer()
    cost = fields.Nested(CostOut)
    arrears = fields.Integer()
    past_date_points = fields.Integer()
    breakage = fields.Nested(BreakageOut)


class SettlementOut(Schema):
    id = uuid_out()
    dealer_id = uuid_out()
    month = text_out(7)
    state = text_out(10)
    number = text_out(40, allow_none=True)
    debtor_id = uuid_out()
    creditor_id = uuid_out()
    points = fields.Integer()
    cost = fields.Nested(CostOut)
    lots = fields.Integer()


class SettlementLineOut(Schema):
    id = uuid_out()
    posted_on = fields.Date()
    posting_set_id = uuid_out()
    kind = text_out(30)
    lot_id = uuid_out()
    points = fields.Integer()
    unit_cost_fen = text_out(20)
    exact_fen = text_out(40)


class MonthCloseOut(Schema):
    id = uuid_out()
    number = text_out(40)
    month = text_out(7)
    ends_at = instant_out()
    closed_at = instant_out()
    closed_by = text_out(80)
    liability_points = fields.Integer()
    liability_cost = fields.Nested(CostOut)
    arrears = fields.Integer()
    statements = fields.Integer()
