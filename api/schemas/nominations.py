"""Shapes of the owner's nomination. No answer says how it agrees with the report."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, ValidationError, validate

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Fault, Text
from referral.nomination_codes import DIGITS
from referral.questions.values import VALUES
from referral.rules.nomination import KnownFor


class _Digits(validate.Regexp):
    """Digits and nothing else, told without what was typed."""

    def __init__(self) -> None:
        super().__init__(rf"^[0-9]{{{DIGITS}}}$")

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise ValidationError(Fault("field_format", expected="0" * DIGITS))
        return value


class _OneOf(validate.OneOf):
    """One of these codes; the OpenAPI document lists them."""

    def __init__(self, choices: Iterable[str]) -> None:
        super().__init__(sorted(choices))

    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            raise ValidationError(Fault("field_choice", choices=self.choices_text))
        return value


class NominationCodeIn(Strict):
    """Nothing to fill in: the code goes to the phone of record, whoever asks."""


class NominationCodeOut(Schema):
    """Until when the code is good, and the number it was sent to, masked."""

    expires_at = instant_out()
    sent_to = text_out(20)


class NominationIn(Strict):
    """The friend's name, how one knows him and for how many years, how the recommendation came."""

    code = Text(DIGITS, DIGITS, required=True, validate=_Digits())
    friend_name = Text(1, 60, required=True)
    relation = Text(1, 40, required=True, validate=_OneOf(VALUES["relation"]))
    known_for = Choice(KnownFor, required=True)
    how_it_came = Text(1, 500, required=True)


class NominationOut(Schema):
    referral_id = uuid_out()
    nominated_at = instant_out()
