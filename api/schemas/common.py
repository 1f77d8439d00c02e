"""Pieces that several resources share: references, money, output fields with their bounds."""

from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.fields import MAX_POINTS, Choice, Instant, Reference, StrictInt

MAX_FEN = 10_000_000_000


class ReferenceIn(Strict):
    """The CRM's own name for an object."""

    source = Reference(40, required=True)
    id = Reference(80, required=True)


class ReferenceOut(Schema):
    source = fields.String(metadata={"maxLength": 40})
    id = fields.String(metadata={"maxLength": 80})


class Currency(StrEnum):
    CNY = "CNY"


class MoneyIn(Strict):
    amount_fen = StrictInt(0, MAX_FEN, required=True)
    currency = Choice(Currency, required=True)


class MoneyOut(Schema):
    amount_fen = fields.Integer()
    currency = fields.String(metadata={"maxLength": 3})


def text_out(longest: int, **kwargs: Any) -> fields.String:
    """A text of at most `longest` characters in an answer."""
    return fields.String(metadata={"maxLength": longest}, **kwargs)


def uuid_out(**kwargs: Any) -> fields.String:
    return fields.String(metadata={"format": "uuid"}, **kwargs)


def instant_out() -> Instant:
    return Instant(allow_none=True, metadata={"maxLength": 30})


def points_out() -> fields.Integer:
    return fields.Integer(allow_none=True, metadata={"minimum": -MAX_POINTS * 1000})
