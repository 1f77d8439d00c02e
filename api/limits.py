"""How many requests a caller may make a minute. Redis counts; without it each process counts.

A limiter that is away must never refuse or fail a request.
"""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

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
    """A fixed window of a minute per caller."""

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._redis_url = redis_url
        self._shared: FixedWindowRateLimiter | None = None
        self._retry_at = 0.0 if redis_url else float("inf")

    def spend(self, caller: str) -> Allowance:
        """Count one request of this caller."""
        if time.monotonic() >= self._retry_at:
            try:
                self._shared = self._shared or FixedWindowRateLimiter(_redis(self._redis_url))
                return self._spend(self._shared, caller)
            except Exception as error:
                self._retry_at = time.monotonic() + RETRY_REDIS_AFTER_S
                _log.warning("redis_unavailable", error=type(error).__qualname__)
        return self._spend(self._own, caller)

    def shared(self) -> bool:
        """Whether the count is shared between processes at the moment."""
        return self._shared is not None and time.monotonic() >= self._retry_at

    def _spend(self, limiter: FixedWindowRateLimiter, caller: str) -> Allowance:
        granted = limiter.hit(self._item, caller)
        window = limiter.get_window_stats(self._item, caller)
        reset_s = max(1, int(window.reset_time - time.time()) + 1)
        return Allowance(granted, self._item.amount, max(0, window.remaining), reset_s)


def _redis(url: str) -> RedisStorage:
    scheme = {"unix": "redis+unix"}.get(url.split(":", 1)[0])
    address = scheme + url[4:] if scheme else url
    return RedisStorage(
        address, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    )
