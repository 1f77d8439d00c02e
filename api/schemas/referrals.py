"""Shapes of referrals, sales, licence checks and callbacks. None has an expected answer."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, instant_out, points_out, text_out, uuid_out
from api.schemas.fields import Choice, Day, Instant, Items, Reference, Text, Uuid
from referral.lifecycle import State
from referral.reasons import Reason
from referral.sale import MOST_PHONES, SaleKind, SaleType
from referral.withdraw import Party


class BuyerIn(Strict):
    name = Text(1, 60, required=True)
    phone = Text(1, 40, required=True)
    occupation = Text(1, 60, load_default=None, allow_none=True)
    first_visit_on = Day(required=True)
    household_ref = Reference(40, load_default=None, allow_none=True)


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
    """`review` says why two people must decide in the end; it is shown to those who may, and what
    the buyer gets to everybody but the owner. To others both are null."""

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
    buyer_reward = fields.Nested(RewardShownOut, allow_none=True)
    review = fields.List(text_out(60), allow_none=True, metadata={"maxItems": 20})


class ReferralWithdrawalIn(Strict):
    """Whose consent is taken back: an owner speaks for himself alone."""

    party = Choice(Party, required=True)


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
    """A deposit or an order names the buyer's phone and up to five more of the contract, an order
    its type (retail if it is null), a delivery the car."""

    external_ref = fields.Nested(ReferenceIn, required=True)
    kind = Choice(SaleKind, required=True)
    order_no = Reference(40, required=True)
    occurred_at = Instant(required=True)
    buyer_phone = Text(1, 40, load_default=None, allow_none=True)
    other_phones = Items(Text(1, 40), maximum=MOST_PHONES, load_default=())
    sale_type = Choice(SaleType, load_default=None, allow_none=True)
    car = fields.Nested(CarIn, load_default=None, allow_none=True)


class SaleEventOut(Schema):
    id = uuid_out()
    referral_id = uuid_out(allow_none=True)


class LicenceCheckIn(Strict):
    """Fields of the licence (行驶证): null is not given, an empty text cannot be read.

    With a photo, what is not given is taken from it where it was surely read.
    """

    plate_no = Text(0, 20, load_default=None, allow_none=True)
    owner_name = Text(0, 60, load_default=None, allow_none=True)
    vin = Text(0, 40, load_default=None, allow_none=True)
    use_nature = Text(0, 20, load_default=None, allow_none=True)
    brand_model = Text(0, 60, load_default=None, allow_none=True)
    register_date = Day(load_default=None, allow_none=True)
    issue_date = Day(load_default=None, allow_none=True)
    photo_id = Uuid(load_default=None, allow_none=True)


class LicenceCheckOut(Schema):
    referral_id = uuid_out()
    attempt = fields.Integer()
    passed = fields.Boolean()
    reason = text_out(60, allow_none=True)
    verdicts = fields.Dict(keys=fields.String(), values=text_out(20))
    photo_id = uuid_out(allow_none=True)
    typed = fields.List(text_out(20), metadata={"maxItems": 20})
    flags = fields.List(text_out(40), metadata={"maxItems": 20})
    referral_state = text_out(20)
    version = fields.Integer()


class RewardPaymentIn(Strict):
    """Nothing to fill in: what is paid was fixed when the reward was held."""
