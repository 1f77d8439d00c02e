"""Shapes of referrals, sales, licence checks, callbacks and cases. None has an expected answer."""

from enum import StrEnum

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, instant_out, points_out, text_out, uuid_out
from api.schemas.fields import Choice, Day, Instant, Reference, StrictInt, Text
from referral.lifecycle import State
from referral.questions.marking import Said
from referral.reasons import Reason
from referral.sale import SaleKind


class BuyerIn(Strict):
    name = Text(1, 60, required=True)
    phone = Text(1, 40, required=True)
    occupation = Text(1, 60, load_default=None, allow_none=True)
    first_visit_on = Day(required=True)


class SlipIn(Strict):
    """The four facts about the owner in the buyer's own words, and how it came up."""

    owner_name = Text(1, 60, required=True)
    owner_phone = Text(1, 40, required=True)
    owner_model = Text(1, 60, required=True)
    owner_colour = Text(1, 20, required=True)
    mentioned_at = Instant(required=True)
    how_helped = Text(1, 500, required=True)
    relation = Text(1, 40, load_default=None, allow_none=True)


class ReferralIn(Strict):
    buyer = fields.Nested(BuyerIn, required=True)
    slip = fields.Nested(SlipIn, required=True)
    consent_version = Text(1, 40, load_default=None, allow_none=True)


class ConfirmationIn(Strict):
    """No choice to make: whoever does not confirm refuses, with a reason."""


class RefusalIn(Strict):
    reason = Choice(Reason, required=True)


class RewardShownOut(Schema):
    points = points_out()
    state = text_out(20)
    release_at = instant_out()
    paid_at = instant_out()


class ReferralOut(Schema):
    id = uuid_out()
    state = text_out(20)
    reason = text_out(60, allow_none=True)
    version = fields.Integer()
    consultant_id = uuid_out()
    owner_id = uuid_out(allow_none=True)
    buyer_name = text_out(60)
    buyer_phone = text_out(20)
    slip_hash = text_out(64)
    submitted_at = instant_out()
    registered_at = instant_out()
    ordered_at = instant_out()
    delivered_at = instant_out()
    verified_at = instant_out()
    due_at = instant_out()
    reward = fields.Nested(RewardShownOut, allow_none=True)


class ReferralQuery(Strict):
    state = Choice(State, load_default=None)


class TransitionOut(Schema):
    seq = fields.Integer()
    event = text_out(30)
    from_state = text_out(20, allow_none=True)
    to_state = text_out(20)
    actor_id = text_out(80)
    actor_role = text_out(30)
    reason = text_out(60, allow_none=True)
    at = instant_out()
    previous_hash = text_out(64)
    hash = text_out(64)


class HistoryOut(Schema):
    referral_id = uuid_out()
    items = fields.List(fields.Nested(TransitionOut), metadata={"maxItems": 200})


class CarIn(Strict):
    vin = Text(1, 40, required=True)
    model = Text(1, 60, required=True)
    colour = Text(1, 20, required=True)
    transmission = Text(1, 20, required=True)
    invoice_no = Reference(40, required=True)
    invoiced_on = Day(required=True)


class SaleEventIn(Strict):
    external_ref = fields.Nested(ReferenceIn, required=True)
    kind = Choice(SaleKind, required=True)
    order_no = Reference(40, required=True)
    occurred_at = Instant(required=True)
    buyer_phone = Text(1, 40, load_default=None, allow_none=True)
    car = fields.Nested(CarIn, load_default=None, allow_none=True)


class SaleEventOut(Schema):
    id = uuid_out()
    referral_id = uuid_out(allow_none=True)


class LicenceCheckIn(Strict):
    """Fields of the licence (行驶证): null is not given, an empty text cannot be read."""

    plate_no = Text(0, 20, load_default=None, allow_none=True)
    owner_name = Text(0, 60, load_default=None, allow_none=True)
    vin = Text(0, 40, load_default=None, allow_none=True)
    use_nature = Text(0, 20, load_default=None, allow_none=True)
    register_date = Day(load_default=None, allow_none=True)
    issue_date = Day(load_default=None, allow_none=True)


class LicenceCheckOut(Schema):
    referral_id = uuid_out()
    attempt = fields.Integer()
    passed = fields.Boolean()
    reason = text_out(60, allow_none=True)
    verdicts = fields.Dict(keys=fields.String(), values=text_out(20))
    referral_state = text_out(20)
    version = fields.Integer()


class RewardPaymentIn(Strict):
    """Nothing to fill in: what is paid was fixed when the reward was held."""


class CallState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CallbackQuery(Strict):
    state = Choice(CallState, load_default=None)


class QuestionOut(Schema):
    position = fields.Integer()
    input = text_out(30)
    text_zh = text_out(300)
    text_en = text_out(300)


class ScriptOut(Schema):
    greeting = text_out(500)
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
    position = StrictInt(1, 4, required=True)
    said = Choice(Said, required=True)
    text = Text(1, 500, load_default=None, allow_none=True)


class AnswerOut(Schema):
    callback_id = uuid_out()
    position = fields.Integer()
    closed = fields.Boolean()


class RevealReason(StrEnum):
    FIRST_CALL = "first_call"
    CALL_AGAIN = "call_again"


class PhoneRevealIn(Strict):
    """Why the number is needed; kept in the audit trail."""

    reason = Choice(RevealReason, required=True)


class PhoneRevealOut(Schema):
    callback_id = uuid_out()
    phone = text_out(20)


class CaseOut(Schema):
    id = uuid_out()
    referral_id = uuid_out()
    consultant_id = uuid_out()
    reason = text_out(60)
    state = text_out(20)
    opened_at = instant_out()
