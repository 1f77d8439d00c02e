"""Strict request fields: a value is taken as it is or refused with a code, never converted.

A reader would break this by echoing the submitted value in an error.
"""

import re
import unicodedata
from collections.abc import Sized
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar

from marshmallow import ValidationError, fields, validate

from kernel.errors import RuleViolation
from loyalty.formats import reference, remark
from loyalty.points.ledger import MOST_POINTS

MAX_POINTS = MOST_POINTS
MAX_ITEMS = 200
FIRST_YEAR, LAST_YEAR = 1900, 2199

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_EnumT = TypeVar("_EnumT", bound=Enum)


class Fault(str):
    """An error code that travels through marshmallow as a message, with its parameters."""

    params: dict[str, Any]

    def __new__(cls, code: str, **params: Any) -> "Fault":
        """Return `code` carrying `params`; `params` never hold a submitted value."""
        fault = super().__new__(cls, code)
        fault.params = params
        return fault


def _refuse(code: str, **params: Any) -> ValidationError:
    return ValidationError(Fault(code, **params))


class _Range(validate.Range):
    """Bounds that answer with a code; the OpenAPI document reads `min` and `max`."""

    def __call__(self, value: Any) -> Any:
        if not self.min <= value <= self.max:
            raise _refuse("field_range", min=self.min, max=self.max)
        return value


class _Length(validate.Length):
    """Length bounds that answer with a code; a text of blanks counts as empty."""

    def __call__(self, value: Sized) -> Any:
        size = 0 if isinstance(value, str) and not value.strip() else len(value)
        if not (self.min or 0) <= size <= (self.max or 0):
            raise _refuse("field_length", min=self.min, max=self.max)
        return value


class _Pattern(validate.Regexp):
    """A pattern that answers with a code; the OpenAPI document reads it."""

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise _refuse("field_format", expected="UUID")
        return value


class StrictInt(fields.Integer):
    """A JSON integer within bounds: no 5.0, no "5", no full-width digits, no true (api.md)."""

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)
        self.validators.insert(0, _Range(min=minimum, max=maximum))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int:
            raise _refuse("field_type", expected="integer")
        return value


class Points(StrictInt):
    """Points (积分) of one operation: an integer from 1 to 10,000,000 (api.md, numbers)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(1, MAX_POINTS, **kwargs)


class _String(fields.String):
    """A JSON string, whatever is in it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise _refuse("field_type", expected="string")
        return value


class Text(_String):
    """One line of text, length in code points; control and invisible characters are refused.

    Invisible ones (zero-width, bidi) could make a second identity that looks like the first
    (promises.md P19).
    """

    def __init__(self, minimum: int, maximum: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.insert(0, _Length(min=minimum, max=maximum))

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if not text.isprintable() and any(unicodedata.category(c) in _UNSEEN for c in text):
            raise _refuse("field_characters")
        return text


class Remark(Text):
    """A reason typed by staff, stored in clear: nothing that looks like a phone number, a VIN or
    a plate (loyalty/formats/remark.py)."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if remark.looks_personal(text):
            raise _refuse("field_personal")
        return text


class Content(_String):
    """The text of a file, line breaks and all, of at most so many characters; it may be empty."""

    def __init__(self, maximum: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.insert(0, _Length(min=0, max=maximum))


class Reference(Text):
    """A name another system gave a thing, in its one spelling (loyalty/formats/reference.py)."""

    def __init__(self, maximum: int, **kwargs: Any) -> None:
        super().__init__(1, maximum, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            return reference.canonical(text)
        except RuleViolation as error:
            raise _refuse(error.code) from error


class Uuid(_String):
    """A UUID in its one canonical spelling: lower case with hyphens (api.md, ids)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.insert(0, _Pattern(_UUID))
        self.metadata = {"format": "uuid", **self.metadata}


class Day(fields.Date):
    """A day of the dealer's calendar, YYYY-MM-DD, of the years 1900 to 2199."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str):
            raise _refuse("field_type", expected="string")
        if not _DAY.fullmatch(value):
            raise _refuse("field_format", expected="YYYY-MM-DD")
        try:
            return _within_years(date.fromisoformat(value))
        except ValueError as error:
            raise _refuse("field_format", expected="YYYY-MM-DD") from error


class Instant(fields.DateTime):
    """An RFC 3339 time with an offset, taken as UTC; answered with milliseconds and Z (api.md)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        if not isinstance(value, str):
            raise _refuse("field_type", expected="string")
        if not _INSTANT.fullmatch(value):
            raise _refuse("field_format", expected="RFC 3339")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise _refuse("field_format", expected="RFC 3339") from error
        return _within_years(moment).astimezone(UTC)

    def _serialize(self, value: Any, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None
        text: str = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")


class Choice(fields.Enum[_EnumT]):
    """A member of a text enum by its value: closed on write (api.md, fields)."""

    def __init__(self, enum: type[_EnumT], **kwargs: Any) -> None:
        super().__init__(enum, by_value=True, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> _EnumT:
        if not isinstance(value, str):
            raise _refuse("field_type", expected="string")
        try:
            return self.enum(value)
        except ValueError as error:
            raise _refuse("field_choice", choices=self.choices_text) from error


class Flag(fields.Boolean):
    """A JSON true or false, nothing that merely looks like one."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise _refuse("field_type", expected="boolean")
        return value


class Items(fields.List[Any]):
    """A list with bounds: no list without a limit (api.md, bulk: at most 200 rows)."""

    def __init__(
        self, inner: fields.Field[Any], minimum: int = 0, maximum: int = MAX_ITEMS, **kwargs: Any
    ) -> None:
        super().__init__(inner, **kwargs)
        self.validators.insert(0, _Length(min=minimum, max=maximum))


_DateT = TypeVar("_DateT", date, datetime)


def _within_years(value: _DateT) -> _DateT:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _refuse("field_range", min=FIRST_YEAR, max=LAST_YEAR)
    return value
