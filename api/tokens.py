"""The one doorway to PyJWT: who the bearer of a token is, or `Unauthorized`.

A reader would break this by taking the algorithm, the key or the audience from the token.
"""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

import jwt

from api import strict_json
from api.jwks import UNKNOWN_KEY_PAUSE_S, KeyCache, KeySourceError, NoKeysYetError
from api.problems import Unauthorized, Unavailable, Unreadable
from api.token_policy import KINDS, Issuer, Jwks, Kind, SharedSecret, TokenPolicy
from kernel.recent import Recent

AUDIENCE = "dealer-loyalty"
TOKEN_TYPE = "at+jwt"  # noqa: S105
MAX_TOKEN_BYTES = 8_192
MAX_CLOCK_AHEAD_S = 30
MAX_REMEMBERED_S = 60
MAX_REMEMBERED = 10_000

_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "kind", "dealer"]
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_DEALER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[!-~]{1,255}")
_CODE_OF_ERROR: Mapping[type[jwt.PyJWTError], str] = MappingProxyType(
    {
        jwt.InvalidSignatureError: "token_signature",
        jwt.InvalidAlgorithmError: "token_algorithm",
        jwt.InvalidAudienceError: "token_audience",
        jwt.InvalidKeyError: "token_key_unknown",
    }
)


@dataclass(frozen=True)
class Claims:
    """What a verified token says. `dealer` is the only source of the dealer (api.md).

    `client` is the program acting: `act.sub`, else `azp`, else the subject of a client token.
    """

    sub: str
    kind: Kind
    dealer: str
    client: str | None
    jti: str
    expires_at: datetime
    mfa: bool


