"""The draw nobody can repeat: commitment first, entropy later, every choice derived from both.

A reader would break this by deriving a choice from anything but the seed and its own purpose.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Party = Literal["buyer", "owner"]
PARTIES: tuple[Party, ...] = ("buyer", "owner")

_FIRST, _DOMAIN = "referral draw 1", "referral draw 2"


@dataclass(frozen=True, slots=True)
class Committed:
    """Everything that is fixed before the day's secret decides; ids and hashes, no personal data.

    `agents`: who may call, in a fixed order. `sample_percent`: how many of a hundred are audited.
    """

    referral_id: str
    purpose: str
    parties: Sequence[str]
    catalogue_hash: str
    selector_version: str
    wanted_plan: str
    sample_percent: int
    agents: Sequence[str]


def commitment(fixed: Committed) -> bytes:
    """What is fixed before the entropy is told (referral.md, section 4): SHA-256, 32 bytes.

    Every part is preceded by its length, so no two different inputs share an encoding.
    """
    parts = (
        _DOMAIN,
        fixed.referral_id,
        fixed.purpose,
        str(len(fixed.parties)),
        *fixed.parties,
        fixed.catalogue_hash,
        fixed.selector_version,
        fixed.wanted_plan,
        str(fixed.sample_percent),
        str(len(fixed.agents)),
        *fixed.agents,
    )
    return hashlib.sha256(_framed(part.encode() for part in parts)).digest()


def first_commitment(
    referral_id: str, parties: Sequence[str], catalogue_hash: str, selector_version: str
) -> bytes:
    """How releases before 0.4 committed; their draws are still recomputed."""
    parts = (_FIRST, referral_id, str(len(parties)), *parties, catalogue_hash, selector_version)
    return hashlib.sha256(_framed(part.encode() for part in parts)).digest()


def promise(entropy: bytes) -> bytes:
    """The hash of a day's secret, told the day before: who keeps it can check the secret later."""
    return hashlib.sha256(b"referral draw entropy\0" + entropy).digest()


def seed(entropy: bytes, commitment: bytes) -> bytes:
    """HMAC-SHA256 of the commitment under the entropy: 32 bytes anyone can recompute later."""
    return hmac.new(entropy, commitment, hashlib.sha256).digest()


def party(seed: bytes) -> Party:
    """The party to phone, by the first bit of the seed: 0 the buyer, 1 the owner (老车主)."""
    return "owner" if seed[0] & 0x80 else "buyer"


def other(party: Party) -> Party:
    """The other one of the two."""
    return "buyer" if party == "owner" else "owner"


def sampled(seed: bytes, percent: int) -> bool:
    """Whether the draw falls into the audit sample (抽检): so many of a hundred do."""
    return pick(seed, 100, "audit sample") < percent


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
