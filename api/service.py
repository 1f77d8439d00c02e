"""What the process is made of, built once from the settings and handed to every request."""

import json
from dataclasses import dataclass

from api.cache import RedisCache
from api.limits import Limiter
from api.redis_link import RedisLink
from api.token_policy import Issuer, Jwks, SharedSecret, TokenPolicy
from api.tokens import Verifier
from kernel.cache import Cache, NoCache
from kernel.clock import Clock, shifted_clock, system_clock
from kernel.crypto import Vault
from kernel.database import Database
from kernel.settings import Settings, SettingsError
from referral.evidence.ocr import Engine, OcrProcess

DEVELOPMENT_ISSUER = "dealer-loyalty-development"


@dataclass(frozen=True, slots=True)
class Service:
    settings: Settings
    database: Database
    clock: Clock
    vault: Vault
    verifier: Verifier
    limiter: Limiter
    cache: Cache
    ocr: Engine


def build_service(settings: Settings, *, clock: Clock | None = None) -> Service:
    """Wire the parts. Opens no connection yet. Raises SettingsError for unusable issuers."""
    shift = settings.clock_shift_days
    link = RedisLink(settings.redis_url) if settings.redis_url else None
    vault = Vault(settings.field_keys, settings.index_key, settings.draw_key)
    return Service(
        settings=settings,
        database=Database(settings.database_url, pool_size=settings.pool_size),
        clock=clock or (shifted_clock(shift) if shift else system_clock),
        vault=vault,
        verifier=Verifier(token_policy(settings)),
        limiter=Limiter(link, per_minute=settings.requests_per_minute),
        cache=RedisCache(link, vault) if settings.summary_cache else NoCache(),
        ocr=OcrProcess(),
    )


def development_issuer(settings: Settings) -> Issuer:
    """The one issuer with a shared secret. Raises SettingsError in production."""
    if settings.development_token_secret is None:
        raise SettingsError("development tokens are refused in production")
    secret = SharedSecret(settings.development_token_secret.decode())
    return Issuer(DEVELOPMENT_ISSUER, ("HS256",), secret)


def token_policy(settings: Settings) -> TokenPolicy:
    """The issuers of LOYALTY_TOKEN_ISSUERS, and outside production the development one."""
    issuers = () if settings.production else (development_issuer(settings),)
    try:
        listed = [
            Issuer(row["name"], tuple(row["algorithms"]), Jwks(row["jwks"]), tuple(row["kinds"]))
            for row in json.loads(settings.token_issuers or "[]")
        ]
        return TokenPolicy((*issuers, *listed), production=settings.production)
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"LOYALTY_TOKEN_ISSUERS: {error}") from error
