"""A balance asked for later is the one that was told then, whatever has happened since (F14)."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.commands.work import unit_of_work
from kernel.errors import DomainError, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger, nightly, queries
from loyalty.points.models import AccountFreeze
from loyalty.points.rules.expiry import Mode, Policy, Round, expires_at
from tests.support import story
from tests.support.clock import TestClock
from tests.support.shop import Shop

EVENT = "car_delivered"


class Days:
    """A member's points moved through the ledger's door, hour by hour, and what was told then."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.member = story.member(shop)
        self.now = shop.service.clock().replace(microsecond=0) + timedelta(hours=1)
        self.told: list[queries.Balance] = []
        self.sets: list[uuid.UUID] = []
        self.burns: list[uuid.UUID] = []
        self.lots: list[uuid.UUID] = []
        self.holds: list[uuid.UUID] = []

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        with unit_of_work(
            self.shop.service, self.shop.dealer_id, role=Role.SYSTEM, client="test", now=self.now
        ) as uow:
            yield uow

    def balance(self, as_of: datetime | None = None) -> queries.Balance:
        with self.work() as uow:
            return queries.balance(uow, self.member, as_of)

    def wait(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    def recall(self) -> list[queries.Balance]:
        """What is told now of the moments of all earlier answers, each a whole millisecond."""
        with self.work() as uow:
            found = [queries.balance(uow, self.member, told.as_of) for told in self.told]
        return [replace(f, as_of=told.as_of) for f, told in zip(found, self.told, strict=True)]

    def look(self) -> None:
        self.told.append(self.balance())

    def terms(self, starts: int, ends: int | None, *, event: bool = False) -> ledger.Terms:
        return ledger.Terms(
            rule_id="test",
            rule_version=1,
            business_on=self.now.date(),
            available_at=None if event else self.now + timedelta(hours=starts),
            expires_at=None if ends is None else self.now + timedelta(hours=ends),
            unit_cost_fen=Decimal(1),
            awaits=EVENT if event else None,
            cancel_at=self.now + timedelta(hours=starts) if event else None,
        )

    def earn(self, uow: UnitOfWork, points: int, terms: ledger.Terms) -> None:
        lot = new_id()
        credit = ledger.Credit(points, uow.dealer_id, terms, lot)
        posted = ledger.credit(uow, self.member, [credit], source=self.source())
        self.sets.append(posted.posting_set_id)
        self.lots.append(lot)

    def source(self) -> ledger.Source:
        return ledger.Source("test", uuid.uuid4().hex)

    def do(self, verb: str, points: int, choice: int) -> None:
        """One act; what the ledger refuses changes nothing, which is told too."""
        try:
            with self.work() as uow:
                getattr(self, f"_{verb}")(uow, points, choice)
        except DomainError:
            return

    def _earn(self, uow: UnitOfWork, points: int, choice: int) -> None:
        ends = (None, 3, 6, 12)[choice % 4]
        self.earn(uow, points, self.terms(0, ends))

    def _promise(self, uow: UnitOfWork, points: int, choice: int) -> None:
        self.earn(uow, points, self.terms(1 + choice % 5, (None, 7)[choice % 2]))

    def _await(self, uow: UnitOfWork, points: int, choice: int) -> None:
        self.earn(uow, points, self.terms(2 + choice % 4, None, event=True))

    def _begin(self, uow: UnitOfWork, _: int, choice: int) -> None:
        if self.sets:
            ledger.begin(uow, self.member, self.sets[choice % len(self.sets)], event=EVENT)

    def _burn(self, uow: UnitOfWork, points: int, _: int) -> None:
        posted = ledger.burn(uow, self.member, points, source=self.source())
        self.burns.append(posted.posting_set_id)

    def _restore(self, uow: UnitOfWork, _: int, choice: int) -> None:
        if self.burns:
            undone = self.burns[choice % len(self.burns)]
            ledger.restore(uow, self.member, undone, reason="test")

    def _hold(self, uow: UnitOfWork, points: int, choice: int) -> None:
        hold = new_id()
        ends = self.now + timedelta(hours=1 + choice % 5)
        ledger.hold(uow, self.member, points, hold_id=hold, expires_at=ends)
        self.holds.append(hold)

    def _capture(self, uow: UnitOfWork, points: int, choice: int) -> None:
        if self.holds:
            hold = self.holds[choice % len(self.holds)]
            posted = ledger.capture(uow, self.member, hold, 1 + points % 50)
            self.burns.append(posted.posting_set_id)

    def _release(self, uow: UnitOfWork, _: int, choice: int) -> None:
        if self.holds:
            ledger.release(uow, self.member, self.holds[choice % len(self.holds)])

    def _claw_back(self, uow: UnitOfWork, points: int, choice: int) -> None:
        if self.sets:
            place = choice % len(self.sets)
            ledger.claw_back(
                uow,
                self.member,
                points,
                undone=self.sets[place],
                lots=[self.lots[place]],
                issuer_id=uow.dealer_id,
                policy=(ledger.DebtPolicy.ARREARS, ledger.DebtPolicy.CLAMP)[choice % 2],
                source=self.source(),
                reason="test",
            )

    def _reinstate(self, uow: UnitOfWork, points: int, choice: int) -> None:
        if self.lots:
            ledger.reinstate(
                uow,
                self.member,
                self.lots[choice % len(self.lots)],
                points,
                source=self.source(),
                reason="test",
                expires_at=self.now + timedelta(hours=5),
            )

    def _freeze(self, uow: UnitOfWork, _: int, choice: int) -> None:
        ledger.set_frozen(uow, self.member, frozen=True)
        uow.session.add(
            AccountFreeze(
                id=new_id(),
                dealer_id=uow.dealer_id,
                member_id=self.member,
                reason="test",
                frozen_by=new_id(),
                frozen_at=self.now,
            )
        )
        uow.session.flush()

    def _thaw(self, uow: UnitOfWork, *_: int) -> None:
        ledger.set_frozen(uow, self.member, frozen=False)
        for each in uow.session.query(AccountFreeze).filter_by(lifted_at=None):
            each.lifted_by, each.lifted_at = new_id(), self.now

    def _night(self, uow: UnitOfWork, *_: int) -> None:
        nightly.catch_up(uow, [self.member], as_of=self.now)


@pytest.fixture
def days(shop: Shop) -> Days:
    return Days(shop)


VERBS = (
    *("earn", "promise", "await", "begin", "burn", "restore", "hold", "capture", "release"),
    *("claw_back", "reinstate", "thaw", "night"),
)
ACTS = st.tuples(st.sampled_from(VERBS), st.integers(1, 120), st.integers(0, 19))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(ACTS, min_size=4, max_size=10), frozen_at=st.none() | st.integers(4, 12))
def test_whatever_is_done_later_the_balance_of_a_moment_stays_what_was_told(
    shop: Shop, acts: list[tuple[str, int, int]], frozen_at: int | None
) -> None:
    days = Days(shop)
    days.do("earn", 100, 1)
    for place, (verb, points, choice) in enumerate(acts):
        days.look()
        days.wait(0.5)
        if place == frozen_at:
            days.do("freeze", 0, 0)
        days.do(verb, points, choice)
        days.look()
        days.wait(0.5)
    days.wait(100)
    days.do("night", 0, 0)
    days.do("thaw", 0, 0)
    days.look()
    assert days.recall() == days.told
    with days.work() as uow:
        for told in days.told[-3:]:
            why = queries.explain_balance(uow, days.member, as_of=told.as_of, after=None)
            assert (replace(why.balance, as_of=told.as_of), why.adds_up) == (told, True)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(ACTS, min_size=3, max_size=12))
