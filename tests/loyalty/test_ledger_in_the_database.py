"""The server-side functions against the pure rules, and the fences behind them."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from api.commands.work import unit_of_work
from api.service import Service
from kernel.database import Database, owner_session
from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger, queries
from loyalty.points.models import PointLot
from loyalty.points.proof import prove
from loyalty.points.rules import lots as rules
from tests.support import story
from tests.support.shop import Shop


@pytest.fixture
def owners(service: Service) -> Iterator[Session]:
    """A session of the owner of the tables, rolled back in the end."""
    with owner_session(service.settings.database_url) as session:
        yield session
        session.rollback()


class Books:
    """A member whose points are moved directly through the ledger's door."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.member = story.member(shop)

    def work(self, hours: float = 0) -> AbstractContextManager[UnitOfWork]:
        now = self.shop.service.clock() + timedelta(hours=hours)
        return unit_of_work(
            self.shop.service, self.shop.dealer_id, role=Role.SYSTEM, client="test", now=now
        )

    def accrue(self, uow: UnitOfWork, points: int, *, starts: int, ends: int | None) -> None:
        hour = timedelta(hours=1)
        terms = ledger.Terms(
            rule_id="test",
            rule_version=1,
            business_on=uow.today,
            available_at=uow.now + starts * hour,
            expires_at=None if ends is None else uow.now + ends * hour,
            unit_cost_fen=Decimal(1),
        )
        source = ledger.Source("test", uuid.uuid4().hex)
        ledger.accrue(uow, self.member, points, issuer_id=uow.dealer_id, source=source, terms=terms)

    def burn(self, uow: UnitOfWork, points: int) -> ledger.Posted:
        return ledger.burn(uow, self.member, points, source=ledger.Source("test", uuid.uuid4().hex))

    def lots(self, uow: UnitOfWork) -> list[rules.Lot]:
        rows = uow.session.query(PointLot).filter(PointLot.member_id == self.member)
        return [
            rules.Lot(str(row.id), row.remaining, row.available_at, row.expires_at)
            for row in rows.populate_existing()
            if row.remaining and row.available_at
        ]


def _ended(lot: rules.Lot, now: datetime) -> bool:
    """Past its date: a burn writes it off first, and takes nothing of it."""
    return lot.expires_at is not None and lot.expires_at <= now


PLANS = st.lists(
    st.tuples(st.integers(1, 300), st.integers(-2, 1), st.one_of(st.none(), st.integers(2, 4))),
    max_size=6,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=PLANS, points=st.integers(1, 800), later=st.sampled_from([0, 1, 3, 5]))
def test_the_function_in_the_database_takes_the_lots_the_pure_rule_takes(
    shop: Shop, plan: list[tuple[int, int, int | None]], points: int, later: int
) -> None:
    books = Books(shop)
    with books.work() as uow:
        for amount, starts, ends in plan:
            books.accrue(uow, amount, starts=starts, ends=ends)
    with books.work(hours=later) as uow:
        before = books.lots(uow)
        wanted = rules.allocate(before, points, now=uow.now)
        try:
            books.burn(uow, points)
            left = {lot.key: lot.remaining for lot in books.lots(uow)}
            taken = {
                lot.key: lot.remaining - left.get(lot.key, 0)
                for lot in before
                if lot.remaining != left.get(lot.key, 0) and not _ended(lot, uow.now)
            }
            spendable = rules.spendable(before, now=uow.now)
        except Conflict as refused:
            taken, spendable = None, refused.params["spendable"]
        assert (taken, spendable) == (wanted, rules.spendable(before, now=uow.now))


