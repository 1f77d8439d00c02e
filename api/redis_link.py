"""The one doorway to redis-py: a Redis that may go away, and is then left alone for a while.

Nobody fails for it: for `AWAY_S` after an error it is not asked, and whoever asks gets None.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S: Final = 0.05
AWAY_S: Final = 5.0
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class RedisLink:
    """The connections of a process to Redis. Opens none before the first question."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._again_at = 0.0

    def get(self, key: str) -> bytes | None:
        """What was put there, if it is still known."""
        found = self._ask(lambda redis: redis.get(key))
        return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Remember it for so long."""
        self._ask(lambda redis: redis.set(key, value, ex=seconds))

    def add(self, amounts: Mapping[str, int], *, seconds: int) -> list[int] | None:
        """Add to counters that last so long, in one trip; what each of them is then."""
        return self._ask(lambda redis: _added(redis, amounts, seconds))

    def _ask(self, question: Callable[[Redis], T]) -> T | None:
        if time.monotonic() < self._again_at:
            return None
        try:
            return question(self._redis)
        except RedisError as error:
            self._again_at = time.monotonic() + AWAY_S
            _log.warning("redis_unavailable", error=type(error).__qualname__)
            return None

    def answers(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False


def _added(redis: Redis, amounts: Mapping[str, int], seconds: int) -> list[int]:
    pipeline = redis.pipeline(transaction=False)
    for key, more in amounts.items():
        pipeline.incrby(key, more)
    for key in amounts:
        pipeline.expire(key, seconds)
    return pipeline.execute()[: len(amounts)]