def test_what_is_told_before_the_nights_work_is_what_is_told_after_it(
    shop: Shop, acts: list[tuple[str, int, int]]
) -> None:
    days = Days(shop)
    days.do("earn", 100, 2)
    for verb, points, choice in acts:
        days.do(verb, points, choice)
        days.wait(1)
    before = days.balance()
    days.do("night", 0, 0)
    assert days.balance() == before


def test_a_pending_lot_whose_day_has_come_counts_without_a_job(days: Days) -> None:
    days.do("promise", 80, 2)
    days.look()
    days.wait(3)
    days.look()
    assert [(each.available, each.pending) for each in days.told] == [(0, 80), (80, 0)]


def test_points_that_waited_for_an_event_are_pending_before_it_and_gone_after_their_time(
    days: Days,
) -> None:
    days.do("await", 50, 2)
    days.do("await", 30, 0)
    days.wait(1)
    days.do("begin", 0, 0)
    days.wait(1.5)
    assert [
        (seen.available, seen.pending)
        for seen in map(days.balance, (days.now - timedelta(hours=h) for h in (2, 1, 0)))
    ] == [(0, 80), (50, 30), (50, 0)]


def test_a_hold_past_its_time_was_spendable_then_though_it_was_written_later(days: Days) -> None:
    days.do("earn", 100, 0)
    days.do("hold", 60, 1)
    days.wait(1)
    days.look()
    days.wait(1.5)
    days.look()
    days.wait(24)
    days.do("night", 0, 0)
    assert [(each.available, each.held) for each in days.told] == [(40, 60), (100, 0)]
    assert days.recall() == days.told


