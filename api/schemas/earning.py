"""Shapes of documents that earn, their returns, and dry runs."""

from typing import Any

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import (
    MoneyIn,
    ReferenceIn,
    ReferenceOut,
    points_out,
    text_out,
    uuid_out,
)
from api.schemas.fields import Choice, Day, Items, Remark, StrictInt, Text, Uuid
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import JobType, Payer
from loyalty.points.ledger import DebtPolicy

MOST_LINES = 100
MOST_RULES = 500


class DocumentLineIn(Strict):
    payer = Choice(Payer, required=True)
    amount = fields.Nested(MoneyIn, required=True)
    job_type = Choice(JobType, load_default=None, allow_none=True)


class PaperIn(Strict):
    """What happened; `vin` is the car it happened to, `campaign` what it takes part in."""

    kind = Choice(DocumentKind, required=True)
    member_id = Uuid(required=True)
    occurred_on = Day(required=True)
    lines = Items(fields.Nested(DocumentLineIn), maximum=MOST_LINES, required=True)
    vin = Text(1, 40, load_default=None, allow_none=True)
    campaign = Text(1, 64, load_default=None, allow_none=True)


class DocumentIn(PaperIn):
    external_ref = fields.Nested(ReferenceIn, required=True)


class DryRunIn(PaperIn):
    """A document, and versions of rules that are to count as if they were in force."""

    external_ref = fields.Nested(ReferenceIn, load_default=None, allow_none=True)
    rule_ids = Items(Uuid(), maximum=20, load_default=list)


class FactsOut(Schema):
    tier = text_out(30, allow_none=True)
    model = text_out(60, allow_none=True)


class TrialGrantOut(Schema):
    rule_id = text_out(60)
    rule_version = fields.Integer()
    base_fen = fields.Integer()
    raw = points_out()
    points = points_out()
    limited_by = text_out(20, allow_none=True)
    pending = fields.Boolean()


class GrantOut(TrialGrantOut):
    lot_id = uuid_out(allow_none=True)


class ConsideredOut(Schema):
    rule_id = text_out(60)
    rule_version = fields.Integer()
    applied = fields.Boolean()
    reason = text_out(30, allow_none=True)
    raw = points_out()
    points = points_out()


def _listed(shape: type[Schema]) -> Any:
    return fields.List(fields.Nested(shape), metadata={"maxItems": MOST_RULES})


class DocumentOut(Schema):
    id = uuid_out()
    external_ref = fields.Nested(ReferenceOut)
    kind = text_out(30)
    member_id = uuid_out()
    occurred_on = fields.Date()
    campaign = text_out(64, allow_none=True)
    points = points_out()
    posting_set_id = uuid_out(allow_none=True)
    rule_id = text_out(60, allow_none=True)
    rule_version = fields.Integer(allow_none=True)
    returns_id = uuid_out(allow_none=True)
    facts = fields.Nested(FactsOut)
    grants = _listed(GrantOut)
    considered = _listed(ConsideredOut)


class DryRunOut(Schema):
    points = points_out()
    facts = fields.Nested(FactsOut)
    grants = _listed(TrialGrantOut)
    considered = _listed(ConsideredOut)


class ReturnLineIn(Strict):
    """A part of a line given back; `line` counts from 0."""

    line = StrictInt(0, MOST_LINES - 1, required=True)
    amount = fields.Nested(MoneyIn, required=True)


class ReturnIn(Strict):
    external_ref = fields.Nested(ReferenceIn, required=True)
    document = fields.Nested(ReferenceIn, required=True)
    occurred_on = Day(required=True)
    lines = Items(fields.Nested(ReturnLineIn), minimum=1, maximum=MOST_LINES, required=True)
    policy = Choice(DebtPolicy, load_default=DebtPolicy.ARREARS)
    reason = Remark(1, 200, required=True)


class ReturnOut(Schema):
    """`reversed` is what the return undid: `taken` from lots, `owed` as arrears, `written_off`,
    and the rest `expired` before it."""

    id = uuid_out()
    external_ref = fields.Nested(ReferenceOut)
    document_id = uuid_out()
    member_id = uuid_out()
    occurred_on = fields.Date()
    policy = text_out(20)
    reversed = points_out()
    taken = points_out()
    owed = points_out()
    written_off = points_out()
    expired = points_out()
    posting_set_id = uuid_out(allow_none=True)


class ActivationIn(Strict):
    """The event that points wait for, by the name the rule gives it."""

    event = Text(1, 64, required=True)


class ActivationOut(Schema):
    document_id = uuid_out()
    member_id = uuid_out()
    event = text_out(64)
    available = points_out()
