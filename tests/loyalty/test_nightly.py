"""The night: what time alone brings about, once, in order, whatever stops it on the way."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from api.cli import cli
from api.commands import nightly as command
from api.commands.work import unit_of_work
from kernel.database import owner_session
from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.members.enroll import Enrolment, enroll
from loyalty.points import ledger, nightly
from tests.support.books import HOUR, Books
from tests.support.clock import TestClock
from tests.support.shop import Shop

DAY, NOW = 24, 48
"""Hours after the start: what the night is worked for, and when it runs."""
MEMBERS = ("pending", "event", "ends", "holds", "owes", "lasts", "later")
STATE = """
SELECT a.member_id, a.available, a.pending, a.held, a.arrears, a.version,
    (SELECT string_agg(concat_ws(' ', points, remaining, held, expired, open, activated), ', '
        ORDER BY id) FROM point_lot l WHERE l.member_id = a.member_id),
    (SELECT string_agg(kind || points, ', ' ORDER BY account_version) FROM posting_set s
        WHERE s.member_id = a.member_id),
    (SELECT string_agg(state, ', ' ORDER BY id) FROM point_hold h WHERE h.member_id = a.member_id)
FROM point_account a WHERE dealer_id = :dealer ORDER BY member_id
"""
TOUCHED = " UNION ALL ".join(
    f"SELECT '{table}' || t::text || xmin::text FROM {table} t WHERE dealer_id = :dealer"
    for table in ("point_account", "point_lot", "posting_set", "point_entry", "outbox_event")
)


class StoppedError(Exception):
    """The machine went down."""


class Nights:
    """A dealer with a member for everything that time does, and two for whom it does nothing."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.books = shop, Books(shop, shop.service.clock())
        with self.books.work(0) as uow:
            for name in MEMBERS:
                self._enrol(uow, name)
            due, far = self.at(10), self.at(DAY + 1)
            self.earn(uow, "pending", 50, available_at=due)
            self.earn(uow, "event", 60, available_at=None, awaits="x", cancel_at=due)
            self.earn(uow, "ends", 70, expires_at=due)
            self.earn(uow, "ends", 5)
            self.earn(uow, "holds", 80)
            member = self.books.ids["holds"]
            ledger.hold(uow, member, 30, hold_id=new_id(), expires_at=due)
            self._owe(uow, due)
            self.earn(uow, "lasts", 90)
            self.earn(uow, "later", 11, expires_at=far)
            self.earn(uow, "later", 12, available_at=far)

    def at(self, hours: float) -> datetime:
        return self.books.start + hours * HOUR

    def earn(self, uow: UnitOfWork, member: str, points: int, **facts: Any) -> None:
        self.books.earn(uow, f"{member}_set", member, points, **facts)

    def _enrol(self, uow: UnitOfWork, name: str) -> None:
        person = Enrolment("crm", name, "张三", "13800138000", uow.today)
        self.books.ids[name] = enroll(uow, person)

    def _owe(self, uow: UnitOfWork, due: datetime) -> None:
        member = self.books.ids["owes"]
        self.earn(uow, "owes", 20)
        undone = self.books.ids["owes_set"]
        ledger.burn(uow, member, 20, source=ledger.Source("test", uuid.uuid4().hex))
        ledger.claw_back(
            uow,
            member,
            20,
            undone=undone,
            lots=[],
            issuer_id=uow.dealer_id,
            policy=ledger.DebtPolicy.ARREARS,
            source=ledger.Source("test", uuid.uuid4().hex),
            reason="return",
        )
        self.earn(uow, "owes", 50, available_at=due)

    def enter(self) -> AbstractContextManager[UnitOfWork]:
        return unit_of_work(
            self.shop.service,
            self.shop.dealer_id,
            role=Role.SYSTEM,
            client="nightly",
            now=self.at(NOW),
        )

    def work(self, *, as_of: float = DAY, page: int = 2, enter: Any = None) -> nightly.Done:
        failures: list[nightly.Failure] = []
        pages = nightly.work_pages(enter or self.enter, failures, as_of=self.at(as_of), page=page)
        done = sum(pages, nightly.Done())
        assert failures == []
        return done

    def rows(self, sql: str) -> list[Any]:
        with owner_session(self.shop.service.settings.database_url, read_only=True) as session:
            return list(session.execute(text(sql), {"dealer": self.shop.dealer_id}))

    def state(self) -> dict[str, Any]:
        names = {key: name for name, key in self.books.ids.items()}
        return {names[row[0]]: tuple(row[1:]) for row in self.rows(STATE)}

    def spendable(self) -> dict[str, int]:
        with self.enter() as uow:
            return {
                name: uow.session.scalar(
                    text("SELECT point_spendable(:member, :now)"),
                    {"member": self.books.ids[name], "now": self.at(DAY)},
                )
                for name in MEMBERS
            }

    def damage(self, member: str, available: int) -> None:
        with owner_session(self.shop.service.settings.database_url) as session:
            session.execute(
                text("UPDATE point_account SET available = :points WHERE member_id = :member"),
                {"points": available, "member": self.books.ids[member]},
            )


@pytest.fixture
def nights(shop: Shop) -> Nights:
    return Nights(shop)


WHOLE_NIGHT = nightly.Done(members=5, released=1, activated=2, cancelled=1, expired=1, settled=1)
NOTHING = nightly.Done()


