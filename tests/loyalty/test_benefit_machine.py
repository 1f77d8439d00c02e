"""Any run of days, verbs, nights, tiers and sales leaves what a plain model leaves; and races."""

import os
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from api.commands.work import unit_of_work
from kernel.database import owner_session
from kernel.errors import DomainError
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.by_hand import grant_by_hand
from loyalty.benefits.let_go import no_show, release
from loyalty.benefits.models import BenefitVersion
from loyalty.benefits.nightly import settle_all
from loyalty.benefits.queries import benefits_left, list_usages
from loyalty.benefits.reserve import Wish, reserve
from loyalty.benefits.use import reverse, use_reserved
from loyalty.dealers.roles import Role
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from loyalty.points.nightly import Failure
from loyalty.points.proof import prove
from loyalty.tiers.assign import assign_tier
from loyalty.tiers.facts import SeenFact, see_facts
from loyalty.tiers.rules.score import FactKind
from tests.faults.rig import entered
from tests.support import benefits, story
from tests.support.benefit_model import BEGIN, BODIES, DAY, Model, midnight
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop

LONG = bool(os.environ.get("LOYALTY_LONG"))
GAMES, STEPS, THREADS = (150, 50, 16) if LONG else (6, 30, 16)
CODES = st.sampled_from(sorted(BODIES))
PICK = st.integers(0, 20)


class BenefitMachine(RuleBasedStateMachine):
    """One member, one car; the service is asked now and then, the model every half day."""

    shop: Shop
    number = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        self.model = Model(midnight(BEGIN + 5 * DAY) + timedelta(hours=1))
        self.model.words[BEGIN - 40 * DAY] = "gold"
        self.usages: list[uuid.UUID] = []
        with self.work() as uow:
            name = f"B-{uuid.uuid4().hex}"
            person = Enrolment("crm", name, "张三", f"137{self.number:08}", date(2024, 2, 29))
            self.member = enroll(uow, person)
            self.tell_tier(uow, "gold", BEGIN - 40 * DAY)
            add_ownership(uow, self.member, self.car())
        self.model.look()

    def work(self) -> AbstractContextManager[UnitOfWork]:
        return unit_of_work(
            self.shop.service,
            self.shop.dealer_id,
            role=Role.SYSTEM,
            client="test",
            now=self.model.now,
        )

    def car(self, until: date | None = None) -> OwnedVehicle:
        return OwnedVehicle(
            vin=story.golf(self.shop, self.number)["vin"],
            plate=None,
            model="高尔夫",
            colour="红色",
            transmission="manual",
            use_nature="非营运",
            owned_from=BEGIN,
            owned_until=until,
        )

    def tell_tier(self, uow: UnitOfWork, tier: str | None, since: date) -> None:
        assign_tier(uow, self.member, tier=tier, since_on=since, reason="评定")

    def attempt(self, act: Callable[[UnitOfWork], Any]) -> str | None:
        try:
            with self.work() as uow:
                act(uow)
        except DomainError as error:
            return error.code
        return None

    @rule(half_days=st.sampled_from([1, 1, 2, 3, 14, 30, 62, 130]))
    def time_passes(self, half_days: int) -> None:
        self.model.pass_time(half_days)

    @rule(code=CODES, half_days=st.none() | st.integers(0, 8))
    def reserve(self, code: str, half_days: int | None) -> None:
        hours = None if half_days is None else timedelta(hours=12 * half_days)
        at: datetime | None = None if hours is None else self.model.now + hours
        kept: list[uuid.UUID] = []
        wish = Wish(code, appointment_at=at, choice="tea" if code == "gift" else None)
        said = self.attempt(lambda uow: kept.append(reserve(uow, self.member, wish)))
        assert said == self.model.reserve(code, at)
        self.usages += kept

    @rule(pick=PICK, how=st.sampled_from(["use", "use", "release", "no_show", "reverse"]))
    def end(self, pick: int, how: str) -> None:
        if not self.usages:
            return
        place = pick % len(self.usages)
        key, booking = self.usages[place], self.model.bookings[place]
        verbs: dict[str, Callable[[UnitOfWork], None]] = {
            "use": lambda uow: use_reserved(uow, self.member, key),
            "release": lambda uow: release(uow, self.member, key),
            "no_show": lambda uow: no_show(uow, self.member, key),
            "reverse": lambda uow: reverse(uow, self.member, key, reason="有误"),
        }
        assert self.attempt(verbs[how]) == getattr(self.model, how)(booking)
        self.model.look()

    @rule(tier=st.sampled_from(["gold", "silver", "base"]))
    def tier_changes(self, tier: str) -> None:
        with self.work() as uow:
            self.tell_tier(uow, tier, self.model.today)
        self.model.words[self.model.today] = tier
        self.model.look()

    @rule()
    def birthday(self) -> None:
        """Told twice on one day, it brings one gift."""
        day = self.model.today
        with self.work() as uow:
            see_facts(uow, [SeenFact(new_id(), self.member, FactKind.BIRTHDAY, day, 0)])
        self.model.events.add(day)
        self.model.look()

    @rule(units=st.integers(1, 3), days=st.integers(1, 12))
    def units_by_hand(self, units: int, days: int) -> None:
        """Not two lots that are alike: which of them is used first is told by their ids alone."""
        until = self.model.today + days * DAY
        alike = [
            lot for lot in self.model.lots if (lot.since, lot.end) == (self.model.today, until)
        ]
        if alike:
            return
        with self.work() as uow:
            grant_by_hand(
                uow,
                self.member,
                benefit="wash",
                vehicle_id=None,
                units=units,
                valid_until=until,
                reason="补偿",
            )
        self.model.give("wash", units, until)

    @rule(days=st.integers(-2, 1))
    def car_is_sold(self, days: int) -> None:
        if self.model.car_until is None:
            self.model.car_until = self.model.today + days * DAY
            with self.work() as uow:
                add_ownership(uow, self.member, self.car(self.model.car_until))
            self.model.look()

    @rule()
    def night(self) -> None:
        """The first may write, the second finds everything done."""
        failures: list[Failure] = []
        done = [
            settle_all(self.work, failures, as_of=self.model.now, page=1).moves for _ in range(2)
        ]
        assert (done[1], failures) == (0, [])

    @invariant()
    def what_is_left_is_what_the_model_has_left(self) -> None:
        with self.work() as uow:
            found = sorted(
                (each.benefit_code, str(each.valid_until), each.left, each.used, each.reserved)
                for each in benefits_left(uow, self.member)
            )
            states = {
                each.id: each.state for each in list_usages(uow, self.member, before=None, limit=99)
            }
        lots = [lot for lot in self.model.lots if lot.open and lot.granted != 0]
        assert found == sorted(
            (lot.code, str(lot.end), lot.left, lot.used, lot.reserved) for lot in lots
        )
        said = [booking.state for booking in self.model.bookings]
        assert [states[key] for key in self.usages] == said
        assert all(lot.granted is None or lot.left == 0 or lot.open for lot in self.model.lots)