def test_points_past_their_date_were_gone_though_the_job_came_days_later(days: Days) -> None:
    days.do("earn", 100, 1)
    for _ in range(3):
        days.look()
        days.wait(2)
    days.wait(48)
    days.do("night", 0, 0)
    assert [each.available for each in days.told] == [100, 100, 0]
    assert days.recall() == days.told


def test_what_a_restored_redemption_gave_back_was_not_there_before(days: Days) -> None:
    days.do("earn", 100, 0)
    days.do("burn", 70, 0)
    days.wait(1)
    days.do("restore", 0, 0)
    assert days.balance().available == 100
    assert days.balance(days.now - timedelta(minutes=30)).available == 30


def test_points_kept_alive_by_a_later_visit_were_alive_before_it_as_well(days: Days) -> None:
    a_year = Policy(Mode.INACTIVITY, 12, Round.DAY)
    with days.work() as uow:
        terms = ledger.Terms(
            rule_id="test",
            rule_version=1,
            business_on=uow.today,
            available_at=uow.now,
            expires_at=expires_at(uow.today, a_year, zone=uow.zone),
            unit_cost_fen=Decimal(1),
            inactivity_months=12,
            inactivity_round="day",
        )
        days.earn(uow, 100, terms)
    for _ in range(3):
        days.wait(24 * 200)
        days.look()
        days.wait(1)
        days.do("earn", 1, 0)
    assert [each.available for each in days.told] == [100, 101, 102]
    days.wait(24 * 400)
    days.do("night", 0, 0)
    assert days.balance().available == 3
    assert [days.balance(each.as_of).available for each in days.told] == [100, 101, 102]


def test_a_posting_that_waited_for_the_lock_was_not_there_when_it_began(days: Days) -> None:
    """Begun first, posted second: by its time alone it would take points not yet earned."""
    late = days.now
    days.wait(1)
    with days.work() as uow:
        days.earn(uow, 100, days.terms(-1, None))
    days.now, now = late, days.now
    days.do("burn", 60, 0)
    days.now = now + timedelta(hours=1)
    assert days.balance(late + timedelta(minutes=30)).available == 0
    assert days.balance(now).available == 40


def test_the_future_cannot_be_asked_for(days: Days) -> None:
    with days.work() as uow:
        for moment in (uow.now + timedelta(seconds=1), uow.today, uow.today + timedelta(days=1)):
            with pytest.raises(RuleViolation, match="as_of_in_the_future"):
                queries.balance(uow, days.member, moment)


def test_a_day_is_asked_for_by_its_end_in_the_dealers_zone(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    first = story.today(shop)
    story.earn(shop, member, 100)
    clock.add(days=1)
    story.earn(shop, member, 20)
    path = f"/v1/members/{member}/balance"
    then = story.ok(shop.get("finance", path, as_of=first), 200)
    assert (then["available"], then["as_of"][10:]) == (100, "T15:59:59.999Z")
    refused = shop.get("finance", path, as_of=story.today(shop))
    assert (refused.status_code, refused.json["code"]) == (422, "as_of_in_the_future")
    for wrong in ("2026-13-01", "yesterday", "2026-06-30T12:00:00"):
        assert shop.get("finance", path, as_of=wrong).status_code == 422


def test_the_moment_an_answer_names_can_be_asked_for_again(shop: Shop, clock: TestClock) -> None:
    member = story.member(shop)
    path = f"/v1/members/{member}/balance"
    told = []
    for yuan in (100, 50, 25):
        story.earn(shop, member, yuan)
        told.append(story.ok(shop.get("owner", path, subject=member), 200))
        clock.add(hours=1)
    for each in told:
        asked = shop.get("owner", path, subject=member, as_of=each["as_of"])
        found = story.ok(asked, 200)
        assert {**found, "as_of": None} == {**each, "as_of": None}
