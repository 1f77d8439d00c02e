"""The Idempotency-Key of a request: what it covers, what happens while it is in flight.

Scope is dealer, client program and key; the fingerprint covers method, path, person and body. It is
keyed, for a body may be little more than a short code or a phone, found by trying them all.
"""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.answers import from_stored, to_stored
from api.problems import Problem, Unreadable, problem_response
from api.service import Service
from api.tokens import Claims
from kernel import idempotency
from kernel.crypto import Vault
from kernel.errors import TooSoon
from kernel.idempotency import Claim, StoredAnswer

_KEY = re.compile(r"[!-~]{1,255}")


def claim_of(vault: Vault, claims: Claims, body: Any) -> Claim:
    """The claim this request makes. Raises Unreadable `idempotency_key_required` or `_invalid`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise Unreadable("idempotency_key_required")
    if not _KEY.fullmatch(key):
        raise Unreadable("idempotency_key_invalid")
    raw = isinstance(body, bytes)
    canonical = body if raw else orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    asked = "\n".join((request.method, request.path, claims.kind, claims.sub)).encode()
    said = asked + b"\n" + canonical
    return Claim(
        dealer_id=UUID(claims.dealer),
        client=claims.client or claims.kind,
        key=key,
        fingerprint=vault.mac(said, purpose="idempotency"),
        former=sha256(said).digest(),
    )


def take(session: Session, claim: Claim, *, now: datetime) -> StoredAnswer | None:
    """Take the key, or return the answer it was already given.

    Raises TooSoon `request_in_flight` when another request holds the key beyond the lock
    time-out, RuleViolation `idempotency_key_reused` when it came with another request.
    """
    try:
        return idempotency.take(session, claim, now=now)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise TooSoon("request_in_flight", retry_after_s=1) from error
        raise


def store_refusal(service: Service, claim: Claim, problem: Problem) -> Response:
    """Keep a refusal as the key's answer, in a transaction of its own.

    If another request with the key has succeeded meanwhile, its answer is the answer. Raises
    what `take` raises.
    """
    response = problem_response(problem)
    with service.database.transaction(claim.dealer_id) as session:
        stored = take(session, claim, now=service.clock())
        if stored is not None:
            return from_stored(service.vault, claim, stored)
        idempotency.keep(session, claim, to_stored(service.vault, claim, response))
    return response