def test_any_run_leaves_what_the_model_leaves(shop: Shop) -> None:
    with entered(shop) as uow:
        for code, body in BODIES.items():
            uow.session.add(in_force(uow, code, body))
    run_state_machine_as_test(
        type("Played", (BenefitMachine,), {"shop": shop}),
        settings=settings(
            max_examples=GAMES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        assert [found for found in prove(session) if found.count] == []
        moved = session.scalar(text("SELECT count(DISTINCT kind) FROM benefit_entry"))
        assert moved is not None
        assert moved >= 6


def in_force(uow: UnitOfWork, code: str, body: dict[str, Any]) -> BenefitVersion:
    return BenefitVersion(
        dealer_id=uow.dealer_id, code=code, version=1, id=uuid.uuid4(), state="published",
        body=body, effective_from=BEGIN, effective_until=None, author_id=uuid.uuid4(),
        created_at=uow.now, publisher_id=uuid.uuid4(), published_at=uow.now,
    )  # fmt: skip


def test_of_16_simultaneous_wishes_for_the_last_unit_exactly_one_is_met(
    shop: Shop, clock: TestClock
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", benefits.WASH | {"quota": {"gold": 1}})
    for number in range(3):
        member = benefits.golden(shop, phone=f"1370000{number:04}")

        def wish(_: int, member: uuid.UUID = member) -> int:
            answer = benefits.ask(shop, member, "wash")
            return int(answer.status_code)

        assert at_once(THREADS, wish) == {201: 1, 409: THREADS - 1}
        assert benefits.counts(shop, member) == {"wash": [0]}


def test_one_reservation_is_used_once_by_16_desks(shop: Shop, clock: TestClock) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", benefits.WASH)
    member = benefits.golden(shop)
    usage = benefits.reserved(shop, member, "wash")
    used = at_once(THREADS, lambda _: benefits.end(shop, usage, "uses").status_code)
    assert used == {201: 1, 409: THREADS - 1}
    [lot] = benefits.left(shop, member)
    assert (lot["used"], lot["reserved"], lot["left"]) == (1, 0, 11)
