"""Bad credentials are refused one and all; key rotation and outages refuse no good one (P15)."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from api import jwks
from api.problems import Unauthorized, Unavailable
from api.token_policy import Issuer, Jwks, SharedSecret, TokenPolicy
from api.tokens import Claims, Verifier, mint

NOW = 1_800_000_000.0
SECRET = "development-secret-of-32-bytes-or-more"
PRODUCTION = "https://id.example.cn"
DEVELOPMENT = Issuer("development", ("HS256",), SharedSecret(SECRET))

EC_KEY = ec.generate_private_key(ec.SECP256R1())
NEW_EC_KEY = ec.generate_private_key(ec.SECP256R1())
FOREIGN_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def published(kid: str, key: Any, alg: str) -> dict[str, Any]:
    algorithm = jwt.get_algorithm_by_name(alg)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "alg": alg, "use": "sig"}


KEYS = [published("ec-1", EC_KEY, "ES256"), published("rsa-1", RSA_KEY, "RS256")]
NEW_KEY = published("ec-2", NEW_EC_KEY, "ES256")


@dataclass
class Clock:
    moment: float = NOW

    def __call__(self) -> float:
        return self.moment


def payload(**changes: Any) -> dict[str, Any]:
    content = {
        "iss": PRODUCTION,
        "aud": "dealer-loyalty",
        "sub": "staff-7",
        "iat": int(NOW),
        "exp": int(NOW) + 300,
        "jti": "j-1",
        "kind": "staff",
        "dealer": "north-star",
        "act": {"sub": "crm-1"},
        "mfa": True,
    }
    content.update(changes)
    return {name: value for name, value in content.items() if value is not None}


def signed(
    content: dict[str, Any] | None = None,
    *,
    key: Any = EC_KEY,
    alg: str = "ES256",
    **header: Any,
) -> str:
    headers = {"typ": "at+jwt", "kid": "ec-1", **header}
    headers = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(content or payload(), key, alg, headers=headers)


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: Any, content: Any, secret: bytes | None) -> str:
    """Sign by hand, as an attacker would: PyJWT refuses some of these keys."""
    start = f"{segment(header)}.{segment(content)}"
    signature = hmac.digest(secret, start.encode(), hashlib.sha256) if secret else b""
    return f"{start}.{segment(signature)}"


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": KEYS}))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(key_file: Path, clock: Clock) -> Verifier:
    issuer = Issuer(PRODUCTION, ("ES256", "RS256"), Jwks(str(key_file)))
    return Verifier(TokenPolicy((issuer, DEVELOPMENT), production=False), clock)


def refusal(verifier: Verifier, token: str) -> str:
    with pytest.raises(Unauthorized) as refused:
        verifier.verify(token)
    return refused.value.code


def test_a_consultant_behind_the_crm_is_recognised(verifier: Verifier) -> None:
    claims = verifier.verify(signed())
    assert (claims.sub, claims.kind, claims.dealer) == ("staff-7", "staff", "north-star")
    assert (claims.client, claims.jti, claims.mfa) == ("crm-1", "j-1", True)
    assert claims.expires_at.timestamp() == NOW + 300


def test_the_owner_websites_issuer_cannot_speak_for_staff(key_file: Path, clock: Clock) -> None:
    issuer = Issuer(PRODUCTION, ("ES256",), Jwks(str(key_file)), kinds=("owner",))
    verifier = Verifier(TokenPolicy((issuer,), production=True), clock)
    assert refusal(verifier, signed()) == "token_issuer"
    assert verifier.verify(signed(payload(kind="owner"))).kind == "owner"


@pytest.mark.parametrize(
    ("changes", "client"),
    [
        ({"act": None}, None),
        ({"act": None, "azp": "web"}, "web"),
        ({"azp": "web"}, "crm-1"),
        ({"kind": "client", "sub": "crm-9", "act": None}, "crm-9"),
    ],
)
def test_the_acting_program_comes_from_act_then_azp_then_the_client_itself(
    verifier: Verifier, changes: dict[str, Any], client: str | None
) -> None:
    assert verifier.verify(signed(payload(**changes))).client == client


def test_a_key_of_the_other_allowed_algorithm_works_too(verifier: Verifier) -> None:
    assert verifier.verify(signed(key=RSA_KEY, alg="RS256", kid="rsa-1")).sub == "staff-7"


CLAIM_TWICE = b'{"iss": "a", "iss": "b"}'
HEADER = {"typ": "at+jwt", "alg": "HS256", "kid": "ec-1"}
BAD: list[tuple[str, str, str]] = [
    ("nothing", "", "token_malformed"),
    ("a word", "garbage", "token_malformed"),
    ("two parts", "aa.bb", "token_malformed"),
    ("four parts", signed() + ".aa", "token_malformed"),
    ("white space", signed() + " ", "token_malformed"),
    ("padding", signed() + "==", "token_malformed"),
    ("Chinese letters", "令.牌.证", "token_malformed"),
    ("lone surrogate", "\ud800.a.b", "token_malformed"),
    ("not JSON", f"{segment(b'xx')}.{segment(b'yy')}.aa", "token_malformed"),
    ("impossible base64", "a.a.a", "token_malformed"),
    ("lists for objects", f"{segment([])}.{segment([])}.aa", "token_malformed"),
    ("deep header", f"{segment(b'[' * 5_000)}.{segment({})}.aa", "token_malformed"),
    ("huge number", f"{segment(HEADER)}.{segment(b'9' * 5_000)}.aa", "token_malformed"),
    ("claim twice", f"{segment(HEADER)}.{segment(CLAIM_TWICE)}.aa", "token_malformed"),
    ("oversized", signed(payload(extra="x" * 8_192)), "token_too_large"),
    ("none", forged({**HEADER, "alg": "none"}, payload(), None), "token_algorithm"),
    ("None in capitals", forged({**HEADER, "alg": "NONE"}, payload(), None), "token_algorithm"),
    (
        "HS256 with the EC public key",
        forged(HEADER, payload(), public_pem(EC_KEY)),
        "token_algorithm",
    ),
    (
        "HS256 with the RSA public key",
        forged({**HEADER, "kid": "rsa-1"}, payload(), public_pem(RSA_KEY)),
        "token_algorithm",
    ),
    (
        "HS256 with the development secret for the production issuer",
        forged(HEADER, payload(), SECRET.encode()),
        "token_algorithm",
    ),
    (
        "development issuer, none",
        forged({**HEADER, "alg": "none"}, payload(iss="development"), None),
        "token_algorithm",
    ),
    (
        "development issuer, wrong secret",
        forged(HEADER, payload(iss="development"), b"x" * 32),
        "token_signature",
    ),
    ("algorithm nobody allowed", signed(key=RSA_KEY, alg="RS512", kid="rsa-1"), "token_algorithm"),
    ("algorithm of another key", signed(key=RSA_KEY, alg="RS256", kid="ec-1"), "token_algorithm"),
    ("no algorithm", forged({"typ": "at+jwt"}, payload(), None), "token_algorithm"),
    (
        "algorithm as a list",
        forged({**HEADER, "alg": ["ES256"]}, payload(), None),
        "token_algorithm",
    ),
    (
        "critical extension",
        forged({**HEADER, "alg": "ES256", "crit": ["x"]}, payload(), None),
        "token_malformed",
    ),
    ("signed by a stranger", signed(key=FOREIGN_KEY), "token_signature"),
    (
        "own key in the header",
        signed(key=FOREIGN_KEY, jwk=published("ec-1", FOREIGN_KEY, "ES256")),
        "token_signature",
    ),
    (
        "key address in the header",
        signed(key=FOREIGN_KEY, jku="https://evil.example"),
        "token_signature",
    ),
    ("signature missing", signed().rsplit(".", 1)[0] + ".", "token_signature"),
    (
        "signature of another token",
        signed(payload(sub="a")).rsplit(".", 1)[0] + "." + signed().rsplit(".", 1)[1],
        "token_signature",
    ),
    ("unknown kid", signed(kid="ec-9"), "token_key_unknown"),
    ("no kid", signed(kid=None), "token_key_unknown"),
    ("kid as a path", signed(kid="../../etc/passwd"), "token_key_unknown"),
    (
        "kid as a number",
        forged({**HEADER, "alg": "ES256", "kid": 1}, payload(), None),
        "token_key_unknown",
    ),
    ("plain JWT type", signed(typ="JWT"), "token_type"),
    ("no type", forged({"alg": "ES256", "kid": "ec-1"}, payload(), None), "token_type"),
    ("identity token type", signed(typ="id+jwt"), "token_type"),
    ("other issuer", signed(payload(iss="https://evil.example")), "token_issuer"),
    ("issuer with a slash more", signed(payload(iss=PRODUCTION + "/")), "token_issuer"),
    (
        "issuer as a list",
        forged({**HEADER, "alg": "ES256"}, payload(iss=[PRODUCTION]), None),
        "token_issuer",
    ),
    ("no issuer", signed(payload(iss=None)), "token_issuer"),
    (
        "production token naming the development issuer",
        signed(payload(iss="development")),
        "token_algorithm",
    ),
    ("other audience", signed(payload(aud="other")), "token_audience"),
    ("audience list with ours", signed(payload(aud=["dealer-loyalty", "other"])), "token_audience"),
    ("audience list of ours alone", signed(payload(aud=["dealer-loyalty"])), "token_audience"),
    ("no audience", signed(payload(aud=None)), "token_claims"),
    *[
        (f"no {name}", signed(payload(**{name: None})), "token_claims")
        for name in ("exp", "iat", "sub", "jti", "kind", "dealer")
    ],
    ("expired", signed(payload(iat=int(NOW) - 400, exp=int(NOW) - 1)), "token_expired"),
    ("expires this second", signed(payload(exp=int(NOW))), "token_expired"),
    ("issued in the future", signed(payload(iat=int(NOW) + 31)), "token_not_yet_valid"),
    ("valid from the future", signed(payload(nbf=int(NOW) + 31)), "token_not_yet_valid"),
    ("staff token of 11 minutes", signed(payload(exp=int(NOW) + 660)), "token_lifetime"),
    (
        "owner token of 16 minutes",
        signed(payload(kind="owner", exp=int(NOW) + 960)),
        "token_lifetime",
    ),
    (
        "client token of 61 minutes",
        signed(payload(kind="client", exp=int(NOW) + 3_660)),
        "token_lifetime",
    ),
    ("token for ever", signed(payload(exp=10**17)), "token_lifetime"),
    ("old token that lives on", signed(payload(iat=0)), "token_lifetime"),
    ("expiry as a text", signed(payload(exp=str(int(NOW) + 300))), "token_claims"),
    ("expiry as a fraction", signed(payload(exp=NOW + 300.5)), "token_claims"),
    ("issue time as true", signed(payload(iat=True)), "token_claims"),
    ("kind of its own", signed(payload(kind="admin")), "token_claims"),
    ("kind as a list", signed(payload(kind=["staff"])), "token_claims"),
    ("empty subject", signed(payload(sub="")), "token_claims"),
    ("subject with a line break", signed(payload(sub="a\nb")), "token_claims"),
    ("endless jti", signed(payload(jti="j" * 256)), "token_claims"),
    ("dealer as a path", signed(payload(dealer="../other")), "token_claims"),
    ("dealer in capitals", signed(payload(dealer="North-Star")), "token_claims"),
    ("dealers as a list", signed(payload(dealer=["north-star"])), "token_claims"),
    ("mfa as a text", signed(payload(mfa="true")), "token_claims"),
    ("act as a text", signed(payload(act="crm-1")), "token_claims"),
    ("act for a number", signed(payload(act={"sub": 1})), "token_claims"),
]


@pytest.mark.parametrize(("token", "code"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_credential_is_refused(verifier: Verifier, token: str, code: str) -> None:
    assert refusal(verifier, token) == code


@given(st.data())
def test_no_changed_token_and_no_other_error_gets_through(data: st.DataObject) -> None:
    policy = TokenPolicy((DEVELOPMENT,), production=False)
    good = mint(DEVELOPMENT, sub="s", kind="staff", dealer="d", now=NOW, lifetime_s=60)
    place = data.draw(st.integers(0, len(good) - 2))
    letter = data.draw(st.sampled_from("AZaz09-_.") | st.characters())
    changed = good[:place] + letter + good[place + 1 :]
    if changed != good:
        with pytest.raises(Unauthorized):
            Verifier(policy, Clock()).verify(changed)


def test_a_token_ends_when_it_says_although_it_was_seen_before(
    verifier: Verifier, clock: Clock
) -> None:
    token = signed(payload(exp=int(NOW) + 20))
    verifier.verify(token)
    clock.moment += 19.5
    assert verifier.verify(token).sub == "staff-7"
    clock.moment += 0.5
    assert refusal(verifier, token) == "token_expired"


def test_a_seen_token_is_checked_again_after_a_minute(
    verifier: Verifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    proofs: list[Any] = []
    decode = jwt.decode

    def counted(*args: Any, **kwargs: Any) -> Any:
        proofs.append(args)
        return decode(*args, **kwargs)

    monkeypatch.setattr(jwt, "decode", counted)
    token = signed()
    for wait in (0, 30, 29, 1):
        clock.moment += wait
        verifier.verify(token)
    assert len(proofs) == 2


@dataclass
class Endpoint:
    """A key endpoint that can be told what to answer, and counts how often it was asked."""

    status: int = 200
    body: bytes = b""
    asked: int = 0
    url: str = ""
    gate: threading.Event = field(default_factory=threading.Event)

    def publish(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    state = Endpoint()
    state.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            state.gate.wait(5)
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.body)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/keys"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def online(endpoint: Endpoint, clock: Clock) -> Verifier:
    issuer = Issuer(PRODUCTION, ("ES256",), Jwks(endpoint.url))
    endpoint.publish(KEYS[0])
    return Verifier(TokenPolicy((issuer,), production=True), clock)


def at(clock: Clock, name: str, key: Any = EC_KEY, kid: str = "ec-1") -> str:
    moment = int(clock())
    return signed(payload(jti=name, iat=moment, exp=moment + 300), key=key, kid=kid)


BROKEN = [
    (500, b"oops"),
    (302, b""),
    (200, b"<html>maintenance</html>"),
    (200, b'{"keys": []}'),
    (200, b"[]"),
    (200, b'{"keys": [{"kty": "EC", "alg": []}]}'),
    (200, json.dumps({"keys": [NEW_KEY]}).encode() + b" " * jwks.MAX_DOCUMENT_BYTES),
    (200, json.dumps({"keys": [{"kty": "oct", "k": "AAAA", "kid": "ec-1"}]}).encode()),
]


@pytest.mark.parametrize(("status", "body"), BROKEN)
def test_a_failing_key_endpoint_refuses_no_token_whose_key_is_known(
    online: Verifier, endpoint: Endpoint, clock: Clock, status: int, body: bytes
) -> None:
    online.verify(at(clock, "before"))
    endpoint.status, endpoint.body = status, body
    for hour in range(3):
        clock.moment += 3_600
        assert online.verify(at(clock, f"hour-{hour}")).sub == "staff-7"
    assert endpoint.asked == 4


def test_a_hanging_key_endpoint_delays_one_caller_and_refuses_none(
    online: Verifier, endpoint: Endpoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_TIMEOUT_S", 0.3)
    online.verify(at(clock, "before"))
    endpoint.gate.clear()
    clock.moment += 3_600
    seen: list[Claims] = []
    delayed = threading.Thread(target=lambda: seen.append(online.verify(at(clock, "delayed"))))
    delayed.start()
    while endpoint.asked < 2:
        delayed.join(0.005)
    tokens = [at(clock, f"t{number}") for number in range(20)]
    assert [online.verify(token).jti for token in tokens] == [f"t{n}" for n in range(20)]
    assert seen == []
    delayed.join()
    assert ([claims.jti for claims in seen], endpoint.asked) == (["delayed"], 2)


def test_key_rotation_refuses_no_valid_token(
    online: Verifier, endpoint: Endpoint, clock: Clock
) -> None:
    old = [at(clock, f"old-{number}") for number in range(3)]
    online.verify(old[0])
    endpoint.publish(KEYS[0], NEW_KEY)
    assert online.verify(at(clock, "new", NEW_EC_KEY, "ec-2")).jti == "new"
    assert [online.verify(token).jti for token in old[1:]] == ["old-1", "old-2"]
    endpoint.publish(NEW_KEY)
    clock.moment += jwks.FRESH_S
    assert online.verify(at(clock, "later", NEW_EC_KEY, "ec-2")).jti == "later"
    assert refusal(online, at(clock, "withdrawn")) == "token_key_unknown"


def test_unknown_keys_cause_at_most_one_fetch_in_30_seconds(
    online: Verifier, endpoint: Endpoint, clock: Clock
) -> None:
    online.verify(at(clock, "first"))
    for number in range(50):
        assert refusal(online, at(clock, "x", FOREIGN_KEY, f"made-up-{number}")) == (
            "token_key_unknown"
        )
    assert endpoint.asked == 2
    clock.moment += jwks.UNKNOWN_KEY_PAUSE_S
    for number in range(50):
        refusal(online, at(clock, "x", FOREIGN_KEY, f"made-up-{number}"))
    assert endpoint.asked == 3


def test_callers_at_a_cold_start_share_one_fetch_and_all_get_in(
    online: Verifier, endpoint: Endpoint, clock: Clock
) -> None:
    endpoint.gate.clear()
    seen: list[Claims] = []

    def call(token: str) -> None:
        seen.append(online.verify(token))

    callers = [threading.Thread(target=call, args=(at(clock, f"t{n}"),)) for n in range(8)]
    for caller in callers:
        caller.start()
    endpoint.gate.set()
    for caller in callers:
        caller.join()
    assert (len(seen), endpoint.asked) == (8, 1)


def test_without_any_keys_yet_the_answer_is_come_again_not_bad_token(
    online: Verifier, endpoint: Endpoint, clock: Clock
) -> None:
    endpoint.status = 500
    with pytest.raises(Unavailable, match="token_keys_unavailable"):
        online.verify(at(clock, "early"))
    endpoint.status = 200
    clock.moment += jwks.UNKNOWN_KEY_PAUSE_S
    assert online.verify(at(clock, "again")).jti == "again"


def test_a_development_token_lives_up_to_twelve_hours(verifier: Verifier) -> None:
    token = mint(DEVELOPMENT, sub="s-1", kind="staff", dealer="d-1", now=NOW, lifetime_s=43_200)
    assert verifier.verify(token).dealer == "d-1"
    longer = mint(DEVELOPMENT, sub="s-1", kind="staff", dealer="d-1", now=NOW, lifetime_s=43_201)
    assert refusal(verifier, longer) == "token_lifetime"


def test_a_minted_token_says_what_it_was_told(verifier: Verifier) -> None:
    token = mint(
        DEVELOPMENT,
        sub="s-1",
        kind="staff",
        dealer="d-1",
        now=NOW,
        lifetime_s=60,
        client="crm",
        mfa=True,
    )
    claims = verifier.verify(token)
    assert (claims.sub, claims.client, claims.mfa) == ("s-1", "crm", True)


def test_only_development_tokens_are_minted_here() -> None:
    issuer = Issuer(PRODUCTION, ("ES256",), Jwks("https://id.example.cn/keys"))
    with pytest.raises(ValueError, match="development"):
        mint(issuer, sub="s", kind="staff", dealer="d", now=NOW, lifetime_s=60)


def test_a_shared_secret_is_never_shown() -> None:
    assert SECRET not in repr(DEVELOPMENT)


@pytest.mark.parametrize(
    ("issuers", "production"),
    [((DEVELOPMENT,), True), ((DEVELOPMENT, Issuer("b", ("HS256",), SharedSecret(SECRET))), False),
     ((DEVELOPMENT, DEVELOPMENT), False)],
)  # fmt: skip
def test_a_policy_that_would_trust_too_much_is_refused(
    issuers: tuple[Issuer, ...], production: bool
) -> None:
    with pytest.raises(ValueError):
        TokenPolicy(issuers, production=production)


@pytest.mark.parametrize(
    ("algorithms", "keys"),
    [
        (("HS256",), Jwks("https://id.example.cn/keys")),
        (("ES256", "HS256"), Jwks("https://id.example.cn/keys")),
        (("none",), Jwks("https://id.example.cn/keys")),
        ((), Jwks("https://id.example.cn/keys")),
        (("RS256",), SharedSecret(SECRET)),
    ],
)
def test_an_issuer_with_algorithms_unfit_for_its_keys_is_refused(
    algorithms: tuple[str, ...], keys: SharedSecret | Jwks
) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        Issuer("x", algorithms, keys)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SharedSecret("too short")


@pytest.mark.parametrize("location", ["http://id.example.cn/keys", "ftp://x/keys", "https:///keys"])
def test_keys_are_not_taken_from_an_unsafe_place(location: str) -> None:
    policy = TokenPolicy((Issuer("x", ("ES256",), Jwks(location)),), production=True)
    with pytest.raises(ValueError, match="https"):
        Verifier(policy)
