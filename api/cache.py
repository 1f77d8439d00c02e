"""The one doorway to redis-py: a cache that all processes share, and that may go away.

One that does not answer at once is left alone for a while; no request ever waits or fails for it.
"""

import time
from typing import Final

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S: Final = 0.05
AWAY_S: Final = 5.0
_log = structlog.get_logger(__name__)


class RedisCache:
    """Keys and bytes in Redis; for `AWAY_S` after an error, nothing is asked or told."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._again_at = 0.0

    def get(self, key: str) -> bytes | None:
        """What was put there; None when Redis is away too."""
        if time.monotonic() < self._again_at:
            return None
        try:
            found = self._redis.get(key)
        except RedisError as error:
            self._away(error)
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Remember it for so long, if Redis answers."""
        if time.monotonic() < self._again_at:
            return
        try:
            self._redis.set(key, value, ex=seconds)
        except RedisError as error:
            self._away(error)

    def _away(self, error: RedisError) -> None:
        self._again_at = time.monotonic() + AWAY_S
        _log.warning("redis_unavailable", error=type(error).__qualname__)
