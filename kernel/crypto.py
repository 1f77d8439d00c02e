"""Personal data at rest: AES-256-GCM per field, and a keyed blind index to find a value again;
and codes by which we know again what we said.

A ciphertext is bound to its table, column, row and dealer: moved elsewhere it does not open.
"""

import hmac
import os
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Vault:
    """Seals with the newest key version and opens every version it was given (api.md)."""

    def __init__(self, keys: Mapping[int, bytes], index_key: bytes, draw_key: bytes) -> None:
        self._ciphers = {version: AESGCM(key) for version, key in keys.items()}
        self._newest = max(keys)
        self._index_key = index_key
        self._draw_key = draw_key

    def seal(self, text: str, *, column: str, row: UUID, dealer: UUID) -> bytes:
        """`column` is `table.column`. Version byte, nonce, ciphertext with tag."""
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(column, row, dealer)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), bound)
        return bytes([self._newest]) + nonce + sealed

    def open(self, sealed: bytes, *, column: str, row: UUID, dealer: UUID) -> str:
        """The text again. Raises cryptography's InvalidTag when the place is not the sealed one."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        return self._ciphers[sealed[0]].decrypt(nonce, body, _bound(column, row, dealer)).decode()

    def blind(self, canonical: str, *, column: str, dealer: UUID) -> bytes:
        """Equal canonical values of one column and dealer give equal indexes, and nothing else."""
        message = b"\0".join((column.encode(), dealer.bytes, canonical.encode()))
        return hmac.digest(self._index_key, message, sha256)

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """32 bytes that nobody makes, or finds a short message by, without our keys; those of one
        purpose tell nothing of another's."""
        key = hmac.digest(self._index_key, b"mac\0" + purpose.encode(), sha256)
        return hmac.digest(key, message, sha256)

    def secret_of_day(self, day: date) -> bytes:
        """A secret nobody can choose or guess, the same all day: the entropy of draws."""
        return hmac.digest(self._draw_key, day.isoformat().encode(), sha256)


def _bound(column: str, row: UUID, dealer: UUID) -> bytes:
    return b"\0".join((column.encode(), row.bytes, dealer.bytes))
