"""What the documents say is what the code does: OpenAPI, error codes, states, settings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.commands.documents import stale
from api.openapi import document
from api.v1 import OPERATIONS

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernel", "loyalty", "referral", "api", "migrations")
PUBLIC = {
    "/",
    "/livez",
    "/readyz",
    "/openapi.json",
    "/docs/",
    "/docs/<path:path>",
}
SETTING = re.compile(r"LOYALTY_[A-Z_]+|DATABASE_URL|REDIS_URL|PG_BIN|REDIS_BIN")
BOUNDED = {"maxLength", "enum", "format", "const", "pattern"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(OPERATIONS)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def unbounded(schema: Any, path: str = "") -> Iterator[str]:
    """Places of a schema where a text may be endlessly long, or a list have no end."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from unbounded(each, f"{path}/{number}")
    if not isinstance(schema, dict):
        return
    kind = schema.get("type", ())
    kinds = {kind} if isinstance(kind, str) else set(kind)
    if "string" in kinds and not BOUNDED & set(schema):
        yield path
    if "array" in kinds and "maxItems" not in schema:
        yield path
    for name, each in schema.items():
        if name not in ("example", "examples", "enum"):
            yield from unbounded(each, f"{path}/{name}")


def settings_read(source: str) -> set[str]:
    """Names of settings that stand in a source as whole texts."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SETTING.fullmatch(node.value)
    }


def test_the_committed_documents_are_current() -> None:
    assert stale(ROOT / "docs") == []


def test_a_document_that_is_not_there_is_not_current(tmp_path: Path) -> None:
    assert stale(tmp_path) == ["openapi.json", "ERRORS.md", "REFERRAL-STATES.md"]


def test_the_api_document_is_valid_openapi_3_1(described: dict[str, Any]) -> None:
    errors = OpenAPIV31SpecValidator(described).iter_errors()
    assert [error.message for error in errors] == []


def test_the_served_document_is_the_committed_one(app: Flask, described: dict[str, Any]) -> None:
    assert app.test_client().get("/openapi.json").json == described


def test_every_route_is_in_the_document_and_the_reverse(
    app: Flask, described: dict[str, Any]
) -> None:
    served = {
        (re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in PUBLIC
    }
    assert served == {(path, method) for path, method, _ in operations(described)}
    assert {rule.rule for rule in app.url_map.iter_rules()} > PUBLIC


def test_every_operation_has_an_id_of_its_own_a_tag_a_summary_and_roles(
    described: dict[str, Any],
) -> None:
    found = list(operations(described))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names)
    for path, method, operation in found:
        for member in ("tags", "summary", "description", "x-roles"):
            assert operation[member], (method, path, member)
        assert "x-problems" in operation
        assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])


def test_every_body_shows_an_example_that_its_schema_accepts(described: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        if operation.body:
            assert operation.example is not None, operation.name
            operation.body().load(operation.example)


def test_every_text_and_every_list_has_an_end(described: dict[str, Any]) -> None:
    assert sorted(unbounded(described)) == []


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({"type": "string"}, [""]),
        ({"type": ["string", "null"]}, [""]),
        ({"a": [{"type": "array", "items": {"type": "string"}}]}, ["/a/0", "/a/0/items"]),
        ({"type": "string", "maxLength": 3}, []),
        ({"type": "string", "format": "uuid"}, []),
        ({"type": "array", "maxItems": 2, "items": {"type": "integer"}}, []),
    ],
)
def test_an_endless_text_or_list_would_be_noticed(schema: Any, places: list[str]) -> None:
    assert list(unbounded(schema)) == places


def test_the_settings_document_names_what_the_code_reads_and_nothing_else() -> None:
    read = {
        name
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in settings_read(path.read_text("utf-8"))
    }
    assert "LOYALTY_FIELD_KEYS" in read
    assert set(SETTING.findall((ROOT / "docs/SETTINGS.md").read_text("utf-8"))) == read


def test_a_setting_is_seen_wherever_it_is_read() -> None:
    source = "env.str('LOYALTY_X', ''); os.environ['PG_BIN']; say('LOYALTY_Y is missing')"
    assert settings_read(source) == {"LOYALTY_X", "PG_BIN"}
