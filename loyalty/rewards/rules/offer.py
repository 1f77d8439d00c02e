"""What a member may do with a reward today, by its terms (F35-F37); functions/1_terms.sql is equal.

A reader would break this by counting a member's pieces outside the lock of his account.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from loyalty.rewards.rules.terms import Cash, Period, Terms


class Refusal(StrEnum):
    """Why the terms do not let a member redeem: what a redemption is answered with."""

    NOT_AVAILABLE = "reward_not_available"
    NOT_FOR_TIER = "reward_not_for_tier"
    LIMIT_REACHED = "reward_limit_reached"


@dataclass(frozen=True, slots=True)
class Offer:
    """`price` and what must be paid of it in points, for one piece; `left` of the limit, None
    without one. Owners do not know of a reward that is not `visible`."""

    visible: bool
    refused: Refusal | None
    price: int
    least_points: int
    fen_a_point: int | None
    left: int | None


def decide(terms: Terms, *, day: date, tier: str | None, taken: int, quantity: int = 1) -> Offer:
    """What the terms allow on a business day to a member of this tier who has `taken` so many
    pieces in the period of the limit: redeemed and not cancelled, or held."""
    price = terms.prices.get(tier, terms.points) if tier else terms.points
    left = max(0, terms.limit.most - taken) if terms.limit else None
    return Offer(
        visible=terms.visible.holds(day),
        refused=_refused(terms, day, tier, left, quantity),
        price=price,
        least_points=terms.cash.least_points if terms.cash else price,
        fen_a_point=terms.cash.fen_a_point if terms.cash else None,
        left=left,
    )


def plain(points: int, fen_a_point: int) -> Terms:
    """The terms of a reward that has none: everybody's, always, its missing points for cash."""
    return Terms(points=points, cash=Cash(1, fen_a_point))


def period_began(period: Period, day: date) -> date | None:
    """The first day of the period that holds a day; None for the one that never began."""
    match period:
        case Period.DAY:
            return day
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)
        case Period.EVER:
            return None


def _refused(
    terms: Terms, day: date, tier: str | None, left: int | None, quantity: int
) -> Refusal | None:
    if not terms.available.holds(day):
        return Refusal.NOT_AVAILABLE
    if terms.tiers is not None and tier not in terms.tiers:
        return Refusal.NOT_FOR_TIER
    if left is not None and quantity > left:
        return Refusal.LIMIT_REACHED
    return None
