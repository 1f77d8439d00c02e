"""Shapes of the call desk: calls, answers, call records, readings. None has an expected answer."""

from enum import StrEnum

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Day, Instant, Items, StrictInt, Text, Uuid
from api.schemas.rules import JsonObject, VersionOut
from referral.questions.marking import Said


class CallState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CallbackQuery(Strict):
    state = Choice(CallState, load_default=None)


class QuestionOut(Schema):
    position = fields.Integer()
    repeat = fields.Boolean()
    input = text_out(30)
    text_zh = text_out(300)
    text_en = text_out(300)


class ScriptOut(Schema):
    greeting = text_out(500)
    before_questions = text_out(500, allow_none=True)
    re_ask = text_out(500)
    thanks = text_out(500)
    invitation = text_out(500)


class CallbackOut(Schema):
    id = uuid_out()
    referral_id = uuid_out()
    party = text_out(10)
    callee = text_out(80)
    state = text_out(10)
    questions = fields.Integer()
    answered = fields.Integer()
    question = fields.Nested(QuestionOut, allow_none=True)
    script = fields.Nested(ScriptOut)
    created_at = instant_out()
    closed_at = instant_out()


class AnswerIn(Strict):
    position = StrictInt(1, 8, required=True)
    said = Choice(Said, required=True)
    text = Text(1, 1_000, load_default=None, allow_none=True)


class AnswerOut(Schema):
    callback_id = uuid_out()
    position = fields.Integer()
    heard = text_out(10)


class RevealReason(StrEnum):
    FIRST_CALL = "first_call"
    CALL_AGAIN = "call_again"


class PhoneRevealIn(Strict):
    """Why the number is needed; kept in the audit trail."""

    reason = Choice(RevealReason, required=True)


class PhoneRevealOut(Schema):
    callback_id = uuid_out()
    phone = text_out(20)


class CallRecordIn(Strict):
    """What the telephone system knows: `answered_at` is null when nobody picked up."""

    external_ref = fields.Nested(ReferenceIn, required=True)
    callback_id = Uuid(required=True)
    dialled = Text(1, 40, required=True)
    started_at = Instant(required=True)
    answered_at = Instant(load_default=None, allow_none=True)
    ended_at = Instant(required=True)


class CallRecordOut(Schema):
    id = uuid_out()
    callback_id = uuid_out()
    number_matches = fields.Boolean()
    in_hours = fields.Boolean()


class ToReadOut(Schema):
    """`id` is the callback's."""

    id = uuid_out()
    positions = fields.List(fields.Integer(), metadata={"maxItems": 8})


class ReadingPageIn(Strict):
    position = StrictInt(1, 8, required=True)


class ValueOut(Schema):
    code = text_out(40)
    zh = text_out(60)
    en = text_out(60)


class FactToReadOut(Schema):
    fact = text_out(30)
    choices = fields.List(fields.Nested(ValueOut), metadata={"maxItems": 200})


class ReadingPageOut(Schema):
    callback_id = uuid_out()
    position = fields.Integer()
    text_zh = text_out(300)
    text_en = text_out(300)
    words = text_out(1_000)
    facts = fields.List(fields.Nested(FactToReadOut), metadata={"maxItems": 5})


class FactReadIn(Strict):
    """`value`: a code of the choices, `none`, or where there are none what the words say."""

    fact = Text(1, 30, required=True)
    value = Text(1, 60, required=True)


class ReadingIn(Strict):
    position = StrictInt(1, 8, required=True)
    readings = Items(fields.Nested(FactReadIn), 1, 5, required=True)


class ReadingOut(Schema):
    """That it was kept; not how it was marked."""

    callback_id = uuid_out()
    position = fields.Integer()


class BankIn(Strict):
    """`body` has the questions; see the guide to referrals."""

    body = JsonObject(required=True)
    effective_from = Day(required=True)
    effective_until = Day(load_default=None, allow_none=True)


class BankOut(VersionOut):
    """One version of the question bank."""
