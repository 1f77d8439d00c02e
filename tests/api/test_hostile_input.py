"""Hostile requests over HTTP: a typed refusal in the caller's language, and nothing is stored."""

import json
import re
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from api.app import MAX_BODY_BYTES
from api.messages import catalogue
from api.service import Service
from api.v1 import OPERATIONS
from tests.support.shop import Shop, open_shop

MEMBER = {
    "external_ref": {"source": "crm", "id": "C-1"},
    "name": "张三",
    "phone": "13800138000",
    "joined_on": "2024-05-01",
}
REWARD = {"code": "R-1", "name_zh": "洗车", "name_en": "Wash", "points": 100, "stock": 5}
PROPER = json.dumps(MEMBER, ensure_ascii=False)
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def shop(app: Flask, service: Service) -> Shop:
    """One dealer for all: what is refused leaves nothing behind."""
    return open_shop(app, service)


def send(shop: Shop, raw: bytes, language: str = "en", **headers: str) -> TestResponse:
    """Raw bytes as the body of an enrolment by the CRM."""
    sent = {
        "Authorization": f"Bearer {shop.token('crm')}",
        "Idempotency-Key": uuid.uuid4().hex,
        "Content-Type": "application/json",
        "Accept-Language": language,
    }
    return shop.client().post("/v1/members", data=raw, headers=sent | headers)


def refused(answer: TestResponse, status: int, code: str) -> Any:
    """The problem, after what every problem must have was checked."""
    problem = answer.json
    assert problem is not None
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.mimetype == "application/problem+json"
    assert problem["instance"] == f"urn:request:{answer.headers['X-Request-Id']}"
    assert problem["type"] == f"/problems/{code}"
    assert problem["status"] == status
    spoken = "en" if answer.headers["Content-Language"] == "en" else "zh"
    assert problem["title"] == catalogue()[code].title[spoken]
    assert bool(CHINESE.search(problem["title"] + problem["detail"])) == (spoken == "zh")
    return problem


def stored(shop: Shop) -> dict[str, int]:
    """How many rows of each kind the dealer has."""
    tables = ("member", "idempotency_claim", "audit_event", "outbox_event", "reward", "staff")
    with shop.service.database.transaction(shop.dealer_id) as session:
        return {
            name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in tables
        }


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


UNREADABLE: list[tuple[str, bytes, str]] = [
    ("objects 100,000 deep", nested(100_000), "json_too_deep"),
    ("lists 100,000 deep", b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
    ("objects 33 deep", nested(33), "json_too_deep"),
    ("lists never closed", b"[" * 100_000, "json_too_deep"),
    ("an integer of 5,000 digits", b'{"points": %s}' % (b"9" * 5_000), "json_number_too_large"),
    ("an exponent without end", b'{"points": 1e999999}', "json_number_too_large"),
    ("not a number", b'{"points": NaN}', "json_not_a_number"),
    ("infinity", b'{"points": Infinity}', "json_not_a_number"),
    ("minus infinity", b'{"points": -Infinity}', "json_not_a_number"),
    ("a key twice", PROPER[:-1].encode() + b', "name": "x"}', "json_duplicate_key"),
    ("a NUL byte", PROPER.replace("C-1", "C\x001").encode(), "json_nul_character"),
    ("a NUL escape", PROPER.replace("C-1", "C\\u00001").encode(), "json_nul_character"),
    ("a NUL in a key", b'{"a\\u0000b": 1}', "json_nul_character"),
    ("half a pair", PROPER.replace("C-1", "\\ud83d").encode(), "json_lone_surrogate"),
    ("the other half", PROPER.replace("C-1", "\\udc00\\ud800").encode(), "json_lone_surrogate"),
    ("UTF-16", PROPER.encode("utf-16"), "json_encoding"),
    ("UTF-16 without a mark", PROPER.encode("utf-16-le"), "json_encoding"),
    ("UTF-32", PROPER.encode("utf-32"), "json_encoding"),
    ("a byte order mark", PROPER.encode("utf-8-sig"), "json_encoding"),
    ("GB18030", PROPER.encode("gb18030"), "json_encoding"),
    ("a surrogate in bytes", b'{"a": "\xed\xa0\x80"}', "json_encoding"),
    ("an overlong slash", b'{"a": "\xc0\xaf"}', "json_encoding"),
    ("nothing", b"", "json_empty"),
    ("blanks", b" \n\t", "json_empty"),
    ("half a document", PROPER[:-1].encode(), "json_syntax"),
    ("two documents", PROPER.encode() * 2, "json_syntax"),
    ("single quotes", b"{'a': 1}", "json_syntax"),
    ("a comment", b"{} // none", "json_syntax"),
    ("20,000 values", b"[" + b"1," * 20_000 + b"1]", "json_too_many_values"),
]


@pytest.mark.parametrize(
    ("raw", "code"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE]
)
def test_an_unreadable_body_is_told_in_both_languages_and_leaves_nothing(
    shop: Shop, raw: bytes, code: str
) -> None:
    before = stored(shop)
    chinese = refused(send(shop, raw, "zh-CN"), 400, code)
    english = refused(send(shop, raw, "en"), 400, code)
    assert chinese["title"] != english["title"]
    assert stored(shop) == before


@pytest.mark.parametrize(
    "points",
    ["５", "5", "", "5.0", 3.7, 5.0, 1e2, True, False, [5], {"value": 5}, -0.0],
    ids=repr,
)
def test_what_merely_looks_like_an_integer_is_refused(shop: Shop, points: Any) -> None:
    before = stored(shop)
    answer = shop.post("programme_admin", "/v1/rewards", REWARD | {"points": points})
    problem = refused(answer, 422, "validation_failed")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/points", "field_type")
    ]
    assert stored(shop) == before


