"""Shapes of earning rules and of what all versioned data shares."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, points_out, text_out, uuid_out
from api.schemas.fields import Day, Fault, Reference


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


class VersionOut(Schema):
    """One version of something that one person writes and another publishes."""

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


class RuleOut(VersionOut):
    """`granted` is what the version has given of its budget; null without one."""

    granted = points_out()


class RulePublicationIn(Strict):
    """Nothing to fill in: the version was written down by another person."""


class RuleEndIn(Strict):
    """The first business day on which the version counts no more."""

    effective_until = Day(required=True)
