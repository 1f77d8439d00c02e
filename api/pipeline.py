"""What happens to every request, in this order: who, how often, read, role, claim, use case, keep.

Claim, use case, events, audit and the stored answer are one transaction: all or nothing.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, current_app, g, request
from marshmallow import EXCLUDE

from api import cursors, strict_json
from api.answers import dumped, from_stored, schema, to_stored
from api.auth import authenticate, enter
from api.idempotency import claim_of, store_refusal, take
from api.problems import Problem, Unauthorized, Unreadable, problem_of, problem_response
from api.routes import Look, Operation, Page, Trip
from api.schemas.paging import PageQuery
from api.service import Service
from api.tokens import Claims
from api.versions import expected_version
from kernel import idempotency
from kernel.errors import DomainError, Forbidden, TooSoon
from kernel.idempotency import Claim, KeyReused
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import Stranger
from referral.evidence.photo import MOST_BYTES

PRECONDITION_FAILED = 412


def serve(operation: Operation, path: dict[str, UUID]) -> Response:
    """Run one operation for the present request."""
    service: Service = current_app.extensions["service"]
    claims = authenticate(service)
    caller, machine = f"{claims.dealer}/{claims.sub}", claims.kind == "client"
    allowance = service.limiter.spend(caller, machine=machine)
    g.rate_headers = allowance.headers()
    if not allowance.granted:
        headers = {"Retry-After": str(allowance.reset_s)}
        return problem_response(Problem("rate_limited", 429, headers=headers, retryable=True))
    given = _read_body(operation)
    if operation.in_one_trip and not operation.writes:
        return _one_look(service, claims, operation, path)
    if operation.in_one_trip:
        return _one_trip(service, claims, operation, path, given)
    if operation.writes and operation.keeps_answer:
        return _keep_one_answer(service, claims, operation, path, given)
    dealer_id, one_moment = UUID(claims.dealer), operation.one_moment
    with service.database.transaction(dealer_id, one_moment=one_moment) as session:
        uow = enter(service, session, claims, operation)
        if operation.writes:
            return dumped(operation, operation.handler(uow, **_arguments(operation, path, given)))
        return _read(service, uow, operation, path)


class _Refused(Exception):
    """The use case refused after the key was taken: the refusal is the key's answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def _keep_one_answer(
    service: Service, claims: Claims, operation: Operation, path: dict[str, UUID], given: Any
) -> Response:
    claim = claim_of(service.vault, claims, given)
    if operation.prepare:
        given = _prepared(service, claims, operation, path, given)
    try:
        with service.database.transaction(claim.dealer_id) as session:
            uow = enter(service, session, claims, operation)
            return _write(service, uow, operation, _arguments(operation, path, given), claim)
    except _Refused as refused:
        return store_refusal(service, claim, refused.problem)


def _prepared(
    service: Service, claims: Claims, operation: Operation, path: dict[str, UUID], given: bytes
) -> Any:
    """The slow work on a picture, by whom it is allowed to, between two transactions."""
    assert operation.prepare is not None
    with service.database.transaction(UUID(claims.dealer)) as session:
        uow = enter(service, session, claims, operation)
        work = operation.prepare(service, uow, given, **path)
    return work()


def _one_trip(
    service: Service, claims: Claims, operation: Operation, path: dict[str, UUID], given: Any
) -> Response:
    """The same rules as a write of many statements, decided by one function in the database."""
    trip = Trip(
        database=service.database,
        claim=claim_of(service.vault, claims, given),
        kind=claims.kind,
        subject=claims.sub,
        token_id=claims.jti,
        roles=operation.roles,
        request_id=g.request_id,
        now=service.clock(),
    )
    g.actor = claims.sub
    try:
        g.role, replayed, stored = _travel(operation, trip, _arguments(operation, path, given))
    except Stranger as error:
        raise Unauthorized(error.code) from error
    except (KeyReused, TooSoon):
        raise
    except Forbidden as error:
        if error.code == "role_lacks":
            raise
        return store_refusal(service, trip.claim, problem_of(error))
    except DomainError as error:
        return store_refusal(service, trip.claim, problem_of(error))
    return from_stored(service.vault, trip.claim, stored, replayed=replayed)


def _travel(operation: Operation, trip: Trip, arguments: dict[str, Any]) -> Any:
    """What the handler answers; a key that seems to be another request's may be one that 0.2 took,
    so it is asked once more in the former words."""
    try:
        return operation.handler(trip, **arguments)
    except KeyReused:
        claim = replace(trip.claim, fingerprint=trip.claim.former)
        return operation.handler(replace(trip, claim=claim), **arguments)


