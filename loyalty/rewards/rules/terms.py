"""The terms of a reward (兑换条件) as JSON and back: windows, tiers, prices, limit, cash.

Strict, as every rule: a misspelt key that was skipped would publish a reward without its limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from loyalty.formats.reading import Fields, below, choice, code, integer, listing, refuse, table

MOST_POINTS: Final = 10_000_000
MOST_PIECES: Final = 1_000_000
MOST_FEN_A_POINT: Final = 10_000
MOST_DAYS: Final = 3_660

_POINTS: Final = integer(1, MOST_POINTS)


class Fulfilment(StrEnum):
    """How a member comes by what he redeemed: at once, at a counter (核销), or by a code (券码)."""

    NONE = "none"
    COUNTER = "counter"
    CODE = "code"


class Period(StrEnum):
    """The calendar period a limit counts in; EVER never begins anew."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    EVER = "ever"


class Until(StrEnum):
    """How long a redemption may be cancelled."""

    NEVER = "never"
    HANDED_OVER = "handed_over"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Window:
    """Business days from `begins` on and before `ends`; None is open."""

    begins: date | None = None
    ends: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day lies within it."""
        return (self.begins is None or self.begins <= day) and (
            self.ends is None or day < self.ends
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """So many pieces a member may have in a period."""

    most: int
    period: Period


@dataclass(frozen=True, slots=True)
class Cash:
    """Points and cash (积分加现金): for one piece at least `least_points` are paid in points, and
    every point missing from its price costs `fen_a_point`."""

    least_points: int
    fen_a_point: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Until when a redemption may be cancelled, `days` after it at most; and whether by its owner
    himself: not for ever, where nothing is handed over."""

    until: Until = Until.HANDED_OVER
    days: int | None = None
    by_owner: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """`points` is the price of a piece, unless `prices` has one for the member's tier; `tiers`
    are those that may redeem, None all members."""

    points: int
    prices: Mapping[str, int] = field(default_factory=dict)
    tiers: tuple[str, ...] | None = None
    visible: Window = Window()
    available: Window = Window()
    limit: Limit | None = None
    cash: Cash | None = None
    fulfilment: Fulfilment = Fulfilment.NONE
    cancel: Cancel = Cancel()


def parse(body: Mapping[str, Any]) -> Terms:
    """What terms say (product.md, F35 to F38).

    Raises RuleViolation `rule_invalid` with the pointer below `/body` and a short `reason`, such as
    not_after, tier_not_admitted, above_price, never_handed_over or those of any rule.
    """
    said = Fields(body, "/body", _KEYS)
    terms = Terms(
        points=said.need("points", _POINTS),
        prices=said.get("prices", _prices) or {},
        tiers=said.get("tiers", listing(code)),
        visible=_window(said, "visible"),
        available=_window(said, "available"),
        limit=said.get("limit", _limit),
        cash=said.get("cash", _cash),
        fulfilment=said.get("fulfilment", choice(Fulfilment)) or Fulfilment.NONE,
        cancel=said.get("cancel", _cancel) or Cancel(),
    )
    for tier in terms.prices:
        if terms.tiers is not None and tier not in terms.tiers:
            refuse(below("/body/prices", tier), "tier_not_admitted")
    endless = terms.fulfilment is Fulfilment.NONE and terms.cancel.until is Until.HANDED_OVER
    if endless and terms.cancel.by_owner:
        refuse("/body/cancel/by_owner", "never_handed_over")
    if terms.cash and terms.cash.least_points > min((terms.points, *terms.prices.values())):
        refuse("/body/cash/least_points", "above_price")
    return terms


def dump(terms: Terms) -> dict[str, Any]:
    """The body as JSON with every key said; the exact inverse of `parse`."""
    limit, cash, cancel = terms.limit, terms.cash, terms.cancel
    return {
        "points": terms.points,
        "prices": dict(terms.prices) or None,
        "tiers": None if terms.tiers is None else list(terms.tiers),
        "visible_from": _day_text(terms.visible.begins),
        "visible_until": _day_text(terms.visible.ends),
        "available_from": _day_text(terms.available.begins),
        "available_until": _day_text(terms.available.ends),
        "limit": limit and {"most": limit.most, "period": str(limit.period)},
        "cash": cash and {"least_points": cash.least_points, "fen_a_point": cash.fen_a_point},
        "fulfilment": str(terms.fulfilment),
        "cancel": {
            "until": str(cancel.until),
            "days": cancel.days,
            "by_owner": cancel.by_owner,
        },
    }


def _prices(value: Any, pointer: str) -> dict[str, int]:
    read = table(_POINTS)(value, pointer)
    return {code(tier, below(pointer, tier)): points for tier, points in read.items()}


def _window(said: Fields, name: str) -> Window:
    window = Window(said.get(f"{name}_from", _day), said.get(f"{name}_until", _day))
    if window.begins and window.ends and window.ends <= window.begins:
        refuse(below("/body", f"{name}_until"), "not_after")
    return window


def _limit(value: Any, pointer: str) -> Limit:
    said = Fields(value, pointer, {"most", "period"})
    return Limit(said.need("most", integer(1, MOST_PIECES)), said.need("period", choice(Period)))


def _cash(value: Any, pointer: str) -> Cash:
    said = Fields(value, pointer, {"least_points", "fen_a_point"})
    return Cash(
        said.need("least_points", _POINTS), said.need("fen_a_point", integer(1, MOST_FEN_A_POINT))
    )


def _cancel(value: Any, pointer: str) -> Cancel:
    said = Fields(value, pointer, {"until", "days", "by_owner"})
    until, days = said.need("until", choice(Until)), said.get("days", integer(1, MOST_DAYS))
    if (days is not None) != (until is Until.DAYS):
        refuse(below(pointer, "days"), "missing" if days is None else "exclusive")
    return Cancel(until, days, said.get("by_owner", _flag) or False)


def _flag(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        refuse(pointer, "not_boolean")
    return value


def _day(value: Any, pointer: str) -> date:
    try:
        read = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.isoformat() != value:
        refuse(pointer, "malformed")
    return read


def _day_text(day: date | None) -> str | None:
    return day.isoformat() if day else None


_KEYS: Final = set(dump(Terms(points=1)))
