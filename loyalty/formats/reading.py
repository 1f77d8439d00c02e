"""Strict reading of JSON values: each shape accepts exactly one form, or names what is wrong.

Nothing is converted: `true` is not 1, "1" is not 1, and a key nobody reads is refused.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID

from kernel.errors import RuleViolation
from loyalty.formats.text import normalise

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Shape = Callable[[Any, str], T]
"""Reads a value that stands at a JSON pointer."""

MOST_CHARACTERS: Final = 64
MOST_ENTRIES: Final = 100
_COST: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")


class Fields:
    """The keys of one JSON object; null says the same as a key that is not there.

    Raises RuleViolation `rule_invalid` for anything but an object, and for a key not `known`.
    """

    def __init__(self, value: Any, pointer: str, known: set[str]) -> None:
        if not isinstance(value, Mapping):
            refuse(pointer, "not_object")
        for key in value:
            if key not in known:
                refuse(below(pointer, key), "unknown_key")
        self.pointer = pointer
        self.said = {key: each for key, each in value.items() if each is not None}

    def need(self, key: str, shape: Shape[T]) -> T:
        """The value of a key that must be there; raises RuleViolation `rule_invalid`."""
        if key not in self.said:
            refuse(below(self.pointer, key), "missing")
        return shape(self.said[key], below(self.pointer, key))

    def get(self, key: str, shape: Shape[T]) -> T | None:
        """The value of a key, None without one; raises RuleViolation `rule_invalid`."""
        return self.need(key, shape) if key in self.said else None


def refuse(pointer: str, reason: str) -> NoReturn:
    """Raise RuleViolation `rule_invalid` for the value at `pointer`."""
    raise RuleViolation("rule_invalid", pointer=pointer, reason=reason)


def below(pointer: str, key: object) -> str:
    """The JSON pointer of a key or an index of the value at `pointer` (RFC 6901)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def integer(least: int, most: int) -> Shape[int]:
    """A whole number within bounds, both included."""

    def read(value: Any, pointer: str) -> int:
        if type(value) is not int:
            refuse(pointer, "not_integer")
        if not least <= value <= most:
            refuse(pointer, "out_of_range")
        return value

    return read


def choice(among: type[Choice]) -> Shape[Choice]:
    """One value of an enumeration, as its text."""
    values = {str(each): each for each in among}

    def read(value: Any, pointer: str) -> Choice:
        if not isinstance(value, str) or value not in values:
            refuse(pointer, "unknown_choice")
        return values[value]

    return read


def listing(shape: Shape[T]) -> Shape[tuple[T, ...]]:
    """A list with at least one entry and none twice."""

    def read(value: Any, pointer: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            refuse(pointer, "not_list")
        if not 1 <= len(value) <= MOST_ENTRIES:
            refuse(pointer, "out_of_range")
        read = tuple(shape(each, below(pointer, index)) for index, each in enumerate(value))
        if len(set(read)) != len(read):
            refuse(pointer, "repeated")
        return read

    return read


def table(shape: Shape[T]) -> Shape[dict[str, T]]:
    """An object whose keys are codes of the dealer's own, such as tiers (会员等级)."""

    def read(value: Any, pointer: str) -> dict[str, T]:
        if not isinstance(value, Mapping):
            refuse(pointer, "not_object")
        if len(value) > MOST_ENTRIES:
            refuse(pointer, "out_of_range")
        return {
            text(key, below(pointer, key)): shape(each, below(pointer, key))
            for key, each in value.items()
        }

    return read


def text(value: Any, pointer: str) -> str:
    """One line of text in the one spelling in which names are kept (formats.md)."""
    if not isinstance(value, str):
        refuse(pointer, "not_text")
    if not 1 <= len(value) <= MOST_CHARACTERS:
        refuse(pointer, "out_of_range")
    if not value.isprintable() or normalise(value) != value:
        refuse(pointer, "malformed")
    return value


def name(value: Any, pointer: str) -> str:
    """The name of an event: lower case letters, digits, dots and underscores."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        refuse(pointer, "malformed")
    return value


def code(value: Any, pointer: str) -> str:
    """A code of the dealer's own, such as a tier's (会员等级): letters, digits, underscores."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        refuse(pointer, "malformed")
    return value


def cost(value: Any, pointer: str) -> Decimal:
    """Fen as a decimal text with up to four places; a JSON number would be a float."""
    if not isinstance(value, str) or not _COST.fullmatch(value):
        refuse(pointer, "malformed")
    return Decimal(value).quantize(Decimal("0.0001"))


def uuid(value: Any, pointer: str) -> UUID:
    """A UUID in its usual form with hyphens, in small letters."""
    if not isinstance(value, str):
        refuse(pointer, "malformed")
    try:
        read = UUID(value)
    except ValueError:
        refuse(pointer, "malformed")
    if str(read) != value:
        refuse(pointer, "malformed")
    return read