def _one_look(
    service: Service, claims: Claims, operation: Operation, path: dict[str, UUID]
) -> Response:
    """The same rules as any read, decided by one function in the database."""
    _refuse_parameters(set(request.args))
    look = Look(
        database=service.database,
        cache=service.cache,
        dealer_id=UUID(claims.dealer),
        kind=claims.kind,
        subject=claims.sub,
        token_id=claims.jti,
        mfa=claims.mfa,
        roles=operation.roles,
        now=service.clock(),
    )
    g.actor = claims.sub
    try:
        g.role, body = operation.handler(look, **path)
    except Stranger as error:
        raise Unauthorized(error.code) from error
    return Response(body, status=operation.status, content_type="application/json")


def _arguments(operation: Operation, path: dict[str, UUID], given: Any) -> dict[str, Any]:
    """What the handler of a write gets."""
    _refuse_parameters(set(request.args))
    arguments = {**path, "body": _load_body(operation, given)}
    if operation.decision:
        arguments["version"] = expected_version()
    return arguments


def _write(
    service: Service,
    uow: UnitOfWork,
    operation: Operation,
    arguments: dict[str, Any],
    claim: Claim,
) -> Response:
    """Told again, the stored answer. A refusal that may pass on a retry is not stored: a busy
    database, and a version that the caller looks up and corrects."""
    stored = take(uow.session, claim, now=uow.now)
    if stored is not None:
        return from_stored(service.vault, claim, stored)
    try:
        response = dumped(operation, operation.handler(uow, **arguments))
        uow.session.flush()
    except DomainError as error:
        problem = problem_of(error)
        if problem.retryable or problem.status == PRECONDITION_FAILED:
            raise
        raise _Refused(problem) from error
    idempotency.keep(uow.session, claim, to_stored(service.vault, claim, response))
    return response


def _read(
    service: Service, uow: UnitOfWork, operation: Operation, path: dict[str, UUID]
) -> Response:
    arguments: dict[str, Any] = dict(path)
    page = None
    known = set()
    if operation.paged:
        page, bound = _page(service, uow)
        arguments["page"] = page
        known |= set(PageQuery().fields)
    if operation.query:
        arguments["query"] = operation.query(unknown=EXCLUDE).load(request.args.to_dict())
        known |= set(operation.query().fields)
    _refuse_parameters(set(request.args) - known)
    result = operation.handler(uow, **arguments)
    if page is None:
        return dumped(operation, result)
    return dumped(operation, _paged(service, result, page, bound))


def _refuse_parameters(unknown: set[str]) -> None:
    if unknown:
        raise Unreadable("unknown_parameter", names=len(unknown))
    if any(len(values) > 1 for values in request.args.listvalues()):
        raise Unreadable("parameter_repeated")


def _page(service: Service, uow: UnitOfWork) -> tuple[Page, str]:
    asked = PageQuery(unknown=EXCLUDE).load(request.args.to_dict())
    filters = sorted((k, v) for k, v in request.args.items() if k not in ("cursor", "limit"))
    bound = f"{request.path}|{filters}|{uow.dealer_id}|{uow.actor.id}"
    if not asked["cursor"]:
        return Page(None, asked["limit"]), bound
    position = cursors.decode(asked["cursor"], bound_to=bound, key=service.settings.cursor_key)
    return Page(UUID(str(position[0])), asked["limit"]), bound


def _paged(service: Service, rows: list[Any], page: Page, bound: str) -> dict[str, Any]:
    shown, more = rows[: page.limit], len(rows) > page.limit
    key = service.settings.cursor_key
    cursor = cursors.encode([_id(shown[-1])], bound_to=bound, key=key) if more else None
    return {"items": shown, "next_cursor": cursor, "has_more": more}


def _id(row: Any) -> str:
    return str(row["id"] if isinstance(row, dict) else row.id)


def _read_body(operation: Operation) -> Any:
    if operation.prepare:
        return _read_picture()
    if operation.body is None:
        return None
    if request.mimetype != "application/json":
        raise Unreadable("content_type_not_json")
    return strict_json.read(_whole_body())


def _read_picture() -> bytes:
    """The body as it is: which kind of picture it is, its content tells and not its header."""
    if not request.mimetype.startswith("image/"):
        raise Unreadable("content_type_not_image")
    request.max_content_length = MOST_BYTES
    raw = _whole_body()
    if not raw:
        raise Unreadable("image_required")
    return raw


def _whole_body() -> bytes:
    raw, announced = request.get_data(cache=False), request.content_length
    if raw and announced is None:
        raise Unreadable("length_required")
    if announced is not None and len(raw) != announced:
        raise Unreadable("body_incomplete")
    return raw


def _load_body(operation: Operation, given: Any) -> Any:
    if operation.prepare:
        return given
    assert operation.body is not None
    return schema(operation.body).load(given)
