"""Every error as RFC 9457 problem+json, and the one table that gives a family its status.

A reader would break this by letting an exception's own text, or a submitted value, into a body.
"""

import json
import math
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, g, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api.messages import Language, catalogue, language
from kernel.errors import Conflict, DomainError, Forbidden, NotFound, RuleViolation, TooSoon

MAX_ERRORS = 100
MOST_FRAMES = 8
MAX_POINTER_NAME = 64

_log = structlog.get_logger(__name__)


class Unreadable(DomainError):
    """The request cannot be read at all: syntax, encoding, size, an unknown parameter."""


class Unauthorized(DomainError):
    """The caller's credential is missing or not to be believed; codes are `token_*`."""


class PreconditionRequired(DomainError):
    """This operation needs If-Match; code `if_match_required`."""


class Unavailable(DomainError):
    """Something we stand on is away for now; `retry_after_s` says when to come again."""


STATUS_OF_FAMILY: Mapping[type[DomainError], int] = MappingProxyType(
    {
        Unreadable: 400,
        Unauthorized: 401,
        Forbidden: 403,
        NotFound: 404,
        Conflict: 409,
        TooSoon: 409,
        RuleViolation: 422,
        PreconditionRequired: 428,
        Unavailable: 503,
    }
)
STATUS_OF_CODE: Mapping[str, int] = MappingProxyType(
    {
        "length_required": 411,
        "body_too_large": 413,
        "content_type_not_json": 415,
        "content_type_not_image": 415,
        "version_changed": 412,
    }
)
CODE_OF_STATUS: Mapping[int, str] = MappingProxyType(
    {
        400: "bad_request",
        404: "route_not_found",
        405: "method_not_allowed",
        406: "not_acceptable",
        413: "body_too_large",
        415: "content_type_not_json",
        429: "rate_limited",
        500: "internal_error",
        503: "service_unavailable",
    }
)
_RETRYABLE = frozenset({429, 503, 504})


@dataclass(frozen=True)
class FieldError:
    """One thing wrong at one place of the request; `pointer` is a JSON pointer, "" is all of it."""

    pointer: str
    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """An error ready to be told: its code, status, parameters, places and extra headers."""

    code: str
    status: int
    params: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    retryable: bool = False

    def body(self, spoken: Language, instance: str) -> dict[str, Any]:
        """Return the RFC 9457 members in the language `spoken` (api.md, errors)."""
        title, detail = _texts(self.code, spoken, self.params)
        return {
            "type": f"/problems/{self.code}",
            "title": title,
            "status": self.status,
            "detail": detail,
            "instance": instance,
            "code": self.code,
            "errors": [_error_body(each, spoken) for each in self.errors],
            "retryable": self.retryable,
        }


Translation = Callable[[Any], Problem]


