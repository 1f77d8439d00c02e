"""Days and months as instants: half open, in the dealer's zone (ledger.md, business day)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kernel.clock import business_day, start_of_day
from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the dealer's zone; `begins_on` is its first day."""

    begins_on: date

    @classmethod
    def named(cls, name: str) -> "Month":
        """The month of a name such as `2026-11`."""
        return cls(date.fromisoformat(f"{name}-01"))

    @property
    def name(self) -> str:
        return f"{self.begins_on:%Y-%m}"

    @property
    def next(self) -> "Month":
        return Month((self.begins_on + timedelta(days=31)).replace(day=1))

    @property
    def previous(self) -> "Month":
        return Month((self.begins_on - timedelta(days=1)).replace(day=1))

    def starts_at(self, zone: ZoneInfo) -> datetime:
        return start_of_day(self.begins_on, zone)

    def ends_at(self, zone: ZoneInfo) -> datetime:
        """The instant at which the next month begins."""
        return self.next.starts_at(zone)


def month_of(instant: datetime, zone: ZoneInfo) -> Month:
    """The month that holds this instant."""
    return Month(business_day(instant, zone).replace(day=1))


def end_of_day(uow: UnitOfWork, day: date) -> datetime:
    """The instant at which the day after begins; what was posted before it belongs to the day.

    Raises RuleViolation `day_in_the_future`.
    """
    if day > uow.today:
        raise RuleViolation("day_in_the_future", pointer="/as_of")
    return start_of_day(day + timedelta(days=1), uow.zone)