class Verifier:
    """Verifies tokens under one policy; safe between threads, remembers good ones up to 60 s."""

    def __init__(self, policy: TokenPolicy, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._issuers = {issuer.name: issuer for issuer in policy.issuers}
        self._key_caches = {
            issuer.name: KeyCache(issuer.keys.location, _parser(issuer.algorithms), now)
            for issuer in policy.issuers
            if isinstance(issuer.keys, Jwks)
        }
        self._remembered: Recent[bytes, tuple[float, Claims]] = Recent(MAX_REMEMBERED)

    def verify(self, token: str) -> Claims:
        """Return the claims of `token` (api.md, verification; promises.md P15).

        Raises Unauthorized for any token not wholly in order, and Unavailable if the issuer's
        keys could never be fetched.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthorized("token_too_large")
        if not _SHAPE.fullmatch(token):
            raise Unauthorized("token_malformed")
        now = self._now()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known(digest, now)
        if known is not None:
            return known
        claims = self._verify(token, now)
        self._remembered.put(digest, (now, claims))
        return claims

    def _known(self, digest: bytes, now: float) -> Claims | None:
        """Who was found good at most 60 s ago, and never beyond the token's end."""
        verified_at, claims = self._remembered.get(digest) or (0.0, None)
        if claims is None or not 0 <= now - verified_at < MAX_REMEMBERED_S:
            return None
        return claims if now < claims.expires_at.timestamp() else None

    def _verify(self, token: str, now: float) -> Claims:
        header, unproven = (_document(part) for part in token.split(".")[:2])
        issuer = self._issuers.get(_text(unproven.get("iss"), "token_issuer"))
        if issuer is None:
            raise Unauthorized("token_issuer")
        if header.get("typ") != TOKEN_TYPE:
            raise Unauthorized("token_type")
        if "crit" in header:
            raise Unauthorized("token_malformed")
        if header.get("alg") not in issuer.algorithms:
            raise Unauthorized("token_algorithm")
        payload = _proven(token, self._key(issuer, header), issuer)
        _check_terms(payload, issuer, now)
        return _claims(payload)

    def _key(self, issuer: Issuer, header: Mapping[str, Any]) -> jwt.PyJWK | str:
        if isinstance(issuer.keys, SharedSecret):
            return issuer.keys.secret
        try:
            key = self._key_caches[issuer.name].get(_text(header.get("kid"), "token_key_unknown"))
        except NoKeysYetError as error:
            raise Unavailable(
                "token_keys_unavailable", retry_after_s=UNKNOWN_KEY_PAUSE_S
            ) from error
        if key is None:
            raise Unauthorized("token_key_unknown")
        return key


def mint(
    issuer: Issuer,
    *,
    sub: str,
    kind: Kind,
    dealer: str,
    now: float,
    lifetime_s: int,
    client: str | None = None,
    mfa: bool = False,
) -> str:
    """Return a token of the development issuer; raises ValueError for any other issuer."""
    if not isinstance(issuer.keys, SharedSecret):
        raise ValueError("only the development issuer's tokens are minted here")
    payload: dict[str, Any] = {
        "iss": issuer.name,
        "aud": AUDIENCE,
        "sub": sub,
        "iat": int(now),
        "exp": int(now) + lifetime_s,
        "jti": str(uuid.uuid4()),
        "kind": kind,
        "dealer": dealer,
        "mfa": mfa,
    }
    if client is not None:
        payload["act"] = {"sub": client}
    return jwt.encode(payload, issuer.keys.secret, "HS256", headers={"typ": TOKEN_TYPE})


def _document(segment: str) -> dict[str, Any]:
    """Read a token segment as strictly as a request body, before PyJWT sees it."""
    try:
        value = strict_json.read(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, Unreadable) as error:
        raise Unauthorized("token_malformed") from error
    if not isinstance(value, dict):
        raise Unauthorized("token_malformed")
    return value


def _parser(algorithms: tuple[str, ...]) -> Callable[[bytes], Mapping[str, jwt.PyJWK]]:
    def parse(raw: bytes) -> dict[str, jwt.PyJWK]:
        try:
            published = jwt.PyJWKSet.from_dict(strict_json.read(raw)).keys
        except (Unreadable, jwt.PyJWTError, AttributeError, TypeError) as error:
            raise KeySourceError("not a key document") from error
        usable = {
            key.key_id: key
            for key in published
            if isinstance(key.key_id, str)
            and key.public_key_use in ("sig", None)
            and key.algorithm_name in algorithms
        }
        if not usable:
            raise KeySourceError("no usable key")
        return usable

    return parse


def _proven(token: str, key: jwt.PyJWK | str, issuer: Issuer) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=issuer.algorithms,
            audience=AUDIENCE,
            issuer=issuer.name,
            options={
                "require": _REQUIRED,
                "strict_aud": True,
                "enforce_minimum_key_length": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError as error:
        raise Unauthorized(_CODE_OF_ERROR.get(type(error), "token_claims")) from error


def _check_terms(payload: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    if _kind(payload) not in issuer.kinds:
        raise Unauthorized("token_issuer")
    issued, expires, since = payload["iat"], payload["exp"], payload.get("nbf", 0)
    if not all(type(moment) is int for moment in (issued, expires, since)):
        raise Unauthorized("token_claims")
    if max(issued, since) > now + MAX_CLOCK_AHEAD_S:
        raise Unauthorized("token_not_yet_valid")
    if expires <= now:
        raise Unauthorized("token_expired")
    longest_s = issuer.longest_s(_kind(payload))
    if expires - issued > longest_s:
        raise Unauthorized("token_lifetime", limit_s=longest_s)


def _claims(payload: Mapping[str, Any]) -> Claims:
    act, mfa, kind = payload.get("act", {}), payload.get("mfa", False), _kind(payload)
    dealer = payload["dealer"]
    if not isinstance(act, dict) or not isinstance(mfa, bool):
        raise Unauthorized("token_claims")
    if not isinstance(dealer, str) or not _DEALER.fullmatch(dealer):
        raise Unauthorized("token_claims")
    sub = _text(payload["sub"], "token_claims")
    client = act.get("sub", payload.get("azp", sub if kind == "client" else None))
    return Claims(
        sub=sub,
        kind=kind,
        dealer=dealer,
        client=None if client is None else _text(client, "token_claims"),
        jti=_text(payload["jti"], "token_claims"),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        mfa=mfa,
    )


def _kind(payload: Mapping[str, Any]) -> Kind:
    if payload["kind"] not in KINDS:
        raise Unauthorized("token_claims")
    return cast(Kind, payload["kind"])


def _text(value: Any, code: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Unauthorized(code)
    return value
