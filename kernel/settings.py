"""Settings: read once from the environment into a frozen value and passed on.

Outside development every secret must be given; a missing one stops the start by its name.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from environs import Env

DEVELOPMENT_SEED = b"dealer-loyalty development keys, refused in production"


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the process was told. `docs/SETTINGS.md` explains each."""

    environment: str
    database_url: str
    redis_url: str
    pool_size: int
    field_keys: Mapping[int, bytes]
    index_key: bytes
    draw_key: bytes
    cursor_key: bytes
    development_token_secret: bytes | None
    token_issuers: str
    clock_shift_days: int
    requests_per_minute: int
    summary_cache: bool
    log_format: str

    @property
    def production(self) -> bool:
        return self.environment == "production"


def _development_key(purpose: str) -> str:
    return base64.b64encode(sha256(DEVELOPMENT_SEED + purpose.encode()).digest()).decode()


def _key(name: str, encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise SettingsError(f"{name}: not base64") from error
    if len(raw) != 32:
        raise SettingsError(f"{name}: a key is 32 bytes, this one has {len(raw)}")
    return raw


def _switch(name: str, said: str) -> bool:
    if said not in {"on", "off"}:
        raise SettingsError(f"{name}: on or off")
    return said == "on"


def _field_keys(text: str) -> dict[int, bytes]:
    keys = {}
    for part in text.split(","):
        version, _, encoded = part.partition(":")
        if not version.isdecimal() or not 1 <= int(version) <= 255:
            raise SettingsError("LOYALTY_FIELD_KEYS: write VERSION:BASE64, versions 1 to 255")
        keys[int(version)] = _key("LOYALTY_FIELD_KEYS", encoded)
    return keys


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError naming the first setting that is wrong."""
    env = Env()
    environment = env.str("LOYALTY_ENV", "development")
    if environment not in {"development", "production"}:
        raise SettingsError("LOYALTY_ENV: development or production")
    production = environment == "production"

    def secret(name: str, purpose: str, prefix: str = "") -> str:
        value = env.str(name, "")
        if not value and production:
            raise SettingsError(f"{name} is required in production")
        return value or prefix + _development_key(purpose)

    database_url = env.str("DATABASE_URL", "")
    if not database_url:
        raise SettingsError("DATABASE_URL is required (`loyalty serve` starts one by itself)")
    shift = env.int("LOYALTY_CLOCK_SHIFT_DAYS", 0)
    if production and (shift or env.str("LOYALTY_DEV_TOKEN_SECRET", "")):
        raise SettingsError(
            "LOYALTY_CLOCK_SHIFT_DAYS and LOYALTY_DEV_TOKEN_SECRET are refused in production"
        )
    issuers = env.str("LOYALTY_TOKEN_ISSUERS", "")
    if production and not issuers:
        raise SettingsError("LOYALTY_TOKEN_ISSUERS is required in production")
    return Settings(
        environment=environment,
        database_url=database_url,
        redis_url=env.str("REDIS_URL", ""),
        pool_size=env.int("LOYALTY_POOL_SIZE", 8),
        field_keys=_field_keys(secret("LOYALTY_FIELD_KEYS", "field", "1:")),
        index_key=_key("LOYALTY_INDEX_KEY", secret("LOYALTY_INDEX_KEY", "index")),
        draw_key=_key("LOYALTY_DRAW_KEY", secret("LOYALTY_DRAW_KEY", "draw")),
        cursor_key=_key("LOYALTY_CURSOR_KEY", secret("LOYALTY_CURSOR_KEY", "cursor")),
        development_token_secret=None
        if production
        else secret("LOYALTY_DEV_TOKEN_SECRET", "token").encode(),
        token_issuers=issuers,
        clock_shift_days=shift,
        requests_per_minute=env.int("LOYALTY_REQUESTS_PER_MINUTE", 600),
        summary_cache=_switch("LOYALTY_SUMMARY_CACHE", env.str("LOYALTY_SUMMARY_CACHE", "on")),
        log_format=env.str("LOYALTY_LOG_FORMAT", "json" if production else "text"),
    )
