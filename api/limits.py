"""How many requests a caller may make a minute. Redis counts; without it each process counts.

A limiter that is away must never refuse or fail a request.
"""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

MACHINE_FACTOR = 20
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

    def __init__(self, redis_url: str, *, per_minute: int) -> None:
        self._person = RateLimitItemPerMinute(per_minute)
        self._machine = RateLimitItemPerMinute(per_minute * MACHINE_FACTOR)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._retry_at = 0.0

    def spend(self, caller: str, *, machine: bool) -> Allowance:
        """Count one request of this caller."""
        item = self._machine if machine else self._person
        if self._shared and time.monotonic() >= self._retry_at:
            try:
                return _spend(self._shared, item, caller)
            except Exception as error:
                self._retry_at = time.monotonic() + RETRY_REDIS_AFTER_S
                _log.warning("redis_unavailable", error=type(error).__qualname__)
        return _spend(self._own, item, caller)

    def shared(self) -> bool:
        """Whether Redis answers, so that processes count together."""
        return self._shared is not None and self._shared.storage.check()


def _spend(limiter: FixedWindowRateLimiter, item: RateLimitItemPerMinute, caller: str) -> Allowance:
    granted = limiter.hit(item, caller)
    window = limiter.get_window_stats(item, caller)
    reset_s = max(1, int(window.reset_time - time.time()) + 1)
    return Allowance(granted, item.amount, max(0, window.remaining), reset_s)


def _redis(url: str) -> RedisStorage:
    return RedisStorage(
        "redis+" + url if url.startswith("unix:") else url,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )
