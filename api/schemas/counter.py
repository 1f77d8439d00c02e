"""Shapes of counter codes and of a desk's attempts with them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Fault, Text, Uuid
from loyalty.counter.issue import DIGITS
from loyalty.counter.subjects import Purpose

_NAME = 80


class _Digits(validate.Regexp):
    """Digits and nothing else, told without what was typed."""

    def __init__(self) -> None:
        super().__init__(rf"^[0-9]{{{DIGITS}}}$")

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise ValidationError(Fault("field_format", expected="0" * DIGITS))
        return value


class CounterCodeIn(Strict):
    """What it is for: a reserved benefit or a redeemed reward, by its id."""

    purpose = Choice(Purpose, required=True)
    subject_id = Uuid(required=True)


class CounterCodeOut(Schema):
    """`code` is told here and never again: it is kept nowhere."""

    id = uuid_out()
    code = text_out(DIGITS)
    expires_at = instant_out()


class CounterVerificationIn(Strict):
    """`issued_by` is the dealer whose member shows the code, if not one's own."""

    code = Text(DIGITS, DIGITS, required=True, validate=_Digits())
    issued_by = Uuid(load_default=None, allow_none=True)


class HandedOut(Schema):
    """What to give, for the screen of the desk."""

    name_zh = text_out(_NAME)
    name_en = text_out(_NAME)
    quantity = fields.Integer()
    choice_zh = text_out(_NAME, allow_none=True)
    choice_en = text_out(_NAME, allow_none=True)


class CounterVerificationOut(Schema):
    """`outcome`: accepted, wrong_code, expired, used, not_honoured; the rest only if accepted. An
    act that is refused is answered by its own error."""

    id = uuid_out()
    outcome = text_out(20)
    purpose = text_out(20, allow_none=True)
    what = fields.Nested(HandedOut, allow_none=True)
