"""Whom we believe, and how far: issuers, their algorithms and keys, how long a token may live.

A reader would break this by letting a shared secret into production.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Kind = Literal["owner", "staff", "client"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MIN_SECRET_BYTES = 32
LIFETIMES_S: Mapping[Kind, int] = MappingProxyType({"owner": 900, "staff": 600, "client": 3_600})
DEVELOPMENT_LIFETIME_S = 43_200

_ASYMMETRIC = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})


@dataclass(frozen=True)
class SharedSecret:
    """The HS256 secret of the development issuer, at least 32 bytes."""

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"a shared secret needs at least {MIN_SECRET_BYTES} bytes")


@dataclass(frozen=True)
class Jwks:
    """A JWK set at an https URL, or in a file when `location` has no scheme."""

    location: str


@dataclass(frozen=True)
class Issuer:
    """One party whose tokens we believe, for which callers, with which algorithms (api.md)."""

    name: str
    algorithms: tuple[str, ...]
    keys: SharedSecret | Jwks
    kinds: tuple[Kind, ...] = KINDS

    def __post_init__(self) -> None:
        allowed = frozenset({"HS256"}) if self.is_development else _ASYMMETRIC
        if not self.algorithms or not set(self.algorithms) <= allowed:
            raise ValueError(f"issuer {self.name}: algorithms must be of {sorted(allowed)}")
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"issuer {self.name}: kinds must be of {KINDS}")

    @property
    def is_development(self) -> bool:
        """Tell whether this is the issuer with a shared secret."""
        return isinstance(self.keys, SharedSecret)

    def longest_s(self, kind: Kind) -> int:
        """Return the longest life of a token of `kind`, in seconds (api.md, who calls)."""
        return DEVELOPMENT_LIFETIME_S if self.is_development else LIFETIMES_S[kind]


@dataclass(frozen=True)
class TokenPolicy:
    """Whom we believe; raises ValueError for a shared secret in production (api.md)."""

    issuers: tuple[Issuer, ...]
    production: bool

    def __post_init__(self) -> None:
        development = [issuer.name for issuer in self.issuers if issuer.is_development]
        if len(development) > (0 if self.production else 1):
            raise ValueError("a shared secret is for one development issuer only")
        if len({issuer.name for issuer in self.issuers}) != len(self.issuers):
            raise ValueError("an issuer is listed twice")
