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
        return self.seal_bytes(text.encode(), column=column, row=row, dealer=dealer)

    def seal_bytes(self, raw: bytes, *, column: str, row: UUID, dealer: UUID) -> bytes:
        """What is no text, such as a picture, sealed in the same way."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, raw, _bound(column, row, dealer))
        return bytes([self._newest]) + nonce + sealed

    def open(self, sealed: bytes, *, column: str, row: UUID, dealer: UUID) -> str:
        """The text again. Raises cryptography's InvalidTag when the place is not the sealed one."""
        return self.open_bytes(sealed, column=column, row=row, dealer=dealer).decode()

    def open_bytes(self, sealed: bytes, *, column: str, row: UUID, dealer: UUID) -> bytes:
        """The bytes again; raises as `open` does."""
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        return self._ciphers[sealed[0]].decrypt(nonce, body, _bound(column, row, dealer))

    def blind(self, canonical: str, *, column: str, dealer: UUID) -> bytes:
        """Equal canonical values of one column and dealer give equal indexes, and nothing else."""
        message = b"\0".join((column.encode(), dealer.bytes, canonical.encode()))
        return hmac.digest(self._index_key, message, sha256)

    def mac(self, message: bytes, *, purpose: str) -> bytes:
        """32 bytes that nobody makes, or finds a short message by, without our keys; those of one
        purpose tell nothing of another's."""
        key = hmac.digest(self._index_key, b"mac\0" + purpose.encode(), sha256)
        return hmac.digest(key, message, sha256)

    def secret_of_day(self, day: date, *, dealer: UUID | None = None) -> bytes:
        """A secret nobody can choose or guess, the same all day: the entropy of a dealer's draws.

        Without a dealer it is the one that draws before release 0.4 were made with.
        """
        said = day.isoformat().encode() + (b"" if dealer is None else b"\0" + dealer.bytes)
        return hmac.digest(self._draw_key, said, sha256)


def _bound(column: str, row: UUID, dealer: UUID) -> bytes:
    return b"\0".join((column.encode(), row.bytes, dealer.bytes))
