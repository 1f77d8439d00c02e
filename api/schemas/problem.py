"""The shape of every error (RFC 9457), for the OpenAPI document."""

from marshmallow import Schema, fields


class FieldErrorOut(Schema):
    pointer = fields.String(metadata={"maxLength": 500})
    code = fields.String(metadata={"maxLength": 63})
    message = fields.String(metadata={"maxLength": 1000})
    params = fields.Dict()


class ProblemOut(Schema):
    type = fields.String(metadata={"maxLength": 80})
    title = fields.String(metadata={"maxLength": 200})
    status = fields.Integer(metadata={"minimum": 400, "maximum": 599})
    detail = fields.String(metadata={"maxLength": 1000})
    instance = fields.String(metadata={"maxLength": 200})
    code = fields.String(metadata={"maxLength": 63})
    errors = fields.List(fields.Nested(FieldErrorOut), metadata={"maxItems": 100})
    retryable = fields.Boolean()
