"""Fen from exact sums: rounded once, at the very end (ledger.md, mistakes others made)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_EXACT: Final = Context(prec=60)
_FEN: Final = Decimal(1)
_SHOWN: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount in whole fen, and the exact sum it was rounded from."""

    amount_fen: int
    exact_fen: str
    currency: str = "CNY"


def cost_of(exact: Decimal) -> Cost:
    """An exact sum as an amount: the one place where fen are rounded."""
    return Cost(whole_fen(exact), shown(exact))


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of exact amounts, without rounding."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def times(amount: Decimal, number: int) -> Decimal:
    """An exact amount so many times."""
    return _EXACT.multiply(amount, Decimal(number))


def whole_fen(exact: Decimal) -> int:
    """Rounded half up; half away from zero below it, so that a sum and its cancellation meet."""
    return int(exact.quantize(_FEN, ROUND_HALF_UP, _EXACT))


def shown(exact: Decimal) -> str:
    """An exact amount of fen as text with four decimals, as unit costs have them."""
    return format(exact.quantize(_SHOWN, ROUND_HALF_UP, _EXACT), "f")


def portion(amount: Decimal, basis_points: int) -> Decimal:
    """So many ten-thousandths (万分点) of an exact amount, exact."""
    return _EXACT.scaleb(times(amount, basis_points), -4)
