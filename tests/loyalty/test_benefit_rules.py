"""The rules of benefits as tables: bodies, periods, quotas, and what follows what."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kernel.errors import RuleViolation
from loyalty.benefits.rules.benefit import Every, dump, parse
from loyalty.benefits.rules.books import Booking, Books, Lot, Origin, State
from loyalty.benefits.rules.period import (
    Owned,
    Version,
    period_of,
    span_on,
    spans,
    version_on,
)
from loyalty.benefits.rules.quota import Timeline, best, entitled
from loyalty.benefits.rules.settle import Known, settle
from loyalty.tiers.rules.history import History, Kind, Word
from loyalty.tiers.rules.score import FactKind
from tests.support.benefits import LOUNGE, WASH

D = date.fromisoformat
CAR = UUID(int=7)
CHOICES = [{"code": "cake", "name_zh": "蛋糕", "name_en": "A cake"}]
EVENT: dict[str, Any] = {"period": "event", "event": {"kind": "birthday", "valid_days": 30}}


def tiers(*words: tuple[str, str | None]) -> Timeline:
    """Tiers by hand, each from a day on."""
    said = [Word(D(day), str(place), Kind.MANUAL, tier) for place, (day, tier) in enumerate(words)]
    return Timeline(History(said), [word.since_on for word in said])


@pytest.mark.parametrize(
    "body",
    [
        WASH,
        LOUNGE,
        WASH | EVENT | {"choices": CHOICES},
        WASH | {"quota": {"gold": None, "base": 0}, "carry_over": {"most": 2, "valid_days": 366}},
        WASH | {"bound_to": "vehicle", "first_owner_only": True, "period": "ownership"},
        WASH | {"on_change": "by_day", "partner_fen": 500},
    ],
)
def test_a_benefit_said_as_json_reads_the_same(body: dict[str, Any]) -> None:
    benefit = parse(body)
    assert parse(dump(benefit)) == benefit
    assert {key: dump(benefit)[key] for key in body} == body


@pytest.mark.parametrize(
    ("change", "pointer", "reason"),
    [
        ({"quota": {}}, "/quota", "out_of_range"),
        ({"quota": {"gold": -1}}, "/quota/gold", "out_of_range"),
        ({"quota": {"Gold": 1}}, "/quota/Gold", "malformed"),
        ({"quota": {"gold": True}}, "/quota/gold", "not_integer"),
        ({"quota": {"gold": None}, "on_change": "by_day"}, "/quota", "unlimited_prorated"),
        ({"first_owner_only": True}, "/first_owner_only", "exclusive"),
        ({"first_owner_only": 1}, "/first_owner_only", "not_boolean"),
        ({"period": "ownership"}, "/period", "exclusive"),
        ({"period": "event"}, "/event", "missing"),
        (EVENT | {"bound_to": "vehicle"}, "/period", "exclusive"),
        (EVENT | {"on_change": "by_month"}, "/on_change", "cannot_prorate"),
        (EVENT | {"carry_over": {"most": 1, "valid_days": 1}}, "/carry_over", "cannot_carry"),
        ({"event": {"kind": "birthday", "valid_days": 1}}, "/event", "exclusive"),
        ({"carry_over": {"most": 0, "valid_days": 1}}, "/carry_over/most", "out_of_range"),
        ({"carry_over": {"most": 1, "valid_days": 367}}, "/carry_over/valid_days", "out_of_range"),
        ({"choices": CHOICES * 2}, "/choices", "repeated"),
        ({"cost_fen": 1}, "/supplier", "missing"),
        ({"reverse_days": None}, "/reverse_days", "missing"),
        ({"free": True}, "/free", "unknown_key"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_where_it_does_not(
    change: dict[str, Any], pointer: str, reason: str
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        parse(WASH | change)
    assert (refusal.value.pointer, refusal.value.params) == (f"/body{pointer}", {"reason": reason})


@pytest.mark.parametrize(
    ("every", "day", "since", "until"),
    [
        ("calendar_year", "2027-01-01", "2027-01-01", "2028-01-01"),
        ("calendar_year", "2027-12-31", "2027-01-01", "2028-01-01"),
        ("calendar_quarter", "2027-03-31", "2027-01-01", "2027-04-01"),
        ("calendar_quarter", "2027-04-01", "2027-04-01", "2027-07-01"),
        ("calendar_quarter", "2027-12-31", "2027-10-01", "2028-01-01"),
        ("calendar_month", "2028-02-29", "2028-02-01", "2028-03-01"),
        ("calendar_month", "2027-12-01", "2027-12-01", "2028-01-01"),
    ],
)
def test_the_calendars_period_holds_its_day_and_not_the_next(
    every: str, day: str, since: str, until: str
) -> None:
    found = period_of(Every(every), D(day), joined_on=D("2020-05-05"))
    assert found == (D(since), D(until))


@pytest.mark.parametrize(
    ("joined", "day", "since", "until"),
    [
        ("2024-05-10", "2027-05-09", "2026-05-10", "2027-05-10"),
        ("2024-05-10", "2027-05-10", "2027-05-10", "2028-05-10"),
        ("2024-02-29", "2027-02-28", "2026-03-01", "2027-03-01"),
        ("2024-02-29", "2027-03-01", "2027-03-01", "2028-02-29"),
        ("2024-02-29", "2028-02-28", "2027-03-01", "2028-02-29"),
        ("2024-02-29", "2028-02-29", "2028-02-29", "2029-03-01"),
    ],
)
def test_a_year_of_membership_begins_on_its_day_and_29_february_on_the_day_after_the_28th(
    joined: str, day: str, since: str, until: str
) -> None:
    found = period_of(Every.MEMBERSHIP_YEAR, D(day), joined_on=D(joined))
    assert found == (D(since), D(until))


def version(number: int, since: str, until: str | None = None, **body: Any) -> Version:
    return Version(number, parse(WASH | body), D(since), D(until) if until else None)


YEARLY = version(1, "2027-01-01")
MONTHLY = version(2, "2027-06-10", period="calendar_month")
STOPPED = version(1, "2027-01-01", "2027-03-01", period="calendar_quarter")


@pytest.mark.parametrize(
    ("versions", "day", "number", "since", "until"),
    [
        ([YEARLY], "2026-12-31", None, "", ""),
        ([YEARLY], "2027-01-01", 1, "2027-01-01", "2028-01-01"),
        ([YEARLY, MONTHLY], "2027-06-10", 1, "2027-01-01", "2028-01-01"),
        ([YEARLY, MONTHLY], "2028-01-01", 2, "2028-01-01", "2028-02-01"),
        ([MONTHLY], "2027-06-09", None, "", ""),
        ([MONTHLY], "2027-06-10", 2, "2027-06-10", "2027-07-01"),
        ([MONTHLY], "2027-07-01", 2, "2027-07-01", "2027-08-01"),
        ([STOPPED], "2027-03-31", 1, "2027-01-01", "2027-04-01"),
        ([STOPPED], "2027-04-01", None, "", ""),
        ([STOPPED, MONTHLY], "2027-05-01", None, "", ""),
        ([STOPPED, version(3, "2027-02-10", **EVENT)], "2027-02-11", 1, "2027-01-01", "2027-04-01"),
        ([MONTHLY, version(4, "2027-06-10")], "2027-06-10", 4, "2027-06-10", "2028-01-01"),
    ],
)
def test_a_period_keeps_the_version_it_began_with(
    versions: list[Version], day: str, number: int | None, since: str, until: str
) -> None:
    found = span_on(versions, D(day), joined_on=D("2020-01-01"))
    if number is None:
        assert found is None
    else:
        assert found is not None
        assert (found.version.number, found.since, found.until) == (number, D(since), D(until))


def test_periods_follow_each_other_without_a_gap_or_an_overlap() -> None:
    found = list(
        spans([YEARLY, MONTHLY], D("2027-02-01"), D("2028-03-05"), joined_on=D("2020-01-01"))
    )
    assert [span.since for span in found] == [
        D("2027-01-01"), D("2028-01-01"), D("2028-02-01"), D("2028-03-01"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first_owner_only", "first", "found"),
    [(True, True, True), (True, False, False), (False, False, True)],
)
def test_a_right_of_the_first_owner_is_nobody_elses(
    first_owner_only: bool, first: bool, found: bool
) -> None:
    right: dict[str, Any] = {
        "bound_to": "vehicle",
        "period": "ownership",
        "first_owner_only": first_owner_only,
    }
    owned = Owned(CAR, D("2027-02-01"), None, first)
    span = span_on(
        [version(1, "2027-01-01", **right)], D("2027-03-01"), joined_on=D("2020-01-01"), owned=owned
    )
    assert (span is not None) is found
    if span:
        assert (span.since, span.until) == (D("2027-02-01"), None)


def test_a_benefit_never_published_is_in_force_on_no_day() -> None:
    assert version_on([], D("2027-01-01")) is None
    assert span_on([], D("2027-01-01"), joined_on=D("2020-01-01")) is None


def test_one_that_has_ended_is_not_replaced_by_the_one_before_it() -> None:
    versions = [version(1, "2027-01-01"), version(2, "2027-02-01", "2027-03-01")]
    numbers = [version_on(versions, D(day)) for day in ("2027-01-31", "2027-02-28", "2027-03-01")]
    assert [each and each.number for each in numbers] == [1, 2, None]


PROMOTED = tiers(("2027-01-01", "silver"), ("2027-07-01", "gold"))
DEMOTED = tiers(("2027-01-01", "gold"), ("2027-10-01", "silver"))
LATE = tiers(("2027-12-31", "gold"))
MIDMONTH = tiers(("2027-01-01", "silver"), ("2027-07-15", "gold"), ("2027-07-20", "silver"))


@pytest.mark.parametrize(
    ("on_change", "known", "day", "units"),
    [
        ("highest", PROMOTED, "2027-06-30", 6),
        ("highest", PROMOTED, "2027-07-01", 12),
        ("highest", DEMOTED, "2027-12-31", 12),
        ("current", DEMOTED, "2027-09-30", 12),
        ("current", DEMOTED, "2027-10-01", 6),
        ("by_day", PROMOTED, "2027-06-30", 6),
        ("by_day", PROMOTED, "2027-07-01", 10),  # 181 * 6 + 184 * 12 = 3294 / 365 = 9.02
        ("by_day", LATE, "2027-12-30", 0),
        ("by_day", LATE, "2027-12-31", 1),  # 12 / 365
        ("by_month", PROMOTED, "2027-07-01", 9),
        ("by_month", DEMOTED, "2027-10-01", 11),  # 9 * 12 + 3 * 6 = 126 / 12 = 10.5
        ("by_month", LATE, "2027-12-31", 1),
        ("by_month", MIDMONTH, "2027-07-14", 6),
        ("by_month", MIDMONTH, "2027-07-16", 9),
        ("by_month", MIDMONTH, "2027-08-01", 7),  # one month of twelve at 12: 6.5
        ("highest", tiers(), "2027-05-05", 0),
    ],
)
def test_what_a_year_brings_when_the_tier_changes_within_it(
    on_change: str, known: Timeline, day: str, units: int
) -> None:
    benefit = parse(WASH | {"on_change": on_change})
    year = D("2027-01-01"), D("2028-01-01")
    assert entitled(benefit, *year, D(day), known) == units


def test_after_the_end_the_last_day_counts() -> None:
    benefit = parse(WASH | {"on_change": "current"})
    year = D("2027-01-01"), D("2028-01-01")
    known = tiers(("2027-01-01", "silver"), ("2028-01-01", "gold"))
    assert entitled(benefit, *year, D("2028-06-01"), known) == 6


@pytest.mark.parametrize(("units", "found"), [([], 0), ([1, 3], 3), ([2, None], None), ([0, 0], 0)])
def test_unlimited_is_more_than_any_number(units: list[int | None], found: int | None) -> None:
    assert best(units) == found


def instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def known(day: str, hours: float = 12, **facts: Any) -> Known:
    usual: dict[str, Any] = {
        "versions": {"wash": [version(1, "2027-01-01")]},
        "tiers": tiers(("2026-01-01", "gold")),
        "joined_on": D("2020-01-01"),
        "owned": [],
        "events": [],
    }
    now = instant(D(day)) + timedelta(hours=hours)
    return Known(now=now, today=D(day), starts=instant, **usual | facts)


def shown(books: Books) -> list[tuple[Any, ...]]:
    return [
        (str(lot.origin), lot.period_from.isoformat(), lot.left, lot.used, lot.lapsed, lot.open)
        for lot in books.lots
    ]


CARRY: dict[str, Any] = {
    "versions": {"wash": [version(1, "2027-01-01", carry_over={"most": 2, "valid_days": 90})]}
}


@pytest.mark.parametrize(
    ("day", "lots"),
    [
        ("2027-12-31", [("tier", "2027-01-01", 12, 0, 0, True)]),
        (
            "2028-01-01",
            [
                ("tier", "2027-01-01", 0, 0, 12, False),
                ("tier", "2028-01-01", 12, 0, 0, True),
                ("carried", "2028-01-01", 2, 0, 0, True),
            ],
        ),
        ("2028-03-31", [("tier", "2028-01-01", 12, 0, 0, True)]),
    ],
)
def test_what_was_never_written_is_carried_over_all_the_same(
    day: str, lots: list[tuple[Any, ...]]
) -> None:
    books = Books(uuid4(), [], [])
    settle(books, known(day, **CARRY))
    assert shown(books) == lots


def test_looking_often_and_looking_once_end_in_the_same_place() -> None:
    member = uuid4()
    often, once = Books(member, [], []), Books(member, [], [])
    days = [D("2027-11-15") + timedelta(days=step) for step in range(120)]
    for day in days:
        settle(often, known(day.isoformat(), **CARRY))
    settle(once, known("2027-11-15", **CARRY))
    settle(once, known(days[-1].isoformat(), **CARRY))
    assert shown(often) == shown(once)
    moves = len(often.moves)
    settle(often, known(days[-1].isoformat(), **CARRY))
    assert len(often.moves) == moves


@pytest.mark.parametrize(
    ("policy", "hours", "state", "left"),
    [
        ("returns", 23.9, State.RESERVED, 11),
        ("returns", 24, State.NO_SHOW, 12),
        ("forfeits", 24, State.NO_SHOW, 11),
    ],
)
def test_nobody_came(policy: str, hours: float, state: State, left: int) -> None:
    books = Books(uuid4(), [], [])
    rule: dict[str, Any] = {"versions": {"wash": [version(1, "2027-01-01", no_show=policy)]}}
    settle(books, known("2027-03-01", **rule))
    lot, at = books.lots[0], instant(D("2027-03-05"))
    ends = at + timedelta(days=2)
    books.bookings.append(Booking(uuid4(), lot.id, State.RESERVED, D("2027-03-05"), ends, at))
    lot.reserved = 1
    settle(books, known("2027-03-06", hours, **rule))
    assert (books.bookings[0].state, lot.left) == (state, left)


VEHICLE: dict[str, Any] = {"versions": {"wash": [version(1, "2027-01-01", bound_to="vehicle")]}}


@pytest.mark.parametrize(
    ("owned", "lots"),
    [
        ([Owned(CAR, D("2026-05-05"), None, True)], [("tier", "2027-01-01", 12, 0, 0, True)]),
        ([Owned(CAR, D("2026-05-05"), D("2027-06-02"), True)], [("tier", "2027-01-01", 12)]),
        ([Owned(CAR, D("2026-05-05"), D("2027-06-01"), True)], []),
        (
            [
                Owned(CAR, D("2026-05-05"), D("2027-03-01"), True),
                Owned(CAR, D("2027-05-01"), None, False),
            ],
            [("tier", "2027-05-01", 12)],
        ),
    ],
)
def test_units_of_a_car_are_there_while_it_is_owned(
    owned: list[Owned], lots: list[tuple[Any, ...]]
) -> None:
    books = Books(uuid4(), [], [])
    settle(books, known("2027-06-01", owned=owned, **VEHICLE))
    assert [row[: len(want)] for row, want in zip(shown(books), lots, strict=True)] == lots


def test_a_sale_told_late_ends_the_lot_on_the_day_of_the_sale() -> None:
    books = Books(uuid4(), [], [])
    settle(books, known("2027-06-01", owned=[Owned(CAR, D("2026-05-05"), None, True)], **VEHICLE))
    sold = [Owned(CAR, D("2026-05-05"), D("2027-05-20"), True)]
    settle(books, known("2027-06-02", owned=sold, **VEHICLE))
    [lot] = books.lots
    assert (lot.open, lot.left, lot.lapsed, lot.valid_until) == (False, 0, 12, D("2027-05-20"))


def test_one_event_gives_once_until_its_last_day() -> None:
    rule: dict[str, Any] = {
        "versions": {"gift": [version(1, "2027-01-01", quota={"gold": 1}, **EVENT)]}
    }
    events = [(FactKind.BIRTHDAY, D("2027-03-01"))] * 2 + [(FactKind.SURVEY, D("2027-03-01"))]
    books = Books(uuid4(), [], [])
    settle(books, known("2027-03-30", events=events, **rule))
    assert shown(books) == [("event", "2027-03-01", 1, 0, 0, True)]
    settle(books, known("2027-03-31", events=events, **rule))
    assert shown(books) == [("event", "2027-03-01", 0, 0, 1, False)]


def test_a_lot_that_began_by_hand_is_not_touched_by_the_tier() -> None:
    benefit = parse(WASH | {"on_change": "current"})
    until = D("2027-09-01")
    lot = Lot(
        uuid4(), "wash", 1, benefit, None, Origin.MANUAL, D("2027-03-01"), until, until, granted=2
    )
    books = Books(uuid4(), [lot], [])
    settle(books, known("2027-04-01", tiers=tiers()))
    assert shown(books) == [("manual", "2027-03-01", 2, 0, 0, True)]
