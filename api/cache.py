"""A cache that all processes share, with what this process saw of late in front of it."""

from typing import Final

from api.redis_link import RedisLink
from kernel.recent import Recent

NEAR: Final = 5_000
"""How many values a process remembers itself; a summary is about a kilobyte."""


class RedisCache:
    """Keys and bytes in Redis, nearest first. Without Redis, each process remembers its own."""

    def __init__(self, link: RedisLink | None) -> None:
        self._link = link
        self._near: Recent[str, bytes] = Recent(NEAR)

    def get(self, key: str) -> bytes | None:
        """What was put there, here or by another process; perhaps not the latest."""
        near = self._near.get(key)
        if near is not None or self._link is None:
            return near
        return self._link.get(key)

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Remember it; in Redis for so long, if it answers."""
        self._near.put(key, value)
        if self._link is not None:
            self._link.put(key, value, seconds=seconds)