@pytest.mark.parametrize("points", [0, -1, 10_000_001, 10**17])
def test_points_beyond_the_limits_are_refused(shop: Shop, points: int) -> None:
    answer = shop.post("programme_admin", "/v1/rewards", REWARD | {"points": points})
    assert refused(answer, 422, "validation_failed")["errors"][0]["code"] == "field_range"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "text/json",
        "",
    ],
)
def test_a_body_that_is_not_called_json_is_refused_as_such(shop: Shop, content_type: str) -> None:
    answer = send(shop, PROPER.encode(), **{"Content-Type": content_type})
    refused(answer, 415, "content_type_not_json")


def test_json_may_name_its_encoding(shop: Shop) -> None:
    typed = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert send(shop, PROPER.encode(), **typed).status_code == 201


def test_a_body_over_one_mebibyte_is_refused_before_it_is_read(shop: Shop) -> None:
    before = stored(shop)
    large = PROPER[:-1].encode() + b" " * MAX_BODY_BYTES + b"}"
    refused(send(shop, large), 413, "body_too_large")
    assert stored(shop) == before


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"version": 7}, "/version"),
        ({"dealer_id": "x"}, "/dealer_id"),
        ({"__proto__": {}}, "/__proto__"),
        ({"external_ref": {"source": "crm", "id": "C-1", "kind": 1}}, "/external_ref/kind"),
    ],
)
def test_a_field_nobody_declared_is_refused(shop: Shop, more: dict[str, Any], pointer: str) -> None:
    problem = refused(send(shop, json.dumps(MEMBER | more).encode()), 422, "validation_failed")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        (pointer, "field_unknown")
    ]


