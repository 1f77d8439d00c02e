"""When a lot expires: whole months after the business date, rounded up to the month's end (F5)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from kernel.clock import start_of_day


def expires_at(business_on: date, *, months: int, zone: ZoneInfo) -> datetime:
    """The first instant at which the lot cannot be spent: the start of the month after.

    `months` counts calendar months; 24 months after any day of March 2026 is 1 April 2028.
    """
    month = business_on.year * 12 + business_on.month - 1 + months + 1
    return start_of_day(date(month // 12, month % 12 + 1, 1), zone)
