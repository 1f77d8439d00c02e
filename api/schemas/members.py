"""Shapes of members, their vehicles and the staff directory."""

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, ReferenceOut, instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Day, Flag, Instant, Items, Reference, Text, Uuid
from loyalty.dealers.roles import Role


class MemberIn(Strict):
    external_ref = fields.Nested(ReferenceIn, required=True)
    name = Text(1, 60, required=True)
    phone = Text(1, 40, required=True)
    occupation = Text(1, 60, load_default=None, allow_none=True)
    joined_on = Day(required=True)
    household_ref = Reference(40, load_default=None, allow_none=True)


class MemberChangeIn(Strict):
    """At least one of them; absent or null leaves it as it is."""

    name = Text(1, 60, load_default=None, allow_none=True)
    phone = Text(1, 40, load_default=None, allow_none=True)
    occupation = Text(1, 60, load_default=None, allow_none=True)
    household_ref = Reference(40, load_default=None, allow_none=True)


class MemberOut(Schema):
    id = uuid_out()
    external_ref = fields.Nested(ReferenceOut)
    name = text_out(60)
    phone = text_out(20)
    joined_on = fields.Date()
    version = fields.Integer()


class MemberSearchIn(Strict):
    """Exactly one of them; it never stands in an address."""

    phone = Text(1, 40, load_default=None)
    plate = Text(1, 20, load_default=None)
    vin = Text(1, 40, load_default=None)


class MembersOut(Schema):
    items = fields.List(fields.Nested(MemberOut), metadata={"maxItems": 20})


class VehicleIn(Strict):
    member_id = Uuid(required=True)
    vin = Text(1, 40, required=True)
    plate = Text(1, 20, load_default=None, allow_none=True)
    model = Text(1, 60, required=True)
    colour = Text(1, 20, required=True)
    transmission = Text(1, 20, required=True)
    use_nature = Text(1, 20, load_default="非营运")
    owned_from = Day(required=True)
    owned_until = Day(load_default=None, allow_none=True)


class VehicleOut(Schema):
    id = uuid_out()
    vin = text_out(17)
    plate = text_out(10, allow_none=True)
    model = text_out(60)
    colour = text_out(1)
    transmission = text_out(20)
    use_nature = text_out(20)
    owned_from = fields.Date()
    owned_until = fields.Date(allow_none=True)


class VehiclesOut(Schema):
    items = fields.List(fields.Nested(VehicleOut), metadata={"maxItems": 200})


class OwnershipOut(Schema):
    id = uuid_out()
    member_id = uuid_out()


class StaffIn(Strict):
    staff_no = Reference(40, required=True)
    name = Text(1, 60, required=True)
    phone = Text(1, 40, load_default=None, allow_none=True)
    roles = Items(Choice(Role), minimum=1, maximum=9, required=True)
    team = Text(1, 40, required=True)


class StaffChangeIn(Strict):
    roles = Items(Choice(Role), minimum=1, maximum=9, required=True)
    team = Text(1, 40, required=True)
    active = Flag(required=True)


class TokenWithdrawalIn(Strict):
    """`token_id` is the token's `jti`, `expires_at` its end."""

    token_id = Text(1, 255, required=True)
    expires_at = Instant(required=True)


class TokenWithdrawalOut(Schema):
    token_id = text_out(255)
    expires_at = instant_out()


class StaffOut(Schema):
    id = uuid_out()
    staff_no = text_out(40)
    name = text_out(60)
    roles = fields.List(text_out(30), metadata={"maxItems": 9})
    team = text_out(40)
    active = fields.Boolean()
    version = fields.Integer()
