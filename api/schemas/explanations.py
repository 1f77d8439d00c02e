"""Shapes of what explains a number: moments asked for, postings, lots, spendability."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.fields import MAX_POINTS, Choice, Day, Fault, Instant, Uuid
from api.schemas.points import BalanceOut, StatementLineOut
from loyalty.points.queries import PostingKind

_DAY_LENGTH = len("2026-06-30")


class DayOrInstant(fields.String):
    """A day of the dealer's calendar, or an RFC 3339 instant."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"maxLength": 40}, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        kind = Day if isinstance(value, str) and len(value) == _DAY_LENGTH else Instant
        return kind().deserialize(value)


class SomePoints(fields.Integer):
    """Points from 1 to 10,000,000, as a query string writes them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        plain = isinstance(value, str) and value.isascii() and value.isdecimal()
        if not plain or len(value) > len(str(MAX_POINTS)) or not 1 <= int(value) <= MAX_POINTS:
            raise ValidationError(Fault("field_range", min=1, max=MAX_POINTS))
        return int(value)


class AsOfQuery(Strict):
    as_of = DayOrInstant(load_default=None)


class StatementQuery(Strict):
    kind = Choice(PostingKind, load_default=None)
    posted_from = DayOrInstant(load_default=None)
    posted_before = DayOrInstant(load_default=None)
    as_of = DayOrInstant(load_default=None)


class ExplanationQuery(Strict):
    as_of = DayOrInstant(load_default=None)
    after = Uuid(load_default=None)


class SpendabilityQuery(Strict):
    points = SomePoints(load_default=1, metadata={"minimum": 1, "maximum": MAX_POINTS})


class EntryOut(Schema):
    line = fields.Integer()
    side = text_out(20)
    account = text_out(20)
    issuer_id = uuid_out()
    lot_id = uuid_out(allow_none=True)
    points = points_out()
    counterparty_id = uuid_out(allow_none=True)


class LotFactsOut(Schema):
    id = uuid_out()
    points = points_out()
    issuer_id = uuid_out()
    posting_set_id = uuid_out()
    rule_id = text_out(60)
    rule_version = fields.Integer()
    business_on = fields.Date()
    available_at = instant_out()
    awaits = text_out(60, allow_none=True)
    cancel_at = instant_out()
    expires_at = instant_out()
    origin_lot_id = uuid_out(allow_none=True)


class PostingOut(StatementLineOut):
    entries = fields.List(fields.Nested(EntryOut), metadata={"maxItems": 131_072})
    lot_facts = fields.List(fields.Nested(LotFactsOut), metadata={"maxItems": 32_767})
    reversed_by = fields.List(uuid_out(), metadata={"maxItems": 10_000})
    actor_role = text_out(30)
    actor_id = text_out(80, allow_none=True)


class LotOriginOut(Schema):
    posting_set_id = uuid_out()
    kind = text_out(30)
    source = text_out(40)
    id = text_out(80)
    document_id = uuid_out(allow_none=True)
    document_kind = text_out(30, allow_none=True)


class LotChangeOut(Schema):
    posting_set_id = uuid_out()
    kind = text_out(30)
    posted_at = instant_out()
    points = points_out()
    available = points_out()
    pending = points_out()
    held = points_out()


class ExplainedLotOut(LotFactsOut):
    available = points_out()
    pending = points_out()
    held = points_out()
    settles = points_out()
    origin = fields.Nested(LotOriginOut)
    changes = fields.List(fields.Nested(LotChangeOut), metadata={"maxItems": 100})
    earlier_changes = fields.Integer()


class BalanceExplanationOut(BalanceOut):
    lots_in_all = fields.Integer()
    adds_up = fields.Boolean()
    lots = fields.List(fields.Nested(ExplainedLotOut), metadata={"maxItems": 200})
    next_after = uuid_out(allow_none=True)


class WithheldOut(Schema):
    kind = text_out(20)
    points = points_out()
    until = instant_out()
    awaits = text_out(60, allow_none=True)
    lapses_at = instant_out()
    hold_id = uuid_out(allow_none=True)


class SpendabilityOut(BalanceOut):
    points = points_out()
    can_spend = fields.Boolean()
    missing = points_out()
    withheld = fields.List(fields.Nested(WithheldOut), metadata={"maxItems": 402})
