"""The tables of benefits hold by themselves: a writer without a lock or a rule stops at them."""

import uuid
from datetime import date
from typing import Any

import pytest
from psycopg.errors import DiskFull
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from api.commands.work import unit_of_work
from kernel.database import owner_session
from kernel.errors import Conflict, DomainError
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits import nightly
from loyalty.benefits.reserve import Wish, reserve
from loyalty.benefits.rules.books import Books
from loyalty.benefits.save import save
from loyalty.counter.partner import at_issuer
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from loyalty.points.nightly import Failure
from loyalty.points.proof import prove
from tests.faults.rig import entered
from tests.support import benefits, story
from tests.support.benefits import WASH
from tests.support.clock import TestClock
from tests.support.race import at_once
from tests.support.shop import Shop, hire

THREADS = 16
GRANT = (
    "INSERT INTO benefit_grant SELECT member_id, gen_random_uuid(), dealer_id, benefit_code,"
    " benefit_version, vehicle_id, {0}, carried_from, period_from, period_until, valid_until,"
    " granted, 0, 0, 0, true FROM benefit_grant"
)
ENTRY = (
    "INSERT INTO benefit_entry SELECT member_id, gen_random_uuid(), dealer_id, grant_id, usage_id,"
    " {0}, 'x', 'x', 'x', now() FROM benefit_entry WHERE kind = 'reserve'"
)


