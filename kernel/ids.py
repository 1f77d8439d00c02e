"""Identifiers: UUIDv7, ordered by time and never a secret (api.md)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh time-ordered identifier."""
    return uuid7()
