"""A plain model of benefits that looks at everything every half day, and so never catches up."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from tests.support.benefits import WASH

ZONE = timezone(timedelta(hours=8))
HALF_DAY = timedelta(hours=12)
DAY = timedelta(days=1)
GAMES: dict[str, dict[str, Any]] = {
    "wash": {"period": "calendar_month", "quota": {"gold": 3, "silver": 1}, "on_change": "current"},
    "lounge": {
        "period": "calendar_month",
        "quota": {"gold": 2},
        "carry_over": {"most": 1, "valid_days": 20},
        "no_show": "forfeits",
    },
    "pick_up": {
        "period": "calendar_quarter",
        "quota": {"gold": None, "silver": 2},
        "on_change": "current",
    },
    "inspection": {
        "bound_to": "vehicle",
        "first_owner_only": True,
        "period": "ownership",
        "quota": {"gold": 2, "silver": 1},
    },
    "polish": {
        "period": "calendar_quarter",
        "quota": {"gold": 7, "silver": 2},
        "on_change": "by_day",
    },
    "wax": {
        "period": "calendar_quarter",
        "quota": {"gold": 5, "silver": 2},
        "on_change": "by_month",
    },
    "gift": {
        "period": "event",
        "event": {"kind": "birthday", "valid_days": 20},
        "quota": {"gold": 2, "silver": 1},
        "choices": [{"code": "tea", "name_zh": "茶礼", "name_en": "Tea"}],
    },
}
BODIES = {code: WASH | change for code, change in GAMES.items()}


@dataclass(eq=False)
class Lot:
    code: str
    since: date
    end: date | None
    by_tier: bool = True
    granted: int | None = 0
    reserved: int = 0
    used: int = 0
    lapsed: int = 0
    open: bool = True

    @property
    def taken(self) -> int:
        return self.reserved + self.used + self.lapsed

    @property
    def left(self) -> int | None:
        return None if self.granted is None else self.granted - self.taken


@dataclass(eq=False)
class Booking:
    lot: Lot
    day: date
    ends: datetime
    appointment: datetime | None
    state: str = "reserved"
    used_on: date | None = None


@dataclass
class Model:
    """One member with one car, who was gold before the game begins."""

    now: datetime
    car_until: date | None = None
    words: dict[date, str | None] = field(default_factory=dict)
    events: set[date] = field(default_factory=set)
    lots: list[Lot] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZONE).date()

    def tier(self, day: date) -> str | None:
        return self.words[max(each for each in self.words if each <= day)]

    def pass_time(self, half_days: int) -> None:
        for _ in range(half_days):
            self.now += HALF_DAY
            self.look()

    def look(self) -> None:
        """Everything as it must be at this instant."""
        for lot in [each for each in self.lots if each.open]:
            if lot.code == "inspection":
                lot.end = self.car_until
            self._end_bookings(lot)
            if lot.by_tier or lot.code == "gift":
                self._follow_the_tier(lot)
            if lot.end and lot.end <= self.today:
                self._close(lot)
        for code in BODIES:
            if code != "gift":
                self._open(code)
        for day in sorted(self.events):
            self._open_gift(day)

    def _end_bookings(self, lot: Lot) -> None:
        for booking in self.bookings:
            if booking.lot is lot and booking.state == "reserved":
                ends = booking.ends
                if lot.end:
                    ends = min(ends, midnight(lot.end))
                if lot.end and booking.day >= lot.end:
                    self._finish(booking, "released")
                elif ends <= self.now:
                    self._finish(booking, "no_show" if booking.appointment else "released")

    def _finish(self, booking: Booking, state: str) -> None:
        booking.state = state
        booking.lot.reserved -= 1
        if state == "no_show" and booking.lot.code == "lounge":
            booking.lot.lapsed += 1

    def _units(self, code: str, since: date, end: date | None) -> int | None:
        """The units of a period as they stand today, or stood on its last day."""
        quota, how = BODIES[code]["quota"], BODIES[code].get("on_change")
        if code == "gift":
            return int(quota.get(self.tier(since), 0))
        last = min(self.today, end - DAY) if end else self.today
        if how == "current":
            found: int | None = quota.get(self.tier(last), 0)
            return found
        whole = end if end and how in ("by_day", "by_month") else last + DAY
        days = [since + DAY * step for step in range((whole - since).days)]
        units = [int(quota.get(self.tier(min(day, last)), 0)) for day in days]
        if how == "by_day":
            return -(-sum(units) // len(units))
        if how == "by_month":
            best: dict[int, int] = {}
            for day, each in zip(days, units, strict=True):
                best[day.month] = max(each, best.get(day.month, 0))
            return -(-sum(best.values()) // len(best))
        return max(units)

    def _follow_the_tier(self, lot: Lot) -> None:
        units = self._units(lot.code, lot.since, lot.end)
        lot.granted = None if units is None else max(units, lot.taken)

    def _close(self, lot: Lot) -> None:
        lot.open = False
        if lot.code == "lounge" and lot.by_tier and lot.left and lot.end:
            carried = Lot("lounge", lot.end, lot.end + 20 * DAY, False, 1)
            self.lots.append(carried)
        lot.lapsed += lot.left or 0

    def _open(self, code: str) -> None:
        since, end = self._period(code)
        mine = [each for each in self.lots if each.code == code and each.by_tier]
        sold = code == "inspection" and self.car_until and self.car_until <= self.today
        if sold or any(each.since == since for each in mine):
            return
        units = self._units(code, since, end)
        if units != 0:
            self.lots.append(Lot(code, since, end, granted=units))

    def _open_gift(self, day: date) -> None:
        units = self._units("gift", day, None)
        given = any(each.code == "gift" and each.since == day for each in self.lots)
        if units and not given and self.today < day + 20 * DAY:
            self.lots.append(Lot("gift", day, day + 20 * DAY, False, units))

    def _period(self, code: str) -> tuple[date, date | None]:
        first = self.today.replace(day=1)
        if code == "inspection":
            return BEGIN, self.car_until
        months = 3 if BODIES[code]["period"] == "calendar_quarter" else 1
        if months == 3:
            first = first.replace(month=(first.month - 1) // 3 * 3 + 1)
        end = first
        for _ in range(months):
            end = (end + 31 * DAY).replace(day=1)
        return max(first, BEGIN), end

    def give(self, code: str, units: int, end: date) -> None:
        """Units by hand, from today on."""
        self.lots.append(Lot(code, self.today, end, False, units))

    # What people do; the answer is the code of the refusal.

    def reserve(self, code: str, appointment: datetime | None) -> str | None:
        lots = [each for each in self.lots if each.open and each.code == code and each.granted != 0]
        there = [each for each in lots if each.left != 0]
        day = (appointment or self.now).astimezone(ZONE).date()
        fit = [each for each in there if each.end is None or day < each.end]
        if not lots:
            return "benefit_not_found"
        if not fit:
            return "appointment_after_end" if there else "benefit_used_up"
        lot = min(fit, key=lambda each: (each.end or date.max, each.since))
        ends = midnight(day + 2 * DAY) if appointment else self.now + timedelta(minutes=30)
        if lot.end:
            ends = min(ends, midnight(lot.end))
        lot.reserved += 1
        self.bookings.append(Booking(lot, day, ends, appointment))
        return None

    def use(self, booking: Booking) -> str | None:
        if booking.state != "reserved":
            return "reservation_ended"
        booking.state, booking.used_on = "used", self.today
        booking.lot.reserved -= 1
        booking.lot.used += 1
        return None

    def release(self, booking: Booking) -> str | None:
        if booking.state != "reserved":
            return "reservation_ended"
        if booking.appointment is not None and booking.appointment <= self.now:
            return "appointment_passed"
        self._finish(booking, "released")
        return None

    def no_show(self, booking: Booking) -> str | None:
        if booking.state != "reserved":
            return "reservation_ended"
        if booking.appointment is None or self.now < booking.appointment:
            return "appointment_not_passed"
        self._finish(booking, "no_show")
        return None

    def reverse(self, booking: Booking) -> str | None:
        if booking.state != "used" or booking.used_on is None:
            return "benefit_not_used"
        if self.today > booking.used_on + 7 * DAY:
            return "reversal_too_late"
        booking.state = "reversed"
        booking.lot.used -= 1
        if not booking.lot.open:
            booking.lot.lapsed += booking.lot.left or 0
        return None


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


BEGIN = date(2027, 1, 20)
"""The versions begin with this day, and the car was bought on it."""
