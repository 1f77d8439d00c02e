"""What a proven fake costs the consultant (处罚), and for how long people stay out.

A reader would break this by letting a penalty of this table count before the appeal window ended.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

from referral.rules.policy import Policy

COUNTED_MONTHS: Final = 12
"""How far back confirmed cases count (referral.md, section 2: penalties)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A fine in fen, whether the month's referral pay is kept back, months without registering."""

    fine_fen: int
    pay_withheld: bool
    excluded_months: int
    referred_to_hr: bool


def measure(nth: int, policy: Policy) -> Measure:
    """The consequence of the nth confirmed case in twelve months (referral.md, section 2).

    First: fine and the month's referral pay. Second: the higher fine, and out for some months.
    From the third on HR decides; until then he stays out as after the second.
    Raises ValueError for nth below 1.
    """
    if nth < 1:
        raise ValueError("cases are counted from 1")
    first, second = policy.fine_fen
    if nth == 1:
        return Measure(first, pay_withheld=True, excluded_months=0, referred_to_hr=False)
    months = policy.excluded_consultant_months
    if nth == 2:
        return Measure(second, pay_withheld=False, excluded_months=months, referred_to_hr=False)
    return Measure(0, pay_withheld=False, excluded_months=months, referred_to_hr=True)


def months_later(day: date, months: int) -> date:
    """The same day so many months on, or the last day of a shorter month; negative goes back."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
