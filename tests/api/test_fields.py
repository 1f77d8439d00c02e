"""Fields take a value as it is or refuse it with a code, and never say what was submitted."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from marshmallow import fields as library

from api.problems import problem_of
from api.schemas.base import Strict
from api.schemas.fields import (
    Choice,
    Day,
    Flag,
    Instant,
    Items,
    Points,
    Remark,
    StrictInt,
    Text,
    Uuid,
)
from api.v1 import OPERATIONS


class PayType(Enum):
    CASH = "cash"
    WARRANTY = "warranty"


class Line(Strict):
    points = Points(required=True)


class Body(Strict):
    points = Points()
    count = StrictInt(0, 5)
    note = Text(1, 10)
    id = Uuid()
    day = Day()
    at = Instant()
    paid_by = Choice(PayType)
    flag = Flag()
    lines = library.List(library.Nested(Line))
    line = library.Nested(Line)
    ids = Items(Uuid(), 1, 2)
    tags = Items(Text(0, 5))
    maybe = Text(0, 5, allow_none=True)
    reason = Remark(1, 40)


UUID = "018f3b7e-0000-7000-8000-00000000000a"
TAKEN: list[tuple[str, Any, Any]] = [
    ("points", 1, 1),
    ("points", 10_000_000, 10_000_000),
    ("count", 0, 0),
    ("note", "张·三", "张·三"),
    ("note", "1380013800", "1380013800"),
    ("reason", "２０２６年活动补发", "２０２６年活动补发"),
    ("note", "𠮷野\u3000家", "𠮷野\u3000家"),
    ("note", "🚗" * 10, "🚗" * 10),
    ("id", UUID, UUID),
    ("day", "2024-02-29", date(2024, 2, 29)),
    ("at", "2026-03-01T08:30:00Z", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
    ("at", "2026-03-01T08:30:00.125+08:00", datetime(2026, 3, 1, 0, 30, 0, 125000, tzinfo=UTC)),
    ("at", "2026-03-01T00:30:00.123456789-05:30", datetime(2026, 3, 1, 6, 0, 0, 123456, UTC)),
    ("paid_by", "warranty", PayType.WARRANTY),
    ("flag", False, False),
    ("ids", [UUID], [UUID]),
    ("tags", [], []),
    ("maybe", None, None),
]


@pytest.mark.parametrize(("name", "given_value", "loaded"), TAKEN)
def test_a_proper_value_is_taken(name: str, given_value: Any, loaded: Any) -> None:
    assert Body().load({name: given_value}) == {name: loaded}


def each(name: str, code: str, *values: Any) -> list[tuple[str, Any, str]]:
    return [(name, value, code) for value in values]


REFUSED: list[tuple[str, Any, str]] = [
    *each("points", "field_type", "5", "５", 3.7, 5.0, True, [5], {}, ""),
    *each("points", "field_range", 0, -1, 10_000_001, 10**17),
    ("points", None, "field_null"),
    ("count", 6, "field_range"),
    *each("note", "field_type", 5, True, [], {"a": 1}),
    *each("note", "field_length", "", "   ", "x" * 11, "\u3000"),
    *each(
        "note",
        "field_characters",
        *(
            f"a{hidden}b"
            for hidden in "\x00\x1b\n\r\t\x7f\x85\u200b\u200d\u202e\u2066\ufeff\u2028\u00ad\ud800"
        ),
    ),
    *each("id", "field_type", 5, True, []),
    *each(
        "id",
        "field_format",
        UUID.upper(),
        UUID.replace("-", ""),
        "{" + UUID + "}",
        "urn:uuid:" + UUID,
        UUID + "\n",
        UUID.replace("0", "０"),
        "",
    ),
    ("day", 20240229, "field_type"),
    *each(
        "day",
        "field_format",
        "2023-02-29",
        "20240229",
        "2024-W01-1",
        "2024-2-9",
        "２０２４-01-01",
        "",
    ),
    *each("day", "field_range", "0001-01-01", "9999-12-31"),
    ("at", 1767225600, "field_type"),
    *each(
        "at",
        "field_format",
        "2026-03-01T08:30:00",
        "2026-03-01 08:30:00Z",
        "2026-03-01",
        "2026-03-01T24:00:00Z",
        "2026-03-01T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T08:30:00+0800",
        "2026-03-01T08:30:00+24:00",
        "2026-03-01T08:30Z",
    ),
    *each("at", "field_range", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *each("paid_by", "field_choice", "CASH", "cash ", ""),
    *each("paid_by", "field_type", 1, ["cash"], True),
    *each("flag", "field_type", 1, 0, "true", "on", []),
    *each("ids", "field_type", UUID, {"0": UUID}, 5),
    *each("ids", "field_length", [], [UUID] * 3),
    ("tags", ["a"] * 201, "field_length"),
    ("lines", {"points": 5}, "field_type"),
    ("line", [5], "field_type"),
    *each("reason", "field_personal", "请回电13800138000", "车主京A12345的积分"),
    ("reason", "", "field_length"),
    ("reason", "a\u200bb", "field_characters"),
    ("surprise", 1, "field_unknown"),
    ("__proto__", {}, "field_unknown"),
]


@pytest.mark.parametrize(("name", "value", "code"), REFUSED)
def test_an_improper_value_is_refused_by_its_code(name: str, value: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Body().load({name: value})
    problem = problem_of(refusal.value)
    assert [(each.pointer, each.code) for each in problem.errors] == [(f"/{name}", code)]
    assert (problem.status, problem.code) == (422, "validation_failed")


def test_nested_errors_are_named_by_their_pointers() -> None:
    with pytest.raises(ValidationError) as refusal:
        Body().load(
            {"lines": [{"points": 5}, {"points": "5"}, 7], "line": {"a/b": 1, "points": 1}, "x": 1}
        )
    assert [(each.pointer, each.code) for each in problem_of(refusal.value).errors] == [
        ("/line/a~1b", "field_unknown"),
        ("/lines/1/points", "field_type"),
        ("/lines/2", "field_type"),
        ("/x", "field_unknown"),
    ]


@pytest.mark.parametrize("body", [None, [], "text", 5, [{}]])
def test_a_body_that_is_no_object_is_refused_as_a_whole(body: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        Body().load(body)
    assert [(each.pointer, each.code) for each in problem_of(refusal.value).errors] == [
        ("", "field_type")
    ]


@given(st.text(min_size=12, max_size=40), st.sampled_from(sorted(Body().fields)))
def test_what_was_submitted_is_never_repeated_in_the_problem(secret: str, name: str) -> None:
    try:
        Body().load({name: secret})
    except ValidationError as error:
        told = problem_of(error).body("en", "urn:request:1")
        assert secret not in json.dumps(told, ensure_ascii=False)


def test_times_are_answered_in_utc_with_milliseconds() -> None:
    moment = datetime.fromisoformat("2026-03-01T08:30:00.125999+08:00")
    answer = Body().dump({"at": moment, "day": date(2026, 3, 1), "paid_by": PayType.CASH})
    assert answer == {"at": "2026-03-01T00:30:00.125Z", "day": "2026-03-01", "paid_by": "cash"}


def test_the_api_document_shows_the_bounds_of_every_field() -> None:
    spec = APISpec("t", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Body", schema=Body)
    shown: Mapping[str, Any] = spec.to_dict()["components"]["schemas"]["Body"]["properties"]
    assert shown["points"] == {"type": "integer", "minimum": 1, "maximum": 10_000_000}
    assert shown["note"] == {"type": "string", "minLength": 1, "maxLength": 10}
    assert (shown["id"]["format"], shown["id"]["pattern"][:9]) == ("uuid", "^[0-9a-f]")
    assert (shown["day"]["format"], shown["at"]["format"]) == ("date", "date-time")
    assert shown["paid_by"]["enum"] == ["cash", "warranty"]
    assert (shown["ids"]["minItems"], shown["ids"]["maxItems"]) == (1, 2)


REASONS = [
    pytest.param(field, id=operation.name)
    for operation in OPERATIONS
    if operation.body is not None
    and isinstance(field := operation.body().fields.get("reason"), Text)
]


@pytest.mark.parametrize("field", REASONS)
def test_a_reason_typed_by_staff_names_nobody(field: Text) -> None:
    with pytest.raises(ValidationError) as refused:
        field.deserialize("请回电13800138000")
    assert refused.value.messages == ["field_personal"]
