"""Parameters of a list (query strings, so numbers arrive as text) and the shape of a page."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from api.schemas.base import Strict
from api.schemas.fields import Fault, Text

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


class Limit(fields.Integer):
    """A decimal number from 1 to 200, as a query string writes it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        plain = isinstance(value, str) and value.isascii() and value.isdecimal()
        if not plain or not 1 <= len(value) <= 3 or not 1 <= int(value) <= MAX_LIMIT:
            raise ValidationError(Fault("field_range", min=1, max=MAX_LIMIT))
        return int(value)


class PageQuery(Strict):
    limit = Limit(load_default=DEFAULT_LIMIT, metadata={"minimum": 1, "maximum": MAX_LIMIT})
    cursor = Text(1, 2048, load_default=None)


def page_of(item: type[Schema]) -> type[Schema]:
    """The shape of a page of items: no totals, a cursor while there is more (api.md)."""
    name = f"{item.__name__.removesuffix('Out')}Page"
    return type(
        name,
        (Schema,),
        {
            "items": fields.List(fields.Nested(item), metadata={"maxItems": MAX_LIMIT}),
            "next_cursor": fields.String(allow_none=True, metadata={"maxLength": 2048}),
            "has_more": fields.Boolean(),
        },
    )
