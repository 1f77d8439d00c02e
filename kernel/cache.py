"""A cache of bytes that may forget anything at any time, and so never holds truth.

A reader would break this by believing an answer from it that nobody has checked.
"""

from typing import Protocol


class Cache(Protocol):
    """What may be remembered by a key for some seconds, by all processes or by none."""

    def get(self, key: str) -> bytes | None:
        """What was put there, if it is still known."""

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Remember it for so long, if that can be done now."""


class NoCache:
    """Remembers nothing."""

    def get(self, key: str) -> bytes | None:
        """Never anything."""

    def put(self, key: str, value: bytes, *, seconds: int) -> None:
        """Nothing is kept."""
