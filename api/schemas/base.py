"""The one base of request schemas: unknown keys are refused and every message is a code.

A reader would break this by deriving a request schema from marshmallow directly.
"""

from typing import Any, ClassVar

from marshmallow import RAISE, Schema, fields

_CODES = {
    "required": "field_required",
    "null": "field_null",
    "invalid": "field_type",
    "type": "field_type",
}


class Strict(Schema):
    """A request body or parameter set (api.md: unknown fields refused, no sentences as errors)."""

    class Meta:
        unknown = RAISE

    error_messages: ClassVar[dict[str, str]] = {  # type: ignore[misc]
        "type": "field_type",
        "unknown": "field_unknown",
    }

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give library fields, such as nested schemas, codes in place of English sentences."""
        field_obj.error_messages = {**field_obj.error_messages, **_CODES}
        super().on_bind_field(field_name, field_obj)
