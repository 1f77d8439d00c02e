"""The draw nobody can repeat: commitment first, entropy later, every choice derived from both.

A reader would break this by deriving a choice from anything but the seed and its own purpose.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Literal

Party = Literal["buyer", "owner"]

_DOMAIN = "referral draw 1"


def commitment(
    referral_id: str, parties: Sequence[str], catalogue_hash: str, selector_version: str
) -> bytes:
    """What is fixed before the entropy exists (referral.md, section 4): SHA-256, 32 bytes.

    Every part is preceded by its length, so no two different inputs share an encoding.
    """
    parts = (_DOMAIN, referral_id, str(len(parties)), *parties, catalogue_hash, selector_version)
    return hashlib.sha256(_framed(part.encode() for part in parts)).digest()


def seed(entropy: bytes, commitment: bytes) -> bytes:
    """HMAC-SHA256 of the commitment under the entropy: 32 bytes anyone can recompute later."""
    return hmac.new(entropy, commitment, hashlib.sha256).digest()


def party(seed: bytes) -> Party:
    """The party to phone, by the first bit of the seed: 0 the buyer, 1 the owner (老车主)."""
    return "owner" if seed[0] & 0x80 else "buyer"


def rank(seed: bytes, purpose: str) -> bytes:
    """A sort key for one candidate, independent for every purpose."""
    return hmac.new(seed, purpose.encode(), hashlib.sha256).digest()


def pick(seed: bytes, n: int, purpose: str) -> int:
    """One of 0 .. n-1, for agent rotation and ties. Raises ValueError when there is no choice."""
    if n < 1:
        raise ValueError("nothing to pick from")
    return int.from_bytes(rank(seed, purpose)) % n


def _framed(parts: Iterable[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(8) + part for part in parts)
