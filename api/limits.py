"""How many requests a caller may make a minute. Redis counts; without it each process counts.

A limiter that is away must never refuse or fail a request. Windows are minutes of the clock, so
one trip to Redis tells all: the count, and when it ends.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from limits.storage import MemoryStorage, RedisStorage

MACHINE_FACTOR = 20
WINDOW_S = 60
RETRY_REDIS_AFTER_S = 5.0
REDIS_TIMEOUT_S = 0.05
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the window, for the RateLimit headers."""

    granted: bool
    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """The RateLimit header fields of the IETF draft."""
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w=60',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
        }


class Limiter:
    """A fixed window of a minute per caller; a machine may make twenty times what a person may."""

    def __init__(
        self, redis_url: str, *, per_minute: int, seconds: Callable[[], float] = time.time
    ) -> None:
        self._per_minute = per_minute
        self._seconds = seconds
        self._own = MemoryStorage()
        self._shared = _redis(redis_url) if redis_url else None
        self._retry_at = 0.0

    def spend(self, caller: str, *, machine: bool) -> Allowance:
        """Count one request of this caller."""
        window, gone_s = divmod(int(self._seconds()), WINDOW_S)
        limit = self._per_minute * (MACHINE_FACTOR if machine else 1)
        count = self._count(f"requests/{caller}/{window}")
        return Allowance(count <= limit, limit, max(0, limit - count), WINDOW_S - gone_s)

    def shared(self) -> bool:
        """Whether Redis answers, so that processes count together."""
        return self._shared is not None and self._shared.check()

    def _count(self, key: str) -> int:
        if self._shared and time.monotonic() >= self._retry_at:
            try:
                return self._shared.incr(key, 2 * WINDOW_S)
            except Exception as error:
                self._retry_at = time.monotonic() + RETRY_REDIS_AFTER_S
                _log.warning("redis_unavailable", error=type(error).__qualname__)
        return self._own.incr(key, 2 * WINDOW_S)


def _redis(url: str) -> RedisStorage:
    return RedisStorage(
        "redis+" + url if url.startswith("unix:") else url,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )
