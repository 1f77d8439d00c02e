"""Shapes of earning rules and of tiers, which rules ask for."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.fields import Day, Fault, Reference, Remark, Text, Uuid


class JsonObject(fields.Dict):
    """A JSON object that the domain reads key by key."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError(Fault("field_type", expected="object"))
        return value


class RuleIn(Strict):
    """`body` is what the rule says; `effective_until` is the first day without it."""

    code = Reference(60, required=True)
    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class RuleOut(Schema):
    """`granted` is what the version has given of its budget; null without one."""

    id = uuid_out()
    code = text_out(60)
    version = fields.Integer()
    state = text_out(20)
    body = fields.Dict()
    effective_from = fields.Date()
    effective_until = fields.Date(allow_none=True)
    author_id = uuid_out()
    created_at = instant_out()
    publisher_id = uuid_out(allow_none=True)
    published_at = instant_out()
    granted = points_out()


class RulePublicationIn(Strict):
    """Nothing to fill in: the version was written down by another person."""


class RuleEndIn(Strict):
    """The first business day on which the version counts no more."""

    effective_until = Day(required=True)


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
    """A word about a tier: `earned` by the score (in hundredths of a point) or `manual`."""

    id = uuid_out()
    member_id = uuid_out()
    kind = text_out(20)
    tier = text_out(30, allow_none=True)
    since_on = fields.Date()
    until_on = fields.Date(allow_none=True)
    cause = text_out(20, allow_none=True)
    previous = text_out(30, allow_none=True)
    score = fields.Integer(allow_none=True)
    scheme_version = fields.Integer(allow_none=True)
    evidence = fields.List(fields.Nested(EvidenceOut), allow_none=True)
    reason = text_out(200)
    set_by = text_out(255, allow_none=True)
    set_at = instant_out()