@pytest.mark.parametrize("name", sorted(MEMBER))
def test_a_key_that_is_missing_is_named(shop: Shop, name: str) -> None:
    body = {key: value for key, value in MEMBER.items() if key != name}
    problem = refused(send(shop, json.dumps(body).encode()), 400, "missing_field")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        (f"/{name}", "field_required")
    ]


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(shop: Shop, body: bytes) -> None:
    refused(send(shop, body), 422, "validation_failed")


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/v1/rewards?page=2", "unknown_parameter", 400),
        ("/v1/rewards?limit=1&limit=2", "parameter_repeated", 400),
        ("/v1/referrals?phone=13800138000", "unknown_parameter", 400),
        ("/v1/rewards?cursor=AAAA", "cursor_invalid", 400),
        ("/v1/rewards?cursor=%F0%9F%98%80", "cursor_invalid", 400),
        ("/v1/rewards?cursor=" + "A" * 2_000, "cursor_invalid", 400),
        ("/v1/rewards?limit=0", "validation_failed", 422),
        ("/v1/rewards?limit=201", "validation_failed", 422),
        ("/v1/rewards?limit=%EF%BC%95", "validation_failed", 422),
        ("/v1/rewards?limit=5.0", "validation_failed", 422),
        ("/v1/rewards?cursor=%00", "validation_failed", 422),
        ("/v1/referrals?state=unheard_of", "validation_failed", 422),
        ("/v1/members/5", "route_not_found", 404),
        ("/v1/members/%00", "route_not_found", 404),
        ("/v1/nothing", "route_not_found", 404),
        ("/v2/members", "route_not_found", 404),
        ("/v1/redemptions", "method_not_allowed", 405),
    ],
)
def test_an_address_that_asks_for_the_impossible_is_refused(
    shop: Shop, path: str, code: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {shop.token('crm')}", "Accept-Language": "en"}
    refused(shop.client().get(path, headers=headers), status, code)


def test_a_cursor_is_good_for_its_own_list_and_person_only(shop: Shop) -> None:
    for number in range(3):
        shop.post("programme_admin", "/v1/rewards", REWARD | {"code": f"P-{number}"})
    first = shop.get("crm", "/v1/rewards", limit="2").json
    cursor = first["next_cursor"]
    second = shop.get("crm", "/v1/rewards", limit="2", cursor=cursor).json
    assert second["items"][0]["id"] > first["items"][-1]["id"]
    refused(shop.get("auditor", "/v1/rewards", cursor=cursor), 400, "cursor_invalid")
    refused(shop.get("crm", "/v1/staff", cursor=cursor), 400, "cursor_invalid")


def test_a_write_takes_no_parameters_in_its_address(shop: Shop) -> None:
    before = stored(shop)
    answer = shop.post("crm", "/v1/members?dry_run=true", MEMBER)
    refused(answer, 400, "unknown_parameter")
    assert stored(shop) == before


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("zh-Hans-CN", "zh-CN"),
        ("zh-TW,en;q=0.5", "zh-CN"),
        ("en-GB,zh;q=0.9", "en"),
        ("de", "zh-CN"),
        (";;;=,q", "zh-CN"),
        ("", "zh-CN"),
    ],
)
def test_errors_speak_the_language_that_was_asked_for(shop: Shop, asked: str, spoken: str) -> None:
    answer = send(shop, b"{", asked)
    refused(answer, 400, "json_syntax")
    assert answer.headers["Content-Language"] == spoken


@pytest.mark.parametrize("key", ["", "a" * 256, "with blank", "日", "tab\t"])
def test_an_idempotency_key_outside_its_alphabet_is_refused(shop: Shop, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    refused(send(shop, PROPER.encode(), **headers), 400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    ("given", "kept"), [("a1-b2.c3_d4", True), ("short", False), ("x" * 65, False), ("a b", False)]
)
def test_a_callers_request_id_is_kept_only_if_it_is_harmless(
    shop: Shop, given: str, kept: bool
) -> None:
    answer = send(shop, b"{", **{"X-Request-Id": given})
    refused(answer, 400, "json_syntax")
    assert (answer.headers["X-Request-Id"] == given) == kept


def test_a_text_for_another_interpreter_is_only_a_text(shop: Shop) -> None:
    for number, name in enumerate(("'; DROP TABLE member; --", "{{7*7}}", "=1+1", "${jndi:x}")):
        body = REWARD | {"code": f"R-{number}", "name_zh": name, "name_en": "%s%n{0}"}
        answer = shop.post("programme_admin", "/v1/rewards", body)
        assert (answer.status_code, answer.json and answer.json["name_zh"]) == (201, name)


def test_every_write_reads_its_body_with_the_same_care(shop: Shop) -> None:
    for operation in OPERATIONS:
        if operation.body:
            path = re.sub(r"<uuid:\w+>", str(uuid.uuid4()), operation.path)
            headers = {
                "Authorization": f"Bearer {shop.token('crm')}",
                "Content-Type": "application/json",
                "Idempotency-Key": "k",
            }
            answer = shop.client().post(path, data=b'{"a": NaN}', headers=headers)
            refused(answer, 400, "json_not_a_number")


def test_a_body_shorter_than_announced_is_not_acted_on(shop: Shop) -> None:
    body = PROPER.encode()
    answer = shop.client().post(
        "/v1/members",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.token('crm')}", "Idempotency-Key": "short"},
        environ_overrides={"CONTENT_LENGTH": str(len(body) + 50)},
    )
    assert answer.status_code == 400
    assert answer.json["code"] in {"bad_request", "body_incomplete"}
