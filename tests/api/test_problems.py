"""Every error, whoever raised it, is problem+json in the caller's language (api.md, errors)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import structlog
from flask import Flask, abort, g, request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from api import problems
from api.messages import CatalogueError, Language, catalogue, language, load
from api.problems import (
    PreconditionRequired,
    Problem,
    Unauthorized,
    Unavailable,
    Unreadable,
    pointer_of,
    problem_of,
)
from api.schemas.base import Strict
from api.schemas.fields import Fault, Points, Text
from kernel.errors import Conflict, DomainError, Forbidden, NotFound, RuleViolation, TooSoon

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "errors", "retryable"}
PHONE = "13800138000"
SPOKEN: tuple[Language, ...] = ("zh-CN", "en")


class Redemption(Strict):
    points = Points(required=True)
    note = Text(1, 20)


class DatabaseDownError(Exception):
    """Stands for an error of a layer that the problems module does not know."""


RAISED: dict[str, Exception] = {
    "not-found": NotFound("route_not_found"),
    "conflict": Conflict("insufficient_points"),
    "rule": RuleViolation("field_range", pointer="/points", min=1, max=5),
    "rule-no-place": RuleViolation("field_range", min=1, max=5),
    "forbidden": Forbidden("request_refused"),
    "too-soon": TooSoon("rate_limited", retry_after_s=1.2),
    "too-soon-no-time": TooSoon("rate_limited"),
    "unreadable": Unreadable("json_syntax", line=1, column=2),
    "too-large": Unreadable("body_too_large", limit_bytes=5),
    "content-type": Unreadable("content_type_not_json"),
    "no-token": Unauthorized("token_missing"),
    "bad-token": Unauthorized("token_expired"),
    "changed": Conflict("version_changed"),
    "no-match": PreconditionRequired("if_match_required"),
    "away": Unavailable("service_unavailable", retry_after_s=2),
    "unknown-code": Conflict("a_code_without_message", note="x"),
    "no-family": DomainError("field_range"),
    "stock-message": ValidationError({"points": ["Not a valid integer, says the library."]}),
    "fault": ValidationError(Fault("field_range", min=1, max=3), "points"),
    "bug": ZeroDivisionError(f"the phone {PHONE} divides nothing"),
    "limited": TooManyRequests(retry_after=7),
    "unavailable": ServiceUnavailable(retry_after=3),
    "database": DatabaseDownError(PHONE),
}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("problems")
    app.config["TESTING"] = True
    app.config["MAX_CONTENT_LENGTH"] = 1_000
    translate: Mapping[type[Exception], problems.Translation] = {
        DatabaseDownError: lambda _: Problem("service_unavailable", 503, retryable=True)
    }
    problems.register_error_handlers(app, translate)

    @app.before_request
    def name_request() -> None:
        g.request_id = request.headers.get("X-Request-Id", "r-1")

    @app.get("/raise/<name>")
    def fail(name: str) -> str:
        raise RAISED[name]

    @app.get("/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    @app.post("/redemptions")
    def redeem() -> Any:
        return Redemption().load(json.loads(request.get_data()))

    @app.post("/only-json")
    def only_json() -> Any:
        return request.get_json()

    return app.test_client()


@pytest.mark.parametrize(
    ("name", "status", "code", "retryable"),
    [
        ("not-found", 404, "route_not_found", False),
        ("conflict", 409, "insufficient_points", False),
        ("rule", 422, "field_range", False),
        ("forbidden", 403, "request_refused", False),
        ("too-soon", 409, "rate_limited", True),
        ("too-soon-no-time", 409, "rate_limited", True),
        ("unreadable", 400, "json_syntax", False),
        ("too-large", 413, "body_too_large", False),
        ("content-type", 415, "content_type_not_json", False),
        ("no-token", 401, "token_missing", False),
        ("bad-token", 401, "token_expired", False),
        ("changed", 412, "version_changed", False),
        ("no-match", 428, "if_match_required", False),
        ("away", 503, "service_unavailable", True),
        ("unknown-code", 409, "a_code_without_message", False),
        ("no-family", 500, "internal_error", False),
        ("stock-message", 422, "validation_failed", False),
        ("bug", 500, "internal_error", False),
        ("limited", 429, "rate_limited", True),
        ("unavailable", 503, "service_unavailable", True),
        ("database", 503, "service_unavailable", True),
    ],
)
def test_every_error_is_answered_as_a_problem(
    client: FlaskClient, name: str, status: int, code: str, retryable: bool
) -> None:
    answer = client.get(f"/raise/{name}", headers={"X-Request-Id": "abc-1"})
    body = json.loads(answer.data)
    assert set(body) == MEMBERS
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert (body["retryable"], body["type"]) == (retryable, f"/problems/{code}")
    assert body["instance"] == "urn:request:abc-1"
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert answer.headers["Content-Language"] == "zh-CN"
    assert answer.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        ("too-soon", "Retry-After", "2"),
        ("away", "Retry-After", "2"),
        ("limited", "Retry-After", "7"),
        ("no-token", "WWW-Authenticate", "Bearer"),
        ("bad-token", "WWW-Authenticate", 'Bearer error="invalid_token"'),
        ("too-soon-no-time", "Retry-After", None),
        ("conflict", "Retry-After", None),
    ],
)
def test_headers_say_what_the_caller_may_do_next(
    client: FlaskClient, name: str, header: str, value: str | None
) -> None:
    assert client.get(f"/raise/{name}").headers.get(header) == value


def test_the_place_of_a_broken_rule_is_told_with_its_numbers(client: FlaskClient) -> None:
    answer = client.get("/raise/rule", headers={"Accept-Language": "en"})
    assert json.loads(answer.data)["errors"] == [
        {
            "pointer": "/points",
            "code": "field_range",
            "message": "This field must be between 1 and 5.",
            "params": {"min": 1, "max": 5},
        }
    ]
    whole = json.loads(client.get("/raise/rule-no-place").data)["errors"]
    assert [each["pointer"] for each in whole] == [""]


def test_an_unknown_address_and_a_wrong_method_are_problems_too(client: FlaskClient) -> None:
    lost = client.get("/nowhere")
    assert (lost.status_code, json.loads(lost.data)["code"]) == (404, "route_not_found")
    wrong = client.delete("/redemptions")
    assert (wrong.status_code, json.loads(wrong.data)["code"]) == (405, "method_not_allowed")
    assert {"POST", "OPTIONS"} == set(wrong.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"x" * 2_000, "application/json", 413, "body_too_large"),
        (b"a=1", "text/plain", 415, "content_type_not_json"),
        (b"{", "application/json", 400, "bad_request"),
    ],
)
def test_what_the_framework_refuses_is_a_problem(
    client: FlaskClient, data: bytes, content_type: str, status: int, code: str
) -> None:
    answer = client.post("/only-json", data=data, content_type=content_type)
    assert (answer.status_code, json.loads(answer.data)["code"]) == (status, code)


@pytest.mark.parametrize(
    "status", [400, 401, 403, 406, 408, 410, 416, 418, 451, 500, 501, 502, 504]
)
def test_any_status_of_the_framework_has_a_text(client: FlaskClient, status: int) -> None:
    answer = client.get(f"/abort/{status}")
    body = json.loads(answer.data)
    assert (answer.status_code, body["status"]) == (status, status)
    assert body["code"] in catalogue()


@pytest.mark.parametrize(
    ("body", "status", "code", "errors"),
    [
        ({}, 400, "missing_field", [("/points", "field_required")]),
        (
            {"note": 5},
            400,
            "missing_field",
            [("/note", "field_type"), ("/points", "field_required")],
        ),
        ({"points": "5"}, 422, "validation_failed", [("/points", "field_type")]),
        ({"points": 5, "extra": 1}, 422, "validation_failed", [("/extra", "field_unknown")]),
    ],
)
def test_a_missing_key_is_400_and_a_wrong_value_422(
    client: FlaskClient, body: Any, status: int, code: str, errors: list[tuple[str, str]]
) -> None:
    answer = client.post("/redemptions", json=body)
    told = json.loads(answer.data)
    assert (answer.status_code, told["code"]) == (status, code)
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == errors


def test_a_body_full_of_unknown_keys_gets_a_short_answer(client: FlaskClient) -> None:
    problem = None
    try:
        Redemption().load({f"{i:04}" + "k" * 500: 1 for i in range(5_000)})
    except ValidationError as error:
        problem = problem_of(error)
    assert problem is not None
    assert len(problem.errors) == problems.MAX_ERRORS
    assert max(len(each.pointer) for each in problem.errors) <= 65
    assert problem.code == "missing_field"


@pytest.mark.parametrize("name", ["bug", "stock-message", "database"])
def test_nothing_of_an_exception_reaches_the_caller(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/raise/{name}")
    for hidden in (PHONE, "divides", "ZeroDivision", "Traceback", "library"):
        assert hidden not in answer.get_data(as_text=True)


def test_an_unexpected_error_is_logged_with_the_request_id_and_no_personal_data(
    client: FlaskClient,
) -> None:
    with structlog.testing.capture_logs() as logged:
        client.get("/raise/bug", headers={"X-Request-Id": "abc-9"})
    assert [(each["event"], each["request_id"], each["error"]) for each in logged] == [
        ("unexpected_error", "abc-9", "ZeroDivisionError")
    ]
    assert any(place.endswith(" fail") for place in logged[0]["at"])
    assert PHONE not in str(logged)


def test_a_hostile_request_id_stays_one_harmless_word(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": "a b/<script>"})
    assert json.loads(answer.data)["instance"] == "urn:request:a%20b%2F%3Cscript%3E"


@pytest.mark.parametrize(
    ("header", "spoken"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-TW, en;q=0.5", "zh-CN"),
        ("ZH-hant", "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("EN-us", "en"),
        ("fr-FR, en;q=0.3, zh;q=0.2", "en"),
        ("en;q=0.5, zh;q=0.8", "zh-CN"),
        ("en, zh", "en"),
        ("zh, en", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=0, zh;q=0", "zh-CN"),
        ("fr", "zh-CN"),
        ("*", "zh-CN"),
        ("english", "zh-CN"),
        ("en;q=nan", "zh-CN"),
        ("en;q=1e9", "zh-CN"),
        ("en;q=-1", "zh-CN"),
        ("ｅｎ", "zh-CN"),
        ("en ; q=0.7", "en"),
        ("x" * 100_000, "zh-CN"),
    ],
)
def test_the_language_follows_the_header(header: str | None, spoken: str) -> None:
    assert language(header) == spoken


@given(st.text(st.sampled_from("enzh-*;q=.,019 \t\x00é"), max_size=60) | st.text(max_size=60))
def test_no_accept_language_header_can_raise(header: str) -> None:
    assert language(header) in ("zh-CN", "en")


def test_the_answer_is_in_the_language_asked_for(client: FlaskClient) -> None:
    english = client.get("/nowhere", headers={"Accept-Language": "en-US"})
    chinese = client.get("/nowhere", headers={"Accept-Language": "zh-Hans-CN"})
    assert json.loads(english.data)["title"] == "No such address"
    assert json.loads(chinese.data)["title"] == "地址不存在"
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == (
        "en",
        "zh-CN",
    )


def test_every_message_is_complete_and_fills_in_both_languages() -> None:
    for code, message in catalogue().items():
        for spoken in SPOKEN:
            assert message.titled(spoken), code
            assert "{" not in message.detailed(spoken, {}), code


def test_every_code_the_platform_answers_with_has_a_message() -> None:
    own = {*problems.CODE_OF_STATUS.values(), *problems.STATUS_OF_CODE, "request_refused"}
    assert own <= set(catalogue())


TEXT = {"zh": "字", "en": "word"}
GOOD = {"title": TEXT, "detail": TEXT}


@pytest.mark.parametrize(
    "documents",
    [
        {"a.json": json.dumps({"x_code": GOOD}), "b.json": json.dumps({"x_code": GOOD})},
        {"a.json": f'{{"x_code": {json.dumps(GOOD)}, "x_code": {json.dumps(GOOD)}}}'},
        {"a.json": json.dumps({"x_code": {"title": TEXT}})},
        {"a.json": json.dumps({"x_code": {"title": TEXT, "detail": {"zh": "字"}}})},
        {"a.json": json.dumps({"x_code": {"title": TEXT, "detail": {"zh": "字", "en": " "}}})},
        {"a.json": json.dumps({"BadCode": GOOD})},
        *[
            {"a.json": json.dumps({"x_code": {"title": TEXT, "detail": {"zh": bad, "en": "w"}}})}
            for bad in ("{", "{0}", "{}", "{x.y}", "{x!r}", "{x:>9}", "{x[0]}")
        ],
    ],
)
def test_an_incomplete_or_ambiguous_catalogue_is_refused_at_the_start(
    documents: dict[str, str],
) -> None:
    with pytest.raises(CatalogueError):
        load(documents)


def test_a_sentence_lacking_a_parameter_is_still_a_sentence() -> None:
    sentence = {"zh": "还差 {missing} 分", "en": "{missing} points short"}
    message = load({"a.json": json.dumps({"x_code": {"title": TEXT, "detail": sentence}})})
    assert message["x_code"].detailed("en", {}) == "? points short"
    assert message["x_code"].detailed("zh-CN", {"missing": 5}) == "还差 5 分"


def test_a_pointer_escapes_what_would_split_it() -> None:
    assert pointer_of(["a/b", "~", 0]) == "/a~1b/~0/0"
