"""What the one reader of bodies refuses, and that nothing else ever comes out of it (P17-P18)."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Unreadable
from api.strict_json import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


REFUSED = [
    ("nothing at all", b"", "json_empty"),
    ("only blanks", b" \r\n\t", "json_empty"),
    ("byte order mark", b"\xef\xbb\xbf{}", "json_encoding"),
    ("UTF-16 little endian", '{"a": 1}'.encode("utf-16-le"), "json_encoding"),
    ("UTF-16 with a mark", '{"a": 1}'.encode("utf-16"), "json_encoding"),
    ("UTF-32", '{"a": 1}'.encode("utf-32-be"), "json_encoding"),
    ("GBK", '{"name": "张三"}'.encode("gbk"), "json_encoding"),
    ("overlong UTF-8", b'"\xc0\x80"', "json_encoding"),
    ("surrogate as UTF-8", b'"\xed\xa0\x80"', "json_encoding"),
    ("half an object", b'{"a": ', "json_syntax"),
    ("trailing comma", b"[1,]", "json_syntax"),
    ("two values", b"{} {}", "json_syntax"),
    ("leading zero", b"[01]", "json_syntax"),
    ("single quotes", b"{'a': 1}", "json_syntax"),
    ("full-width digits", "[１２]".encode(), "json_syntax"),
    ("raw line break in a text", b'"a\nb"', "json_syntax"),
    ("one level too many", nested(MAX_DEPTH + 1), "json_too_deep"),
    ("100,000 levels of lists", nested(100_000), "json_too_deep"),
    ("100,000 levels of objects", b'{"a":' * 100_000, "json_too_deep"),
    ("a key twice", b'{"a": 1, "a": 1}', "json_duplicate_key"),
    ("a key twice by another spelling", b'{"a": 1, "\\u0061": 2}', "json_duplicate_key"),
    ("NaN", b'{"a": NaN}', "json_not_a_number"),
    ("Infinity", b"[Infinity]", "json_not_a_number"),
    ("minus Infinity", b"-Infinity", "json_not_a_number"),
    ("19 digits", b"1234567890123456789", "json_number_too_large"),
    ("5,000 digits", b"[" + b"9" * 5_000 + b"]", "json_number_too_large"),
    ("overflowing exponent", b'{"a": 1e999}', "json_number_too_large"),
    ("escaped NUL in a text", b'["a\\u0000b"]', "json_nul_character"),
    ("escaped NUL in a key", b'{"x": {"a\\u0000": 1}}', "json_nul_character"),
    ("raw NUL in a text", b'{"name": "a\x00b"}', "json_nul_character"),
    ("high surrogate alone", b'["\\ud800"]', "json_lone_surrogate"),
    ("low surrogate alone in a key", b'{"\\uDFFF": 1}', "json_lone_surrogate"),
    ("surrogates in the wrong order", b'"\\ude00\\ud83d"', "json_lone_surrogate"),
    ("too many values", b"[" + b"0," * MAX_VALUES + b"0]", "json_too_many_values"),
    (
        "a crowd, counted before it is read",
        b"[" + b"0," * MAX_VALUES + b"x",
        "json_too_many_values",
    ),
    ("more than 1 MiB", b'"' + b"a" * MAX_BYTES + b'"', "body_too_large"),
]


@pytest.mark.parametrize(
    ("raw", "code"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_hostile_body_is_refused_by_its_own_code(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(raw)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"points": 300, "note": "\\u4fdd\\u517b"}', {"points": 300, "note": "保养"}),
        (b" [] ", []),
        (b"null", None),
        (b"[true, false, 1.5, -0]", [True, False, 1.5, 0]),
        (b"-123456789012345678", -123456789012345678),
        (b'"\\ud83d\\ude97"', "🚗"),
        (b'"\\\\u0000 is only a text"', "\\u0000 is only a text"),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b"[" + b"0," * (MAX_VALUES - 2) + b"0]", [0] * (MAX_VALUES - 1)),
        (b'["' + b"," * 20_000 + b'\\\\"]', ["," * 20_000 + "\\"]),
        (b'{"brackets in a text": "' + b"[" * 500 + b'"}', {"brackets in a text": "[" * 500}),
    ],
)
def test_an_ordinary_body_is_read_as_it_is(raw: bytes, value: object) -> None:
    assert read(raw) == value


def test_the_deepest_allowed_body_is_read() -> None:
    assert json.dumps(read(nested(MAX_DEPTH))).encode() == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a": 1, "a": 2}', "/a"),
        (b'{"rows": [{"id": 1}, {"id": 1, "id": 2}]}', "/rows/1/id"),
        (b'{"a/b": {"~": 1, "~": 2}}', "/a~1b/~0"),
        (b'{"a": {"b": 1, "b": 2}, "a": 3}', "/a"),
        (b'{"": 1, "": 2}', "/"),
        (b'{"a": 1, "a": 2} and then nonsense', ""),
        (b"[" * 40 + b'{"a": 1, "a": 2}' + b"]" * 40, ""),
    ],
)
def test_a_repeated_key_is_named_by_its_pointer(raw: bytes, pointer: str) -> None:
    with pytest.raises(Unreadable, match="json_duplicate_key") as refusal:
        read(raw)
    assert refusal.value.pointer == pointer


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(Unreadable) as refusal:
        read(b'{\n  "a": oops\n}')
    assert refusal.value.params == {"line": 2, "column": 8}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":0,"a":0,"w":[' + b"{}," * 340_000 + b"{}]}",
        b"[" * 900 + b"[]," * 340_000 + b'{"a":0,"a":0}' + b"]" * 900,
        b"[" + b"0," * 500_000 + b"0]",
        b'{"a":' * 150_000,
        b'"' + b"\\u0000" * 170_000 + b'"',
        b"," * 10_000 + b'"' + b'\\"' * 500_000,
        b'{"a":0,"a":[' + b"{" * 600_000,
        b"[" + b'{"a":[]},' * 9_990 + b'{"a":0,"a":0}, "' + b"x" * 900_000 + b'"]',
    ],
    ids=[
        "wide repeated",
        "deep and wide repeated",
        "many values",
        "deep",
        "many NUL",
        "endless text of quotes",
        "repeated, then deep",
        "as many values as allowed, one repeated",
    ],
)
def test_the_worst_megabyte_costs_no_more_than_moments(raw: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable):
        read(raw)
    assert time.process_time() - started < 1


PIECES = [
    "{", "}", "[", "]", ":", ",", '"', '"a"', '"a":', "1", "1e9", "1e999", "-", "9" * 19, "NaN",
    "true", "null", "\\u0000", "\\ud800", "\\", " ", "\n", "\x00", "é", "\ufeff", "[" * 40,
]  # fmt: skip


def reads_or_refuses(raw: bytes) -> None:
    try:
        value = read(raw)
    except Unreadable:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(raw)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_heap_of_json_pieces_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text.encode())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_every_proper_value_comes_back_unchanged(value: object, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