def test_one_night_does_what_is_due_in_the_order_of_the_contract(nights: Nights) -> None:
    before = nights.spendable()
    assert nights.work() == WHOLE_NIGHT
    assert nights.spendable() == before
    state = nights.state()
    assert {name: row[:4] for name, row in state.items()} == {
        "pending": (50, 0, 0, 0),
        "event": (0, 0, 0, 0),
        "ends": (5, 0, 0, 0),
        "holds": (80, 0, 0, 0),
        "owes": (30, 0, 0, 0),
        "lasts": (90, 0, 0, 0),
        "later": (11, 12, 0, 0),
    }
    sets = {name: row[6] for name, row in state.items()}
    assert sets["owes"].endswith("accrual50, activation0, arrears0")
    assert sets["ends"] == "accrual70, accrual5, expiry-70"
    assert (sets["event"], state["holds"][7]) == ("accrual60, cancellation-60", "expired")


def test_the_second_run_finds_nothing_and_changes_no_row(nights: Nights) -> None:
    nights.work()
    before = sorted(nights.rows(TOUCHED))
    assert nights.work() == NOTHING
    assert sorted(nights.rows(TOUCHED)) == before


def test_what_is_written_bears_the_present_and_not_the_instant_worked_for(nights: Nights) -> None:
    """A statement as of a past moment never changes afterwards."""
    nights.work()
    posted = "SELECT DISTINCT posted_at FROM posting_set WHERE dealer_id = :dealer ORDER BY 1"
    assert [row[0] for row in nights.rows(posted)] == [nights.at(0), nights.at(NOW)]
    assert nights.work(as_of=NOW) == nightly.Done(members=1, activated=1, expired=1)


@contextmanager
def _stopping(enter: Any, countdown: Iterator[int]) -> Iterator[UnitOfWork]:
    with enter() as uow:
        yield uow
        if next(countdown) == 0:
            raise StoppedError


@pytest.mark.parametrize("transactions", range(6))
def test_a_night_that_was_stopped_runs_again_and_ends_as_if_it_had_not_been(
    shop: Shop, other_shop: Shop, transactions: int
) -> None:
    """Before the commit of any of its transactions, whether they look for a page or work it."""
    whole, stopped = Nights(shop), Nights(other_shop)
    whole.work()
    countdown = iter(range(transactions, -1, -1))
    with pytest.raises(StoppedError):
        stopped.work(enter=lambda: _stopping(stopped.enter, countdown))
    stopped.work()
    assert stopped.state() == whole.state()
    assert len(stopped.rows(TOUCHED)) == len(whole.rows(TOUCHED))


@pytest.mark.parametrize("page", [1, 3, 100])
def test_a_member_whose_books_are_damaged_stops_only_himself(nights: Nights, page: int) -> None:
    failures: list[nightly.Failure] = []
    nights.damage("ends", 5)
    try:
        pages = nightly.work_pages(nights.enter, failures, as_of=nights.at(DAY), page=page)
        done = sum(pages, nightly.Done())
    finally:
        nights.damage("ends", 75)
    assert done == nightly.Done(members=4, released=1, activated=2, cancelled=1, settled=1)
    assert [failure.member_id for failure in failures] == [nights.books.ids["ends"]]
    assert "point_account_available_check" in failures[0].why
    assert nights.work() == nightly.Done(members=1, expired=1)


def test_what_fails_for_everybody_ends_the_night(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "MOST_FAILURES", 1)
    monkeypatch.setattr(nightly, "catch_up", _refuse)
    with pytest.raises(nightly.TooManyFailuresError, match="2 members"):
        nights.work()


def _refuse(*_: Any, **__: Any) -> nightly.Done:
    raise NotFound("member_not_found")


# --- the command


def run(nights: Nights, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    clock = nights.shop.service.clock
    assert isinstance(clock, TestClock)
    clock.add(hours=NOW)
    monkeypatch.setattr(command, "build_service", lambda settings: nights.shop.service)
    return CliRunner().invoke(cli, ["nightly", *words])


def test_the_command_tells_in_a_line_what_it_did_for_a_dealer_and_proves_it(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = nights.at(DAY).strftime("%Y-%m-%dT%H:%M:%S")
    done = run(nights, monkeypatch, "--as-of", day, "--page", "2")
    assert done.exit_code == 0, done.output
    told = "5 members, 1 released, 2 activated, 1 cancelled, 1 expired, 1 settled"
    calls = "0 calls ended, 0 second calls, 0 agents replaced"
    said = f"{nights.shop.dealer_id}: 0 referrals expired, {calls}, 0 keys forgotten"
    assert f"{said}; points: {told}" in done.output
    assert "checks, 0 broken" in done.output
    monkeypatch.setattr(command, "every_dealer", lambda url: [nights.shop.dealer_id])
    again = run(nights, monkeypatch, "--as-of", day, "--no-proof")
    assert "points: 0 members, 0 released" in again.output
    assert "checks" not in again.output


def test_the_command_names_the_member_that_failed_and_the_proof_what_is_left(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.damage("ends", 5)
    try:
        done = run(nights, monkeypatch)
    finally:
        nights.damage("ends", 75)
    assert done.exit_code == 1
    assert f"member {nights.books.ids['ends']}: FAILED, IntegrityError" in done.stderr
    assert "points: 5 members" in done.output
    assert "no lot past its date is open: BROKEN by 1 rows" in done.output
