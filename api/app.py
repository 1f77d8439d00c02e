"""Builds the Flask application: every route is an operation with roles, or declared public.

A route that is neither stops the start.
"""

import re
import time
from collections.abc import Callable, Mapping

import orjson
import psycopg
import structlog
from flask import Flask, Response, g, redirect, request
from flask_swagger_ui import get_swaggerui_blueprint
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.wrappers import Response as AnyResponse

from api.health import livez, readyz
from api.openapi import document
from api.pipeline import serve
from api.problems import Problem, Translation, register_error_handlers
from api.routes import Operation
from api.service import Service
from api.v1 import OPERATIONS
from kernel.ids import new_id

MAX_BODY_BYTES = 1_048_576
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_log = structlog.get_logger(__name__)


class UnguardedRouteError(Exception):
    """A route is neither an operation with roles nor declared public."""


def create_app(service: Service) -> Flask:
    """The whole HTTP interface of this service."""
    app = Flask("dealer-loyalty", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["service"] = service
    app.before_request(_begin)
    app.after_request(_finish)
    register_error_handlers(app, _TRANSLATIONS)
    guarded = {_add(app, operation) for operation in OPERATIONS}
    _refuse_unguarded(app, guarded | _add_public(app, service))
    return app


def _add(app: Flask, operation: Operation) -> str:
    def view(**path: object) -> Response:
        return serve(operation, path)  # type: ignore[arg-type]

    endpoint = f"v1.{operation.name}"
    app.add_url_rule(operation.path, endpoint, view, methods=[operation.method])
    return endpoint


def _add_public(app: Flask, service: Service) -> set[str]:
    described = orjson.dumps(document(OPERATIONS))
    views: dict[str, Callable[[], object]] = {
        "/": lambda: redirect("/docs/"),
        "/livez": livez,
        "/readyz": lambda: readyz(service),
        "/openapi.json": lambda: Response(described, content_type="application/json"),
    }
    for path, view in views.items():
        app.add_url_rule(path, f"public.{path}", view, methods=["GET"])  # type: ignore[arg-type]
    ui = get_swaggerui_blueprint("/docs", "/openapi.json", config={"validatorUrl": None})
    app.register_blueprint(ui)
    return {f"public.{path}" for path in views} | {f"{ui.name}.show"}


def _refuse_unguarded(app: Flask, known: set[str]) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in known:
            raise UnguardedRouteError(rule.rule)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id().hex
    g.started = time.perf_counter()


def _finish(response: AnyResponse) -> AnyResponse:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.update(g.get("rate_headers", {}))
    _log.info(
        "request",
        request_id=g.request_id,
        operation=request.endpoint,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        actor=g.get("actor"),
        role=g.get("role"),
    )
    return response


def _away(_: Exception) -> Problem:
    return Problem("database_away", 503, headers={"Retry-After": "2"}, retryable=True)


def _busy(_: Exception) -> Problem:
    return Problem("too_busy", 503, headers={"Retry-After": "1"}, retryable=True)


def _operational(error: Exception) -> Problem:
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return _busy(error) if state in {"55P03", "40P01", "40001", "57014"} else _away(error)


_TRANSLATIONS: Mapping[type[Exception], Translation] = {
    OperationalError: _operational,
    InterfaceError: _away,
    psycopg.OperationalError: _operational,
    psycopg.InterfaceError: _away,
    PoolTimeoutError: _busy,
}
