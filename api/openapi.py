"""The OpenAPI 3.1 document, made from the operations themselves."""

import re
from collections.abc import Sequence
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from api.routes import Operation
from api.schemas.paging import PageQuery
from api.schemas.problem import ProblemOut
from referral.evidence.photo import MOST_BYTES

VERSION = "0.1.0"
PICTURES = ("image/jpeg", "image/png", "image/webp")
PICTURE = {"type": "string", "format": "binary", "minLength": 1, "maxLength": MOST_BYTES}
ALWAYS = (401, 403, 429, 500, 503)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document as plain data; the same operations give the same document.

    Every key of an answer is always present (api.md, fields), so all of them are required.
    """
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        title="Dealer loyalty and referrals",
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={
            "description": "Points, rewards and verified referrals for car dealers. "
            "积分、礼品与推荐购买核实。"
        },
        security=[{"bearer": []}],
        tags=[{"name": tag} for tag in dict.fromkeys(each.tag for each in operations)],
    )
    spec.components.security_scheme(
        "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )
    spec.components.schema("Problem", schema=ProblemOut)
    for operation in operations:
        path = re.sub(r"<uuid:(\w+)>", r"{\1}", operation.path)
        spec.path(path, operations={operation.method.lower(): _describe(operation)})
    described = spec.to_dict()
    for name, schema in described["components"]["schemas"].items():
        if not name.endswith("In"):
            schema["required"] = sorted(schema["properties"])
    return described


def _name(schema: type[Schema] | Schema) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Out")


def _describe(operation: Operation) -> dict[str, Any]:
    roles = [role.value for role in operation.roles]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{(operation.handler.__doc__ or '').strip()}\n\nRoles: {', '.join(roles)}",
        "x-roles": roles,
        "x-problems": list(operation.problems),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        content: dict[str, Any] = {"schema": operation.body}
        if operation.example:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.prepare:
        pictures = {kind: {"schema": PICTURE} for kind in PICTURES}
        described["requestBody"] = {"required": True, "content": pictures}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        _parameter(name, "path", {"type": "string", "format": "uuid"})
        for name in re.findall(r"<uuid:(\w+)>", operation.path)
    ]
    if operation.writes and operation.keeps_answer:
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        found.append(_parameter("Idempotency-Key", "header", key))
    if operation.decision:
        found.append(
            _parameter("If-Match", "header", {"type": "string", "pattern": '^"[0-9]{1,18}"$'})
        )
    queries = (PageQuery if operation.paged else None, operation.query)
    return found + [{"in": "query", "schema": schema} for schema in queries if schema]


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": schema}


def _responses(operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"content": {"application/json": {"schema": operation.answer}}}
    if operation.csv:
        answer = {"content": {"text/csv": {"schema": {"type": "string", "format": "csv"}}}}
    responses: dict[str, Any] = {
        str(operation.status): {"description": operation.summary, **answer}
    }
    if operation.repeatable:
        responses["200"] = {"description": "Known already: the first result again", **answer}
    statuses = {*ALWAYS}
    if operation.writes:
        statuses |= {400, 409, 413, 415, 422}
    named = (code for code in operation.problems if code.endswith("_not_found"))
    if "<uuid" in operation.path or any(named):
        statuses |= {404}
    if operation.decision:
        statuses |= {412, 428}
    if operation.paged or operation.query:
        statuses |= {400, 422}
    problem = {"application/problem+json": {"schema": ProblemOut}}
    for status in sorted(statuses):
        responses[str(status)] = {"description": f"Problem {status}", "content": problem}
    return responses
