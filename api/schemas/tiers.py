"""Shapes of tiers: facts, schemes, previews, standings, and words about a member's tier."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import MoneyOut, ReferenceIn, ReferenceOut, instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Day, Remark, StrictInt, Text, Uuid
from api.schemas.rules import JsonObject, VersionOut
from loyalty.tiers.rules.scheme import MOST_COMPONENTS, MOST_LEVELS
from loyalty.tiers.rules.score import FactKind

_GRADE = 30
MOST_MOVES = 1_000


class FactIn(Strict):
    """`marks` from 0 to 100 of a survey or callback, or a `grade`: a region, trade or position."""

    external_ref = fields.Nested(ReferenceIn, required=True)
    member_id = Uuid(required=True)
    kind = Choice(FactKind, required=True)
    happened_on = Day(required=True)
    marks = StrictInt(0, 100, load_default=None, allow_none=True)
    grade = Text(1, _GRADE, load_default=None, allow_none=True)


class FactOut(Schema):
    """Without a reference it is a document's, and has its id; `paid` is what the customer paid
    himself, below zero of a return, which only `corrects` its order. A withdrawn one counts for
    nothing."""

    id = uuid_out()
    external_ref = fields.Nested(ReferenceOut, allow_none=True)
    member_id = uuid_out()
    kind = text_out(30)
    happened_on = fields.Date()
    marks = fields.Integer(allow_none=True)
    grade = text_out(_GRADE, allow_none=True)
    paid = fields.Nested(MoneyOut, allow_none=True)
    corrects = fields.Boolean()
    recorded_at = instant_out()
    withdrawn_at = instant_out()


class WithdrawalIn(Strict):
    reason = Remark(1, 200, required=True)


class WithdrawalOut(Schema):
    fact_id = uuid_out()
    member_id = uuid_out()
    reason = text_out(200)
    withdrawn_at = instant_out()
    withdrawn_by = text_out(255)


class SchemeIn(Strict):
    """`body` has the components of the score and the ladder; see the guide to tiers."""

    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class SchemeOut(VersionOut):
    """One version of the tier scheme."""


class MoveOut(Schema):
    """So many members from a tier (null: none yet) to another: at once, after the grace unless
    they recover, or staying."""

    from_tier = text_out(30, allow_none=True)
    to_tier = text_out(30)
    when = text_out(20)
    members = fields.Integer()


class PreviewOut(Schema):
    """Every member is counted in one of the moves; `hidden_by_hand` of those who stay would move
    without the tier a person gave them."""

    scheme_id = uuid_out()
    on = fields.Date()
    members = fields.Integer()
    hidden_by_hand = fields.Integer()
    moves = fields.List(fields.Nested(MoveOut), metadata={"maxItems": MOST_MOVES})


class ComponentOut(Schema):
    """A part of the score, in force from `since` on: its points of 100, and what they add to the
    score in hundredths of a point."""

    code = text_out(30)
    group = text_out(20)
    measure = text_out(20)
    since = fields.Date()
    facts = fields.Integer()
    value = fields.Integer(allow_none=True)
    grade = text_out(64, allow_none=True)
    points = fields.Integer()
    weight = fields.Integer()
    hundredths = fields.Integer()


class LevelOut(Schema):
    """A level and the score from which this member has it, by his cars."""

    code = text_out(30)
    name_zh = text_out(64)
    name_en = text_out(64)
    at_least = fields.Integer()


class NextOut(Schema):
    tier = text_out(30)
    at_least = fields.Integer()
    missing = fields.Integer()


class KeepOut(Schema):
    """Below it since a day, the member falls on another unless his score recovers."""

    at_least = fields.Integer()
    missing = fields.Integer()
    below_since = fields.Date(allow_none=True)
    falls_on = fields.Date(allow_none=True)
    falls_to = text_out(30, allow_none=True)


class StandingOut(Schema):
    """Scores are hundredths of a point, from 0 to 10000."""

    member_id = uuid_out()
    on = fields.Date()
    tier = text_out(30, allow_none=True)
    earned_tier = text_out(30, allow_none=True)
    since_on = fields.Date(allow_none=True)
    scheme_version = fields.Integer(allow_none=True)
    score = fields.Integer(allow_none=True)
    components = fields.List(fields.Nested(ComponentOut), metadata={"maxItems": MOST_COMPONENTS})
    levels = fields.List(fields.Nested(LevelOut), metadata={"maxItems": MOST_LEVELS})
    next = fields.Nested(NextOut, allow_none=True)
    keep = fields.Nested(KeepOut, allow_none=True)


class TierAssignmentIn(Strict):
    """Without a tier, what the member has earned counts again; `until_on` is the first day
    without the tier given by hand."""

    member_id = Uuid(required=True)
    tier = Text(1, 30, required=True, allow_none=True)
    since_on = Day(required=True)
    until_on = Day(load_default=None, allow_none=True)
    reason = Remark(1, 200, required=True)


class EvidenceOut(Schema):
    """A component of the score: how many facts, what they measure, and the points that gives of
    100, which count with `weight` percent."""

    code = text_out(30)
    facts = fields.Integer()
    value = fields.Integer(allow_none=True)
    grade = text_out(64, allow_none=True)
    points = fields.Integer()
    weight = fields.Integer()


class TierOut(Schema):
    """A word about a tier: `earned` by the score (in hundredths of a point) or `manual`. `cause`
    says why an earned one was given; `reason`, what staff wrote, is not told to owners."""

    id = uuid_out()
    member_id = uuid_out()
    kind = text_out(20)
    tier = text_out(30, allow_none=True)
    name_zh = text_out(64, allow_none=True)
    name_en = text_out(64, allow_none=True)
    since_on = fields.Date()
    until_on = fields.Date(allow_none=True)
    cause = text_out(20, allow_none=True)
    previous = text_out(30, allow_none=True)
    score = fields.Integer(allow_none=True)
    scheme_version = fields.Integer(allow_none=True)
    evidence = fields.List(
        fields.Nested(EvidenceOut), allow_none=True, metadata={"maxItems": MOST_COMPONENTS}
    )
    reason = text_out(200, allow_none=True)
    set_by = text_out(255, allow_none=True)
    set_at = instant_out()