@pytest.mark.parametrize(
    ("statement", "fence"),
    [
        ("UPDATE benefit_grant SET reserved = 13", "ck_benefit_grant_units"),
        ("UPDATE benefit_grant SET used = 12", "ck_benefit_grant_units"),
        ("UPDATE benefit_grant SET reserved = reserved - 2", "benefit_grant_reserved_check"),
        ("UPDATE benefit_grant SET open = false", "ck_benefit_grant_closed"),
        (GRANT.format("origin"), "uq_benefit_grant_period"),
        (GRANT.format("'carried'"), "ck_benefit_grant_carried"),
        (ENTRY.format("kind, 0, 1, 0, 0"), "uq_benefit_entry_step"),
        (ENTRY.format("'use', 0, 0, 1, 0"), "ck_benefit_entry_moves"),
        (ENTRY.format("'lapse', 0, 0, 0, 1"), "ck_benefit_entry_usage"),
        ("UPDATE benefit_usage SET state = 'used'", "ck_benefit_usage_used"),
        ("UPDATE benefit_usage SET state = 'released'", "ck_benefit_usage_ended"),
        (
            "UPDATE benefit_usage SET state = 'used', used_at = now(), used_by = 'x',"
            " honoured_by = dealer_id, partner_fen = 1",
            "ck_benefit_usage_partner",
        ),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_the_table(
    shop: Shop, clock: TestClock, statement: str, fence: str
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    benefits.reserved(shop, benefits.golden(shop), "wash")
    with pytest.raises(IntegrityError, match=fence), entered(shop) as uow:
        uow.session.execute(text(statement))


STEP = "from step to step"


@pytest.mark.parametrize(
    ("statement", "fence"),
    [
        (
            "UPDATE benefit_usage SET state = 'reserved', used_at = NULL, used_by = NULL,"
            " honoured_by = NULL WHERE state = 'used'",
            STEP,
        ),
        (
            "UPDATE benefit_usage SET state = 'released', used_at = NULL, used_by = NULL,"
            " honoured_by = NULL, ended_at = now(), ended_by = 'x', end_reason = 'x'"
            " WHERE state = 'used'",
            STEP,
        ),
        ("UPDATE benefit_usage SET partner_fen = 9 WHERE state = 'used'", STEP),
        (
            "UPDATE benefit_usage SET state = 'reversed', ended_at = now(), ended_by = 'x',"
            " end_reason = 'x', honoured_by = gen_random_uuid() WHERE state = 'used'",
            STEP,
        ),
        (
            "UPDATE benefit_usage SET state = 'used', used_at = now(), used_by = 'x',"
            " honoured_by = gen_random_uuid() WHERE state = 'reserved'",
            "only a partner",
        ),
        (
            "INSERT INTO benefit_usage SELECT (jsonb_populate_record(used, jsonb_build_object("
            "'id', gen_random_uuid()))).* FROM benefit_usage used WHERE state = 'used'",
            "begins as a reservation",
        ),
    ],
)
def test_a_use_goes_from_step_to_step_whoever_writes_it(
    shop: Shop, clock: TestClock, statement: str, fence: str
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    member = benefits.golden(shop)
    benefits.used(shop, member, "wash")
    benefits.reserved(shop, member, "wash")
    with pytest.raises(IntegrityError, match=fence), entered(shop) as uow:
        uow.session.execute(text(statement))


@pytest.mark.parametrize(
    "column",
    ["place", "choice", "cost_fen", "supplier", "ends_at", "appointment_at", "reserved_by"],
)
def test_what_was_reserved_is_not_written_anew_even_by_the_owner_of_the_tables(
    shop: Shop, clock: TestClock, column: str
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    benefits.reserved(shop, benefits.golden(shop), "wash")
    new = {"cost_fen": "9", "ends_at": "now()", "appointment_at": "now()"}.get(column, "'x'")
    used = "state = 'used', used_at = now(), used_by = 'x', honoured_by = dealer_id"
    with (
        pytest.raises(IntegrityError, match=STEP),
        owner_session(shop.service.settings.database_url) as session,
    ):
        session.execute(text(f"UPDATE benefit_usage SET {used}, {column} = {new}"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE benefit_grant SET granted = granted + 100",
        "UPDATE benefit_grant SET used = used - 1",
        "INSERT INTO benefit_entry SELECT member_id, gen_random_uuid(), dealer_id, grant_id, NULL,"
        " 'adjust', 5, 0, 0, 0, 'x', 'x', 'x', now() FROM benefit_entry WHERE kind = 'grant'",
        GRANT.format("'manual'"),
    ],
)
def test_a_lot_is_the_sum_of_its_entries_when_the_transaction_ends(
    shop: Shop, other_shop: Shop, clock: TestClock, statement: str
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    benefits.befriend(shop, other_shop.dealer_id)
    benefits.used(shop, benefits.golden(shop), "wash")
    with pytest.raises(IntegrityError, match="sum of its entries"), entered(shop) as uow:
        uow.session.execute(text(statement))
    with (
        pytest.raises(IntegrityError, match="sum of its entries"),
        entered(other_shop) as uow,
        at_issuer(uow, shop.dealer_id) as there,
    ):
        there.session.execute(text(statement))


def test_without_the_lock_no_unit_is_given_twice(
    shop: Shop, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH | {"quota": {"gold": 2}})
    member = benefits.golden(shop)
    benefits.used(shop, member, "wash")
    monkeypatch.setattr(ledger, "lock", lambda uow, members: None)

    def wish(_: int) -> int:
        try:
            with entered(shop) as uow:
                reserve(uow, member, Wish("wash"))
        except (DomainError, IntegrityError):
            return 0
        return 1

    assert at_once(THREADS, wish) == {1: 1, 0: THREADS - 1}
    [lot] = benefits.left(shop, member)
    assert (lot["used"], lot["reserved"], lot["left"]) == (1, 1, 0)
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        assert [found for found in prove(session) if found.count] == []


def test_what_fails_for_one_member_stops_nobody_elses_night(
    shop: Shop, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    members = [benefits.golden(shop, phone=f"1370000{number:04}") for number in range(5)]
    for member in members:
        benefits.used(shop, member, "wash")
    benefits.go_to(shop, clock, "2028-01-01", 0)

    def fail(uow: UnitOfWork, every: list[Books]) -> None:
        if any(books.member_id == members[2] for books in every):
            raise Conflict("reservation_ended")
        save(uow, every)

    monkeypatch.setattr("loyalty.benefits.nightly.save", fail)
    failures: list[Failure] = []
    done = nightly.settle_all(lambda: entered(shop), failures, as_of=shop.service.clock(), page=4)
    assert (done.members, [each.member_id for each in failures]) == (4, [members[2]])
    monkeypatch.undo()
    assert benefits.night(shop).members == 1


def test_what_is_wrong_with_the_database_is_no_matter_of_members(
    shop: Shop, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    benefits.used(shop, benefits.golden(shop), "wash")
    benefits.go_to(shop, clock, "2028-01-01", 0)

    def fail(uow: UnitOfWork, every: list[Books]) -> None:
        raise OperationalError("UPDATE", {}, DiskFull("no room"))

    monkeypatch.setattr("loyalty.benefits.nightly.save", fail)
    failures: list[Failure] = []
    with pytest.raises(OperationalError):
        nightly.settle_all(lambda: entered(shop), failures, as_of=shop.service.clock())
    assert failures == []


def test_a_page_of_the_night_reads_on_from_the_one_before_and_no_further(
    shop: Shop, clock: TestClock
) -> None:
    """On 1 January everybody is due: who reads all of them for each page reads them by the square
    of their number."""
    asked = {
        "dealer": shop.dealer_id,
        "day": date(2028, 1, 1),
        "as_of": shop.service.clock(),
        "after": uuid.UUID(int=0),
        "most": 500,
    }
    with entered(shop) as uow:
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            uow.session.execute(text(f"SET LOCAL {setting} = off"))
        plan = uow.session.scalars(text(f"EXPLAIN {nightly.DUE.text}"), asked).all()
    found = [line.strip() for line in plan]
    for index in ("ix_benefit_grant_due", "ix_benefit_grant_vehicle", "ix_benefit_usage_due"):
        [place] = [number for number, line in enumerate(found) if index in line]
        assert "Index Cond" in found[place + 1]
        assert "member_id >" in found[place + 1]
    assert sum("Limit" in line for line in found) == 4


def test_a_night_for_an_instant_that_has_passed_leaves_later_ends_alone(
    shop: Shop, clock: TestClock
) -> None:
    benefits.go_to(shop, clock, "2027-12-31", 23)
    benefits.benefit(shop, "wash", WASH)
    member = benefits.golden(shop)
    benefits.used(shop, member, "wash")
    before = shop.service.clock()
    benefits.go_to(shop, clock, "2028-01-01", 3)
    failures: list[Failure] = []
    assert nightly.settle_all(lambda: entered(shop), failures, as_of=before).members == 0
    assert benefits.night(shop).members == 1


def test_nobody_of_the_staff_uses_his_own_benefits(shop: Shop, clock: TestClock) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    phone = "13700005555"
    member = benefits.golden(shop, phone=phone)
    shop.people["service_desk"] = hire(shop, "service_desk", phone=phone)
    usage = benefits.reserved(shop, member, "wash")
    refused = benefits.end(shop, usage, "uses")
    assert (refused.status_code, refused.json and refused.json["code"]) == (403, "own_account")


def test_what_time_ended_is_nobodys_act(shop: Shop, clock: TestClock) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    benefits.benefit(shop, "wash", WASH)
    member = benefits.golden(shop)
    benefits.reserved(shop, member, "wash")
    clock.add(minutes=31)
    benefits.reserved(shop, member, "wash")
    rows = "SELECT kind, actor_role, reason FROM benefit_entry ORDER BY at, id"
    with entered(shop) as uow:
        said: list[Any] = [tuple(row) for row in uow.session.execute(text(rows))]
        told = uow.session.scalars(
            text("SELECT kind FROM outbox_event WHERE kind LIKE 'benefit.%' ORDER BY id")
        ).all()
    assert said == [
        ("grant", "system", "tier"),
        ("reserve", "owner", None),
        ("release", "system", "time"),
        ("reserve", "owner", None),
    ]
    assert told[-2:] == ["benefit.released", "benefit.reserved"]


def test_a_right_that_never_was_ends_when_the_earlier_owner_is_told(
    shop: Shop, clock: TestClock
) -> None:
    benefits.go_to(shop, clock, "2027-03-01")
    right = {"bound_to": "vehicle", "first_owner_only": True, "period": "ownership"}
    benefits.benefit(shop, "inspection", WASH | right | {"quota": {"gold": 3}})
    member = story.owner(shop)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.CRM, client="test") as uow:
        uow.session.execute(
            text(
                "INSERT INTO member_tier (member_id, id, dealer_id, kind, tier, since_on, reason,"
                " set_by, set_at) VALUES (:m, :id, :d, 'manual', 'gold', :day, 'x', 'x', now())"
            ),
            {"m": member, "id": uuid.uuid4(), "d": shop.dealer_id, "day": date(2027, 1, 1)},
        )
    benefits.used(shop, member, "inspection")
    earlier = story.member(shop, name="李四", phone="13900139000")
    car = story.SAGITAR | {"owned_from": "2020-01-01", "owned_until": "2024-05-01"}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(earlier), **car}))
    assert benefits.counts(shop, member) == {}
