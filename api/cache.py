"""A cache that all processes share, with what this process saw of late in front of it.

Whoever writes to Redis must not be believed: what comes from there carries a code of ours.
"""

import hmac
from typing import Final

from api.redis_link import RedisLink
from kernel.crypto import Vault
from kernel.recent import Recent

NEAR: Final = 5_000
"""How many values a process remembers itself; a summary is about a kilobyte."""
_MAC_BYTES: Final = 32


class RedisCache:
    """Keys and bytes in Redis, nearest first. Without Redis, each process remembers its own."""

    def __init__(self, link: RedisLink | None, vault: Vault) -> None:
        self._link = link
        self._vault = vault
        self._near: Recent[str, bytes] = Recent(NEAR)

    def get(self, key: str) -> bytes | None:
        """What was put there, here or by another process; perhaps not the latest, but never what
        somebody without our keys wrote, nor what was kept under another key."""
        near = self._near.get(key)
        if near is not None or self._link is None:
            return near
        found = self._link.get(key)
        return None if found is None else self._ours(key, found)

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Remember it; in Redis for so long, if it answers."""
        self._near.put(key, value)
        if self._link is not None:
            self._link.put(key, self._mac(key, value) + value, seconds=seconds)

    def _ours(self, key: str, found: bytes) -> bytes | None:
        mac, value = found[:_MAC_BYTES], found[_MAC_BYTES:]
        return value if hmac.compare_digest(mac, self._mac(key, value)) else None

    def _mac(self, key: str, value: bytes) -> bytes:
        return self._vault.mac(key.encode() + b"\n" + value, purpose="cache")
