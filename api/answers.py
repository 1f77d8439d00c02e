"""Answers as bytes: dumped once, stored with the claim, replayed unchanged."""

from functools import cache
from typing import Any, TypedDict
from uuid import UUID

import orjson
from flask import Response
from marshmallow import Schema

from api.problems import problem_of, problem_response
from api.routes import Answer, Operation
from api.spreadsheet import CONTENT_TYPE, Table, as_csv
from kernel.crypto import Vault
from kernel.errors import DomainError
from kernel.idempotency import Claim, StoredAnswer

KEPT_HEADERS = ("Content-Type", "Content-Language", "ETag", "Location", "Retry-After")


class _Place(TypedDict):
    column: str
    row: UUID
    dealer: UUID


@cache
def schema(kind: type[Schema]) -> Schema:
    """The one instance of a shape: making one costs more than reading a body with it."""
    return kind()


def dumped(operation: Operation, result: Any) -> Response:
    """The result in the shape the operation declares; a `version` in it becomes the ETag.
    A refusal that is handed back, not raised, is told as any other and what was done stays."""
    status = operation.status
    if isinstance(result, DomainError):
        return problem_response(problem_of(result))
    if isinstance(result, Table):
        return _file(result)
    if isinstance(result, Answer):
        result, status = result.value, result.status
    shape = schema(operation.answer).dump(result)
    response = Response(orjson.dumps(shape), status=status, content_type="application/json")
    if isinstance(shape, dict) and "version" in shape:
        response.headers["ETag"] = f'"{shape["version"]}"'
    return response


def _file(table: Table) -> Response:
    response = Response(as_csv(table), content_type=CONTENT_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{table.file_name}"'
    return response


def to_stored(vault: Vault, claim: Claim, response: Response) -> StoredAnswer:
    """The answer as it is kept: the body sealed, for it may hold personal data."""
    text = response.get_data(as_text=True)
    body = vault.seal(text, **_place(claim))
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return StoredAnswer(response.status_code, headers, body)


def from_stored(
    vault: Vault, claim: Claim, stored: StoredAnswer, *, replayed: bool = True
) -> Response:
    """The very bytes that were answered before, marked as replayed unless they are new."""
    body = vault.open(stored.body, **_place(claim)).encode() if stored.sealed else stored.body
    response = Response(body, status=stored.status)
    response.headers.update(stored.headers)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _place(claim: Claim) -> _Place:
    column = f"idempotency_claim.body/{claim.client}/{claim.key}"
    return {"column": column, "row": claim.dealer_id, "dealer": claim.dealer_id}
