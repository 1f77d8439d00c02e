"""Time as a value: a clock is a function that gives an aware UTC instant.

Only the transaction kit calls it, once per transaction; the domain reads `uow.now`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours another system's clock may be (ledger.md: business day)."""


def system_clock() -> datetime:
    """The server's time, UTC."""
    return datetime.now(UTC)


def shifted_clock(days: int) -> Clock:
    """The server's time moved by whole days, to walk through hold and expiry periods by hand."""
    return lambda: system_clock() + timedelta(days=days)


def business_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day in the dealer's zone that holds this instant (ledger.md: business day)."""
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which this day begins in the dealer's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