def pointer_of(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path; long names, which a client chose, are cut."""
    names = (str(name)[:MAX_POINTER_NAME] for name in path)
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def problem_of(
    error: Exception, translations: Mapping[type[Exception], Translation] = MappingProxyType({})
) -> Problem:
    """Return the problem that tells `error`; the nearest class in `translations` goes first.

    An error nobody expected is logged and becomes `internal_error`, with nothing of it inside.
    """
    for kind in type(error).__mro__:
        if kind in translations:
            return translations[kind](error)
        if kind in _TRANSLATIONS:
            return _TRANSLATIONS[kind](error)
    return _of_unexpected(error)


def problem_response(problem: Problem) -> Response:
    """Return `problem` as the answer to the present request, in the caller's language.

    `g.request_id`, set by the request context, becomes the instance.
    """
    spoken = language(request.headers.get("Accept-Language"))
    instance = f"urn:request:{quote(str(_request_id()), safe='')}"
    body = json.dumps(problem.body(spoken, instance), ensure_ascii=False, default=str)
    answer = Response(body.encode("utf-8", "replace"), status=problem.status)
    answer.headers.update(problem.headers)
    answer.headers["Content-Type"] = "application/problem+json; charset=utf-8"
    answer.headers["Content-Language"] = spoken
    answer.vary.add("Accept-Language")
    return answer


def register_error_handlers(
    app: Flask, translations: Mapping[type[Exception], Translation] = MappingProxyType({})
) -> None:
    """Make every error of `app`, the framework's own too, an RFC 9457 answer (api.md, errors).

    `translations` adds classes this module does not know, such as the database's, each with
    a function from the exception to its problem.
    """
    catalogue()

    def answer(error: Exception) -> Response:
        return problem_response(problem_of(error, translations))

    app.register_error_handler(Exception, answer)


def _request_id() -> Any:
    if "request_id" not in g:
        g.request_id = uuid.uuid4()
    return g.request_id


def _texts(code: str, spoken: Language, params: Mapping[str, Any]) -> tuple[str, str]:
    message = catalogue().get(code) or catalogue()["request_refused"]
    return message.titled(spoken), message.detailed(spoken, params)


def _error_body(error: FieldError, spoken: Language) -> dict[str, Any]:
    return {
        "pointer": error.pointer,
        "code": error.code,
        "message": _texts(error.code, spoken, error.params)[1],
        "params": dict(error.params),
    }


def _of_domain(error: DomainError) -> Problem:
    family = next((kind for kind in type(error).__mro__ if kind in STATUS_OF_FAMILY), None)
    if family is None:
        return _of_unexpected(error)
    status = STATUS_OF_CODE.get(error.code, STATUS_OF_FAMILY[family])
    place = FieldError(error.pointer or "", error.code, error.params)
    return Problem(
        code=error.code,
        status=status,
        params=error.params,
        errors=(place,) if error.params or error.pointer is not None else (),
        headers=_headers_of(error),
        retryable=status in _RETRYABLE or family is TooSoon,
    )


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The innermost places of ours, without those of libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    return (ours or list(frames))[-MOST_FRAMES:]


def _headers_of(error: DomainError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, TooSoon | Unavailable) and "retry_after_s" in error.params:
        headers["Retry-After"] = str(max(1, math.ceil(error.params["retry_after_s"])))
    if isinstance(error, Unauthorized):
        given = error.code != "token_missing"
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if given else "Bearer"
    return headers


def _of_validation(error: ValidationError) -> Problem:
    """Missing keys are 400 `missing_field`, any other field rule 422 (api.md, status)."""
    found = sorted(
        _faults({error.field_name: error.messages}, ()), key=lambda e: (e.pointer, e.code)
    )
    missing = any(each.code == "field_required" for each in found)
    return Problem(
        code="missing_field" if missing else "validation_failed",
        status=400 if missing else 422,
        errors=tuple(found[:MAX_ERRORS]),
    )


def _faults(messages: Any, path: tuple[str | int, ...]) -> Iterator[FieldError]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _faults(inner, path if name == "_schema" else (*path, name))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _faults(inner, path)
    else:
        code = str(messages) if messages in catalogue() else "field_invalid"
        yield FieldError(pointer_of(path), code, getattr(messages, "params", {}))


def _of_http(error: HTTPException) -> Problem:
    original = getattr(error, "original_exception", None)
    if original is not None:
        return _of_unexpected(original)
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return Problem(
        code=CODE_OF_STATUS.get(status, "request_refused"),
        status=status,
        headers=headers,
        retryable=status in _RETRYABLE,
    )


def _of_unexpected(error: BaseException) -> Problem:
    """Log where it happened; not what the exception says, which may hold personal data."""
    _log.error(
        "unexpected_error",
        request_id=str(_request_id()),
        error=type(error).__qualname__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in _frames(error)],
    )
    return Problem(code="internal_error", status=500)


_TRANSLATIONS: Mapping[type, Translation] = MappingProxyType(
    {DomainError: _of_domain, ValidationError: _of_validation, HTTPException: _of_http}
)
