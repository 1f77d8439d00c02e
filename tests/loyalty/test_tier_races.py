"""Two at once about one member's tier: what was decided last counts, and nothing is overlooked."""

import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from api.commands.work import unit_of_work
from kernel.database import owner_session
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points.proof import prove
from loyalty.points.proof.tiers import TIERS
from loyalty.tiers.assign import assign_tier
from loyalty.tiers.facts import ToldFact, tell_fact
from loyalty.tiers.queries import tier_on
from loyalty.tiers.rules.score import FactKind
from tests.faults.rig import entered
from tests.support import story
from tests.support.benefits import go_to
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop
from tests.support.tiers import LEVELS, night, publish_scheme, standing, tell, words

VISITS = {
    "code": "visits", "group": "loyalty", "measure": "count", "kinds": ["visit"],
    "window_days": 100, "weight": 100,
}  # fmt: skip
BLOCKED_SECONDS = 0.5


@pytest.fixture
def member(shop: Shop, clock: TestClock) -> uuid.UUID:
    """A member whom one visit makes silver and two make gold."""
    go_to(shop, clock, "2027-03-01")
    return climber(shop, {"at_least": 1, "points": 50}, {"at_least": 2, "points": 100})


def climber(shop: Shop, *bands: dict[str, int]) -> uuid.UUID:
    """A member at the foot of a ladder that his visits lift him up."""
    ladder = {"levels": LEVELS, "grace_days": 30, "step": "one"}
    publish_scheme(shop, {"components": [VISITS | {"bands": list(bands)}], "ladder": ladder})
    found = story.member(shop)
    night(shop)
    return found


def visit(uow: UnitOfWork, member: uuid.UUID) -> None:
    key = uuid.uuid4().hex
    tell_fact(uow, ToldFact("crm", key, member, FactKind.VISIT, uow.today))


def silver_by_hand(uow: UnitOfWork, member: uuid.UUID) -> None:
    assign_tier(uow, member, tier="silver", since_on=uow.today, reason="x")


def gold_by_hand(uow: UnitOfWork, member: uuid.UUID) -> None:
    assign_tier(uow, member, tier="gold", since_on=uow.today, reason="x")


def working_at(shop: Shop, now: datetime) -> AbstractContextManager[UnitOfWork]:
    """A transaction of a process whose clock says so."""
    return unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test", now=now)


@pytest.mark.parametrize("acts", [(visit, visit), (silver_by_hand, gold_by_hand)])
def test_what_is_decided_last_counts_whatever_the_clock_of_its_process_says(
    shop: Shop, member: uuid.UUID, acts: tuple[Callable[[UnitOfWork, uuid.UUID], None], ...]
) -> None:
    """The second process began earlier, or its clock is behind, and was overtaken."""
    first, second = acts
    now = shop.service.clock()
    with working_at(shop, now) as uow:
        first(uow, member)
    with working_at(shop, now - timedelta(seconds=5)) as uow:
        second(uow, member)
        assert tier_on(uow, member, uow.today) == "gold"
    assert standing(shop, member)["tier"] == "gold"
    assert [each["tier"] for each in words(shop, member)] == ["gold", "silver", "base"]
    with owner_session(shop.service.settings.database_url) as session:
        assert [finding.count for finding in prove(session, TIERS)] == [0]


def test_of_two_facts_at_once_the_second_is_looked_at_with_the_first(shop: Shop) -> None:
    """Neither alone changes anything, so that neither would wait for the other to write a move."""
    member = climber(shop, {"at_least": 2, "points": 100})
    with entered(shop) as uow:
        visit(uow, member)
        other = threading.Thread(target=lambda: tell(shop, member, "visit"))
        other.start()
        other.join(BLOCKED_SECONDS)
    other.join()
    assert standing(shop, member)["earned_tier"] == "gold"


def test_facts_told_by_many_at_once_leave_the_tier_of_all_of_them(
    shop: Shop, member: uuid.UUID
) -> None:
    assert at_once(4, lambda _: tell(shop, member, "visit").status_code) == {201: 4}
    now = standing(shop, member)
    assert (now["tier"], now["score"]) == ("gold", 10_000)
    assert night(shop) == 0
