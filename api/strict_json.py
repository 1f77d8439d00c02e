"""The one reader of request bodies: a value every JSON reader would agree on, or `Unreadable`.

A reader would break this by calling another JSON parser on bytes that came from outside.
"""

import json
import math
import re
from collections.abc import Iterator
from json.decoder import JSONDecoder
from typing import Any, NoReturn

from api.problems import Unreadable, pointer_of

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_VALUES = 10_000
MAX_DIGITS = 18

_BLANKS = b" \t\r\n"
_SUSPICIOUS_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_QUOTED = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+["\\]?', re.DOTALL)
_NUL_OR_SURROGATE = re.compile("[\x00\ud800-\udfff]")


def read(raw: bytes) -> Any:
    """Return the JSON value of a body of at most 1 MiB, 32 levels and 10,000 values.

    Raises Unreadable, and nothing else, for any other bytes (api.md, hostile input;
    promises.md P17-P18). Integers have at most 18 digits.
    """
    text = _text(raw)
    _refuse_crowd(raw)
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable("json_syntax", line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise Unreadable("json_too_deep", limit=MAX_DEPTH) from error
    except _RepeatedKeyError as error:
        raise Unreadable("json_duplicate_key", pointer=_find_repeated(text)) from error
    _check(raw, value)
    return value


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise Unreadable("body_too_large", limit_bytes=MAX_BYTES)
    if not raw.strip(_BLANKS):
        raise Unreadable("json_empty")
    if json.detect_encoding(raw) != "utf-8":
        raise Unreadable("json_encoding")
    if b"\x00" in raw:
        raise Unreadable("json_nul_character")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("json_encoding") from error


def _refuse_crowd(raw: bytes) -> None:
    """Count commas outside texts, so that a crowd of values is refused before it is built."""
    if raw.count(b",") >= MAX_VALUES and _QUOTED.sub(b"", raw).count(b",") >= MAX_VALUES:
        raise Unreadable("json_too_many_values", limit=MAX_VALUES)


def _check(raw: bytes, value: Any) -> None:
    """Walk the value only if counting bytes cannot already rule the limits out."""
    opened = raw.count(b"[") + raw.count(b"{")
    most_values = 1 + raw.count(b",") + opened
    escaped = _SUSPICIOUS_ESCAPE.search(raw) is not None
    if opened > MAX_DEPTH or most_values > MAX_VALUES or escaped:
        _check_tree(value, check_text=escaped)


def _check_tree(value: Any, *, check_text: bool) -> None:
    level, depth, seen = [value], 0, 0
    while level:
        seen += len(level)
        containers = [each for each in level if type(each) is dict or type(each) is list]
        if seen > MAX_VALUES:
            raise Unreadable("json_too_many_values", limit=MAX_VALUES)
        if containers and depth == MAX_DEPTH:
            raise Unreadable("json_too_deep", limit=MAX_DEPTH)
        if check_text:
            _check_texts(level)
        level = [child for each in containers for child in _children(each)]
        depth += 1


def _children(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def _check_texts(values: list[Any]) -> None:
    for text in _texts(values):
        found = _NUL_OR_SURROGATE.search(text)
        if found:
            raise Unreadable("json_nul_character" if found[0] == "\x00" else "json_lone_surrogate")


def _texts(values: list[Any]) -> Iterator[str]:
    for value in values:
        if type(value) is str:
            yield value
        elif type(value) is dict:
            yield from value


class _RepeatedKeyError(Exception):
    """An object has a key twice; where, is found by reading again."""


_Place = tuple[Any, str | int] | None


class _Members(list[tuple[str, Any]]):
    """An object as its members in order, keys repeated or not."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise _RepeatedKeyError
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS and len(digits.lstrip("-")) > MAX_DIGITS:
        raise Unreadable("json_number_too_large", digits=MAX_DIGITS)
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise Unreadable("json_number_too_large", digits=MAX_DIGITS)
    return value


def _not_a_number(_: str) -> NoReturn:
    raise Unreadable("json_not_a_number")


def _find_repeated(text: str) -> str:
    """Return the JSON pointer of a repeated key, or of the whole document if it lies too deep.

    The second reading may also meet an error that the first did not reach.
    """
    try:
        level: list[tuple[_Place, Any]] = [(None, _KEEPING_ALL.decode(text))]
    except (json.JSONDecodeError, RecursionError):
        return ""
    for _ in range(MAX_DEPTH):
        for place, container in level:
            key = _repeated_key(container)
            if key is not None:
                return pointer_of(_path((place, key)))
        level = [
            ((place, name), child)
            for place, container in level
            for name, child in _named(container)
            if type(child) is _Members or type(child) is list
        ]
    return ""


def _repeated_key(container: Any) -> str | None:
    keys: set[str] = set()
    for key, _ in container if type(container) is _Members else ():
        if key in keys:
            return str(key)
        keys.add(key)
    return None


def _named(container: Any) -> Any:
    return container if type(container) is _Members else enumerate(container)


def _path(place: _Place) -> list[str]:
    names: list[str] = []
    while place is not None:
        place, name = place
        names.append(str(name))
    return names[::-1]


_STRICT = JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_real,
    parse_constant=_not_a_number,
)
_KEEPING_ALL = JSONDecoder(object_pairs_hook=_Members, parse_int=float)
