"""Which lots a burn takes: soonest expiry, then oldest, never-expiring last (ledger.md, F3).

`loyalty/points/functions/` (4_spend.sql, 2_catch_up.sql) decides the same in the database; a
property test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lot:
    """Points left of one accrual. `key` orders lots by age; `expires_at` None is never."""

    key: str
    remaining: int
    available_at: datetime
    expires_at: datetime | None


def spendable(lots: Sequence[Lot], *, now: datetime) -> int:
    """Points that may be spent at this instant: `available_at <= now < expires_at`."""
    return sum(lot.remaining for lot in lots if _alive(lot, now))


def allocate(lots: Sequence[Lot], points: int, *, now: datetime) -> dict[str, int] | None:
    """Points taken from each lot, or None when they do not suffice."""
    if spendable(lots, now=now) < points:
        return None
    taken: dict[str, int] = {}
    for lot in sorted((lot for lot in lots if _alive(lot, now)), key=_order):
        share = min(lot.remaining, points - sum(taken.values()))
        if share > 0:
            taken[lot.key] = share
    return taken


def _alive(lot: Lot, now: datetime) -> bool:
    return lot.available_at <= now and (lot.expires_at is None or now < lot.expires_at)


def _order(lot: Lot) -> tuple[bool, float, str]:
    never = lot.expires_at is None
    return never, 0.0 if lot.expires_at is None else lot.expires_at.timestamp(), lot.key