def test_any_run_of_verbs_keeps_the_books_equal_to_a_plain_model(shop: Shop) -> None:
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.books = Books(shop)
            self.model: list[list[int]] = []
            self.hours = 0

        @rule(points=st.integers(1, 500), lasts=st.integers(1, 5))
        def earn(self, points: int, lasts: int) -> None:
            with self.books.work(self.hours) as uow:
                self.books.accrue(uow, points, starts=0, ends=lasts)
            self.model.append([self.hours + lasts, len(self.model), points])

        @rule(points=st.integers(1, 700))
        def spend(self, points: int) -> None:
            alive = sorted(lot for lot in self.model if lot[0] > self.hours)
            enough = sum(lot[2] for lot in alive) >= points
            try:
                with self.books.work(self.hours) as uow:
                    self.books.burn(uow, points)
            except Conflict:
                assert not enough
                return
            assert enough
            for one in alive:
                share = min(one[2], points)
                one[2] -= share
                points -= share

        @rule(hours=st.integers(1, 2))
        def wait(self, hours: int) -> None:
            self.hours += hours

        @invariant()
        def balances_agree(self) -> None:
            with self.books.work(self.hours + 0.5) as uow:
                seen = queries.balance(uow, self.books.member).available
            assert seen == sum(lot[2] for lot in self.model if lot[0] > self.hours)

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=12, stateful_step_count=20, deadline=None)
    )
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        assert [finding for finding in prove(session) if finding.count] == []


def test_an_unbalanced_posting_cannot_be_stored(shop: Shop, owners: Session) -> None:
    member = story.member(shop)
    story.earn(shop, member, 10)
    with pytest.raises(IntegrityError, match="not balanced"):
        owners.execute(
            text(
                "INSERT INTO point_entry SELECT member_id, posting_set_id, 9, dealer_id, side,"
                " account, issuer_id, lot_id, 5 FROM point_entry"
                " WHERE member_id = :member AND line = 1"
            ),
            {"member": member},
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE point_entry SET points = points * 2",
        "DELETE FROM point_entry",
        "UPDATE posting_set SET points = 1",
        "DELETE FROM posting_set",
        "TRUNCATE point_entry",
        "TRUNCATE posting_set CASCADE",
        "TRUNCATE audit_event",
    ],
)
def test_even_the_owner_of_the_tables_cannot_rewrite_the_books(
    shop: Shop, owners: Session, statement: str
) -> None:
    story.earn(shop, story.member(shop), 10)
    with pytest.raises(DBAPIError, match="append-only"):
        owners.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE point_lot SET points = 1000000",
        "UPDATE point_lot SET unit_cost_fen = 9",
        "UPDATE point_hold SET points = 9",
        "DELETE FROM point_hold",
        "DELETE FROM point_lot",
        "DELETE FROM point_account",
        "UPDATE source_document SET points = 9",
        "UPDATE dealer SET name = 'x'",
    ],
)
def test_the_services_own_role_may_not_touch_what_it_never_changes(
    shop: Shop, statement: str
) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = NULL",
        "expires_at = expires_at + interval '1 day'",
        "expires_at = expires_at - interval '1 day'",
        "available_at = available_at + interval '1 day'",
        "activated = false",
    ],
)
def test_what_was_promised_with_a_lot_stands_though_the_service_may_write_its_dates(
    shop: Shop, change: str
) -> None:
    books = Books(shop)
    with books.work() as uow:
        books.accrue(uow, 10, starts=0, ends=48)
    with pytest.raises(IntegrityError, match="the dates of a lot stand"), books.work() as uow:
        uow.session.execute(text(f"UPDATE point_lot SET {change}"))


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_the_functions_run_under_read_committed_whatever_the_server_prefers(
    database: str, isolation: str
) -> None:
    """Their second statement must see what they waited for (ledger.md, hot path)."""
    name = make_url(database).database
    stubborn = Database(database, pool_size=1)
    with owner_session(database) as session:
        session.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'")
        )
    try:
        with stubborn.engine.connect() as connection:
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    finally:
        stubborn.dispose()
        with owner_session(database) as session:
            session.execute(text(f"ALTER DATABASE {name} RESET default_transaction_isolation"))


def test_an_error_of_the_database_does_not_quote_the_values_sent(shop: Shop) -> None:
    with (
        pytest.raises(DBAPIError) as refused,
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(text("SELECT 1 / (length(:phone) - 11)"), {"phone": "13800138000"})
    assert "division by zero" in str(refused.value)
    assert "13800138000" not in str(refused.value)


def test_the_owners_session_waits_as_long_as_a_job_takes_and_may_be_told_not_to_write(
    database: str,
) -> None:
    with owner_session(database, read_only=True) as session:
        assert session.scalar(text("SHOW statement_timeout")) == "0"
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(text("DELETE FROM outbox_event"))
        session.rollback()
