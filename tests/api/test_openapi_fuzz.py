"""Requests made up from the API document itself: whatever comes, the answer is as described."""

import re
import uuid
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, Config, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.routes import Operation
from api.service import Service
from api.v1 import OPERATIONS
from tests.support.corrections import by_hand
from tests.support.earning import draft
from tests.support.finance import honoured_elsewhere
from tests.support.shop import Shop, hire, open_shop
from tests.support.story import calling, desk, earn, ok, owner, reward

EXAMPLES = 6
GOLD_SURVEY = {"kinds": ["survey"], "tiers": ["gold"], "award": {"flat": 50}}
Request = Case[Any]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNHURRIED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def shop(app: Flask, service: Service) -> Shop:
    return open_shop(app, service)


@pytest.fixture(scope="module")
def ids(shop: Shop) -> dict[str, str]:
    """Objects that are really there, by the name they have in a path."""
    someone = shop.people["owner"] = owner(shop)
    document = earn(shop, someone, 500)
    gift = reward(shop)
    bought = ok(
        shop.post("owner", "/v1/redemptions", {"member_id": str(someone), "reward_id": gift})
    )
    referral = calling(shop)
    return {
        "member_id": str(someone),
        "reward_id": gift,
        "document_id": document["id"],
        "rule_id": draft(shop, "extra", GOLD_SURVEY, effective_from="2030-01-01")["id"],
        "redemption_id": bought["id"],
        "referral_id": referral["id"],
        "callback_id": desk(shop)["id"],
        "staff_id": str(hire(shop, "consultant")),
        "settlement_id": honoured_elsewhere(shop, someone),
        **by_hand(shop, someone),
    }


@pytest.fixture(scope="module")
def schema(app: Flask) -> BaseSchema:
    """The document as a source of requests; the tokens are ours."""
    refused = [400, 401, 403, 404, 405, 409, 413, 415, 422, 428, 429]
    plain = Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": refused}},
        }
    )
    return schemathesis.openapi.from_wsgi("/openapi.json", app, config=plain)


def described(schema: BaseSchema, operation: Operation) -> Any:
    path = operation.path.replace("<uuid:", "{").replace(">", "}")
    return schema[path][operation.method]


def name_real_objects(case: Request, ids: dict[str, str]) -> None:
    parts: list[Any] = [case.path_parameters, case.body]
    for part in parts:
        if isinstance(part, dict):
            part.update({name: ids[name] for name in part if name in ids})


def send(shop: Shop, case: Request, role: str) -> Any:
    """The case as it is, with a token of this role."""
    return case.call(headers={"Authorization": f"Bearer {shop.token(role)}"})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_whatever_fits_the_document_gets_an_answer_the_document_describes(
    shop: Shop, ids: dict[str, str], schema: BaseSchema, operation: Operation
) -> None:
    cases = described(schema, operation).as_strategy(generation_mode=GenerationMode.POSITIVE)

    @seed(20261121)
    @UNHURRIED
    @given(case=cases, really_there=st.booleans())
    def explore(case: Request, really_there: bool) -> None:
        if really_there:
            name_real_objects(case, ids)
        if operation.writes:
            case.headers["Idempotency-Key"] = uuid.uuid4().hex
        for role in operation.roles[:2]:
            case.validate_response(send(shop, case, role), checks=CHECKS)

    explore()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_whatever_does_not_fit_the_document_is_refused(
    shop: Shop, ids: dict[str, str], schema: BaseSchema, operation: Operation
) -> None:
    cases = described(schema, operation).as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @seed(20261121)
    @UNHURRIED
    @given(case=cases)
    def explore(case: Request) -> None:
        response = send(shop, case, operation.roles[0])
        case.validate_response(response, checks=[*CHECKS, negative_data_rejection])

    explore()


def test_a_method_nobody_declared_is_refused_by_name(shop: Shop) -> None:
    declared: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        declared.setdefault(operation.path, set()).add(operation.method)
    for path, methods in declared.items():
        real = re.sub(r"<uuid:\w+>", lambda _: str(uuid.uuid4()), path)
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
            answer = shop.client().open(real, method=method)
            assert answer.status_code == 405, (method, real)
            assert answer.json is not None
            assert answer.json["code"] == "method_not_allowed"
            assert methods <= set(answer.headers["Allow"].split(", "))
