"""Nobody changes, drops, moves or slips in an audit row unseen: the first bad row is named (P27).

The edits are those of a superuser who has switched every trigger off.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.cli import cli
from api.commands.work import unit_of_work
from kernel.audit import Anchor, AuditEvent, seal_waiting, tip_of, verify_chain
from kernel.database import owner_session
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork, acting_for
from loyalty.dealers.directory import zone_of
from loyalty.dealers.roles import Role
from migrations.run import migrate
from tests.support.race import at_once
from tests.support.shop import Shop

ROWS, EDITS, SEED = 50, 1_000, 20_261_122
COLUMNS = {
    "at": ("at + interval '1 microsecond'", "'infinity'"),
    "actor_id": ("actor_id || ' '", "''"),
    "actor_role": ("'x' || actor_role",),
    "client": ("upper(client) || 'x'",),
    "action": ("'points.earned'",),
    "subject_id": ("gen_random_uuid()",),
    "request_id": ("'0'",),
    "details": ("details || '{\"points\": 1}'", "'[]'", '\'{"nth": "1"}\''),
    "dealer_id": ("gen_random_uuid()",),
    "id": ("gen_random_uuid()",),
}


@dataclass
class Trail:
    """A chain under a superuser's hands; `events` and `hashes` are what it was, from seq 1 on."""

    session: Session
    dealer: UUID
    dice: random.Random
    events: list[UUID]
    hashes: list[bytes]

    def run(self, sql: str, **values: Any) -> None:
        self.session.connection().execute(text(sql), {"dealer": self.dealer, **values})
        self.session.expire_all()

    def seqs(self, count: int, first: int = 1, last: int = ROWS) -> list[int]:
        return sorted(self.dice.sample(range(first, last + 1), count))

    def event(self, seq: int) -> UUID:
        return self.events[seq - 1]

    def found(self) -> tuple[str, int | None, UUID | None] | None:
        """What the proof names; against the old tip when the chain itself is in order."""
        anchor = Anchor(ROWS, self.hashes[-1])
        fault = verify_chain(self.session, self.dealer, anchor).fault
        return (fault.what, fault.seq, fault.event_id) if fault else None


Edit = Callable[[Trail], tuple[str, int | None, UUID | None]]


def change_row(trail: Trail, first: int = 1) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1, first)
    column = trail.dice.choice([name for name in COLUMNS if name != "id"])
    value = trail.dice.choice(COLUMNS[column])
    trail.run(f"UPDATE audit_event SET {column} = {value} WHERE id = :id", id=trail.event(seq))
    return "changed", seq, trail.event(seq)


def rename_row(trail: Trail) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1)
    trail.run("UPDATE audit_event SET id = gen_random_uuid() WHERE id = :id", id=trail.event(seq))
    return "missing", seq, trail.event(seq)


def change_link(trail: Trail) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1)
    column = trail.dice.choice(["hash", "previous_hash"])
    trail.run(f"UPDATE audit_link SET {column} = sha256(hash) WHERE {HERE}", seq=seq)
    return "changed", seq, trail.event(seq)


def change_row_and_its_hash(trail: Trail) -> tuple[str, int, UUID | None]:
    [seq] = trail.seqs(1)
    trail.run("UPDATE audit_event SET actor_id = 'x' WHERE id = :id", id=trail.event(seq))
    trail.run(f"UPDATE audit_link l SET hash = {TRUE_HASH} WHERE {HERE}", seq=seq)
    return ("changed", seq, trail.event(seq)) if seq < ROWS else ("tip", ROWS, None)


def delete_row(trail: Trail) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1)
    trail.run("DELETE FROM audit_event WHERE id = :id", id=trail.event(seq))
    return "missing", seq, trail.event(seq)


def delete_link(trail: Trail) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1)
    trail.run(f"DELETE FROM audit_link WHERE {HERE}", seq=seq)
    return "missing", seq, trail.event(seq)


def delete_both(trail: Trail) -> tuple[str, int, None]:
    seq = delete_row(trail)[1]
    trail.run(f"DELETE FROM audit_link WHERE {HERE}", seq=seq)
    return "missing", seq, None


def delete_both_and_close_up(trail: Trail) -> tuple[str, int, None]:
    [seq] = trail.seqs(1, last=ROWS - 1)
    trail.run("DELETE FROM audit_event WHERE id = :id", id=trail.event(seq))
    trail.run(f"DELETE FROM audit_link WHERE {HERE}", seq=seq)
    move_from(trail, seq + 1, -1)
    trail.run("UPDATE audit_tip SET seq = seq - 1 WHERE dealer_id = :dealer")
    return "missing", seq, None


def swap_seqs(trail: Trail) -> tuple[str, int, UUID]:
    one, other = trail.seqs(2)
    trail.run(f"UPDATE audit_link SET seq = 1000 WHERE {HERE}", seq=one)
    trail.run(f"UPDATE audit_link SET seq = {one} WHERE {HERE}", seq=other)
    trail.run(f"UPDATE audit_link SET seq = {other} WHERE {HERE}", seq=1000)
    return "reordered", one, trail.event(other)


def swap_rows(trail: Trail) -> tuple[str, int, UUID]:
    one, other = trail.seqs(2)
    for seq, event in ((one, new_id()), (other, trail.event(one)), (one, trail.event(other))):
        trail.run(f"UPDATE audit_link SET event_id = :event WHERE {HERE}", seq=seq, event=event)
    return "reordered", one, trail.event(other)


def move_to_the_end(trail: Trail) -> tuple[str, int, UUID]:
    [seq] = trail.seqs(1, last=ROWS - 1)
    trail.run(f"UPDATE audit_link SET seq = {ROWS + 1} WHERE {HERE}", seq=seq)
    return "reordered", seq, trail.event(seq)


def slip_in_row(trail: Trail) -> tuple[str, None, UUID]:
    return "unlinked", None, forge(trail)


def slip_in_link(trail: Trail) -> tuple[str, int, UUID]:
    """A row with a link between two others, with the right hash or with any."""
    [seq] = trail.seqs(1, first=2)
    forged = forge(trail)
    move_from(trail, seq, 1)
    trail.run(
        "INSERT INTO audit_link VALUES (:dealer, :seq, :event, :before, sha256('x'))",
        seq=seq,
        event=forged,
        before=trail.hashes[seq - 2],
    )
    if trail.dice.random() < 0.5:
        trail.run(f"UPDATE audit_link l SET hash = {TRUE_HASH} WHERE {HERE}", seq=seq)
    trail.run("UPDATE audit_tip SET seq = seq + 1 WHERE dealer_id = :dealer")
    return "inserted", seq, forged


def cut_tail(trail: Trail) -> tuple[str, int, UUID | None]:
    [seq] = trail.seqs(1)
    trail.run("DELETE FROM audit_link WHERE dealer_id = :dealer AND seq >= :seq", seq=seq)
    return "missing", seq, trail.event(seq) if seq == ROWS else None


def cut_links_and_rewind(trail: Trail) -> tuple[str, None, UUID]:
    seq = cut_tail(trail)[1]
    rewind(trail, seq - 1)
    return "unlinked", None, trail.event(seq)


def cut_all_and_rewind(trail: Trail) -> tuple[str, int, None]:
    """Only the anchor knows."""
    seq = cut_tail(trail)[1]
    trail.run("DELETE FROM audit_event WHERE id = ANY (:gone)", gone=trail.events[seq - 1 :])
    rewind(trail, seq - 1)
    return "anchor", ROWS, None


def rewrite_to_the_end(trail: Trail) -> tuple[str, int, UUID]:
    """Only the anchor knows."""
    seq = change_row(trail, first=ROWS - 10)[1]
    for each in range(seq, ROWS + 1):
        trail.run(
            "UPDATE audit_link l SET previous_hash = coalesce((SELECT hash FROM audit_link"
            f" WHERE dealer_id = :dealer AND seq = :seq - 1), audit_start()) WHERE {HERE}",
            seq=each,
        )
        trail.run(f"UPDATE audit_link l SET hash = {TRUE_HASH} WHERE {HERE}", seq=each)
    trail.run(
        "UPDATE audit_tip t SET hash = l.hash FROM audit_link l WHERE t.dealer_id = :dealer"
        f" AND l.dealer_id = :dealer AND l.seq = {ROWS}"
    )
    return "anchor", ROWS, trail.event(ROWS)


def change_tip(trail: Trail) -> tuple[str, int, None]:
    seq = trail.dice.randrange(ROWS)
    if trail.dice.random() < 0.5:
        rewind(trail, seq)
        return "tip", seq, None
    trail.run("UPDATE audit_tip SET hash = sha256(hash) WHERE dealer_id = :dealer")
    return "tip", ROWS, None


def delete_tip(trail: Trail) -> tuple[str, None, None]:
    trail.run("DELETE FROM audit_tip WHERE dealer_id = :dealer")
    return "tip", None, None


def delete_waiting(trail: Trail) -> tuple[str, None, UUID]:
    """A row that had no link yet."""
    event = new_id()
    trail.run("INSERT INTO audit_pending VALUES (:dealer, :event, false)", event=event)
    return "missing", None, event


HERE = "dealer_id = :dealer AND seq = :seq"
TRUE_HASH = (
    "(SELECT audit_hash(l.previous_hash, l.seq, e) FROM audit_event e WHERE e.id = l.event_id)"
)
EDITS_OF_A_SUPERUSER: tuple[Edit, ...] = (
    *(change_row, change_row, change_row, rename_row, change_link, change_row_and_its_hash),
    *(delete_row, delete_link, delete_both, delete_both_and_close_up),
    *(swap_seqs, swap_rows, move_to_the_end, slip_in_row, slip_in_link),
    *(cut_tail, cut_links_and_rewind, cut_all_and_rewind, rewrite_to_the_end),
    *(change_tip, delete_tip, delete_waiting),
)


def move_from(trail: Trail, first: int, by: int) -> None:
    for signed, to in ((f"seq >= {first}", "seq + 1000"), ("seq > 1000", f"seq - 1000 + {by}")):
        trail.run(f"UPDATE audit_link SET seq = {to} WHERE dealer_id = :dealer AND {signed}")


def rewind(trail: Trail, seq: int) -> None:
    before = trail.hashes[seq - 1] if seq else bytes(32)
    trail.run(
        "UPDATE audit_tip SET seq = :seq, hash = :before WHERE dealer_id = :dealer",
        seq=seq,
        before=before,
    )


def forge(trail: Trail) -> UUID:
    forged, like = new_id(), trail.dice.choice(trail.events)
    trail.run(
        "INSERT INTO audit_event SELECT :id, dealer_id, at, actor_id, actor_role, client, action,"
        " subject_id, request_id, details FROM audit_event WHERE id = :like",
        id=forged,
        like=like,
    )
    return forged


def act(shop: Shop, nth: int, *, role: Role = Role.FINANCE, action: str = "test.acted") -> None:
    with unit_of_work(shop.service, shop.dealer_id, role=role, client="test") as uow:
        uow.audit(action, shop.dealer_id, nth=nth)


def sound(shop: Shop) -> tuple[int, int]:
    """How many rows are chained and wait, once the whole chain has been proven."""
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        chain = verify_chain(session, shop.dealer_id)
    assert chain.fault is None
    return chain.chained, chain.waiting


@pytest.fixture
def trail(shop: Shop) -> Iterator[Trail]:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.FINANCE, client="test") as uow:
        seal_waiting(uow.session, shop.dealer_id)
        opened = tip_of(uow.session, shop.dealer_id)
        assert opened is not None
        for nth in range(ROWS - opened.seq):
            uow.audit("test.acted", shop.dealer_id, nth=nth, word="东")
    with owner_session(shop.service.settings.database_url) as session:
        links = session.execute(
            text("SELECT event_id, hash FROM audit_link WHERE dealer_id = :dealer ORDER BY seq"),
            {"dealer": shop.dealer_id},
        ).all()
        assert len(links) == ROWS
        session.execute(text("SET LOCAL session_replication_role = replica"))
        yield Trail(
            session,
            shop.dealer_id,
            random.Random(SEED),
            [link.event_id for link in links],
            [link.hash for link in links],
        )
        session.rollback()


# --- P27


def test_a_thousand_edits_of_a_superuser_are_found_and_the_first_bad_row_is_named(
    trail: Trail,
) -> None:
    tried: Counter[str] = Counter()
    for nth in range(EDITS):
        edit = EDITS_OF_A_SUPERUSER[nth % len(EDITS_OF_A_SUPERUSER)]
        with trail.session.begin_nested() as savepoint:
            expected = edit(trail)
            found = trail.found()
            savepoint.rollback()
        assert found == expected, (edit.__name__, nth, SEED)
        tried[edit.__name__] += 1
    assert trail.found() is None
    assert (tried.total(), len(tried)) == (EDITS, len(set(EDITS_OF_A_SUPERUSER)))


@pytest.mark.parametrize("column", sorted(AuditEvent.__table__.columns.keys()))
def test_every_column_of_an_audit_row_is_under_its_hash(trail: Trail, column: str) -> None:
    for value in COLUMNS[column]:
        with trail.session.begin_nested() as savepoint:
            trail.run(
                f"UPDATE audit_event SET {column} = {value} WHERE id = :id", id=trail.event(7)
            )
            what = "missing" if column == "id" else "changed"
            assert trail.found() == (what, 7, trail.event(7))
            savepoint.rollback()


def test_of_two_bad_rows_the_first_is_named(trail: Trail) -> None:
    for seq in (31, 12, 40):
        trail.run("UPDATE audit_event SET client = 'x' WHERE id = :id", id=trail.event(seq))
    assert trail.found() == ("changed", 12, trail.event(12))


def test_what_was_written_before_the_chain_is_chained_in_order_by_the_migration() -> None:
    name = f"loyalty_unchained_{os.getpid()}"
    server = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    engine = create_engine(make_url(os.environ["TEST_DATABASE_URL"]).set(database=name))
    dealers = [new_id(), new_id()]
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        migrate(engine, "0016")
        with engine.begin() as connection:
            for dealer in dealers:
                row = {"id": dealer, "code": dealer.hex}
                connection.execute(text("INSERT INTO dealer VALUES (:id, :code, '店', 'UTC')"), row)
            old = [{"id": new_id(), "dealer": dealers[nth % 2]} for nth in range(30)]
            connection.execute(
                text(
                    "INSERT INTO audit_event"
                    " SELECT :id, :dealer, now(), 'a', 'crm', 'c', 'act', :id, 'q', '{}'"
                ),
                old[::-1],
            )
        migrate(engine, "0017")
        with Session(engine) as session:
            for dealer in dealers:
                chain = verify_chain(session, dealer)
                assert (chain.fault, chain.chained, chain.waiting) == (None, 15, 0)
            links = "SELECT event_id FROM audit_link ORDER BY dealer_id, seq"
            chained = list(session.scalars(text(links)))
        expected = [row["id"] for dealer in dealers for row in old if row["dealer"] == dealer]
        assert chained == expected
    finally:
        engine.dispose()
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


# --- what is chained when


@pytest.mark.parametrize(
    ("role", "action", "chained"),
    [
        (Role.FINANCE, "points.adjusted", True),
        (Role.SERVICE_DESK, "reward.redeemed", False),
        (Role.OWNER, "reward.redeemed", False),
        (Role.OWNER, "points.held", False),
        (Role.CRM, "document.taken", False),
        (Role.SYSTEM, "points.expired", False),
        (Role.SYSTEM, "referral.expired", True),
        (Role.OWNER, "referral.submitted", True),
        (Role.SYSTEM, "draw.committed", True),
        (Role.SYSTEM, "callback.answered", True),
        (Role.SYSTEM, "reward.paid", True),
    ],
)
def test_acts_of_desks_and_of_referrals_are_chained_at_once_and_the_rest_waits(
    shop: Shop, role: Role, action: str, chained: bool
) -> None:
    CliRunner().invoke(cli, ["audit", "seal", "--dealer", str(shop.dealer_id)])
    before, _ = sound(shop)
    act(shop, 1, role=role, action=action)
    assert sound(shop) == ((before + 1, 0) if chained else (before, 1))


def test_an_act_at_a_desk_chains_what_waits_first_in_the_order_it_was_done(shop: Shop) -> None:
    for nth in range(230):
        act(shop, nth, role=Role.OWNER)
    chained, waiting = sound(shop)
    act(shop, 230)
    assert sound(shop) == (chained + 201, waiting - 200)
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        order = session.scalars(
            text(
                "SELECT event_id FROM audit_link WHERE dealer_id = :id AND seq > :seq ORDER BY seq"
            ),
            {"id": shop.dealer_id, "seq": chained},
        ).all()
    assert list(order) == sorted(order)


def test_what_is_rolled_back_leaves_no_link_and_no_waiting_row(shop: Shop) -> None:
    before = sound(shop)
    with unit_of_work(shop.service, shop.dealer_id, role=Role.FINANCE, client="test") as uow:
        savepoint = uow.session.begin_nested()
        uow.audit("test.lost", shop.dealer_id)
        uow.session.flush()
        savepoint.rollback()
    assert sound(shop) == before


# --- many at once


def test_sixteen_desks_at_once_make_one_unbroken_chain(shop: Shop) -> None:
    chained, waiting = sound(shop)

    def work(number: int) -> int:
        for nth in range(10):
            act(shop, nth, role=Role.OWNER if number % 4 == 3 else Role.FINANCE)
        return 1

    assert at_once(16, work) == Counter({1: 16})
    CliRunner().invoke(cli, ["audit", "seal", "--dealer", str(shop.dealer_id)])
    assert sound(shop) == (chained + waiting + 160, 0)


def both(uow: UnitOfWork, other: UUID, *, early: bool) -> None:
    """An act at two dealers; `early` what the tables check at the end is checked within."""
    uow.audit("test.here", uow.dealer_id)
    uow.session.flush()
    with acting_for(uow, other, zone_of) as there:
        there.audit("test.there", other)
        there.session.flush()
        if early:
            there.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            there.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    uow.audit("test.after", uow.dealer_id)


@pytest.mark.parametrize("early", [False, True])
def test_acts_at_two_dealers_in_opposite_order_do_not_wait_for_each_other(
    shop: Shop, other_shop: Shop, early: bool
) -> None:
    def work(number: int) -> int:
        here, there = (shop, other_shop) if number % 2 else (other_shop, shop)
        for _ in range(8):
            with unit_of_work(
                here.service, here.dealer_id, role=Role.SERVICE_DESK, client="test"
            ) as uow:
                both(uow, there.dealer_id, early=early)
        return 1

    assert at_once(8, work) == Counter({1: 8})
    for each in (shop, other_shop):
        chained, waiting = sound(each)
        assert waiting == 0
        assert chained >= 8 * 4 * 3


def test_no_tip_is_taken_before_the_commit(shop: Shop, other_shop: Shop) -> None:
    """Or a desk that acts for a partner would hold up the partner's desks while it works."""
    with unit_of_work(shop.service, shop.dealer_id, role=Role.SERVICE_DESK, client="test") as uow:
        both(uow, other_shop.dealer_id, early=True)
        uow.session.flush()
        act(shop, 1)
        act(other_shop, 2)
    assert (sound(shop)[1], sound(other_shop)[1]) == (0, 0)


# --- who may


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_link SET seq = seq + 1000",
        "DELETE FROM audit_link",
        "INSERT INTO audit_link SELECT dealer_id, 1000, gen_random_uuid(), hash, hash"
        " FROM audit_tip",
        "UPDATE audit_tip SET seq = 0",
        "DELETE FROM audit_tip",
        "INSERT INTO audit_tip VALUES (app_dealer(), 1, sha256(''))",
        "DELETE FROM audit_pending",
        "UPDATE audit_pending SET at_commit = true",
        "INSERT INTO audit_pending VALUES (app_dealer(), gen_random_uuid(), false)",
    ],
)
def test_the_service_itself_cannot_touch_chain_tip_or_queue(shop: Shop, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test") as uow,
    ):
        uow.session.execute(text(statement))


def test_a_dealer_sees_his_own_chain_alone(shop: Shop, other_shop: Shop) -> None:
    act(shop, 1)
    with unit_of_work(
        other_shop.service, other_shop.dealer_id, role=Role.AUDITOR, client="test"
    ) as uow:
        assert tip_of(uow.session, shop.dealer_id) is None
        assert tip_of(uow.session, other_shop.dealer_id) is not None
        assert verify_chain(uow.session, shop.dealer_id).chained == 0


# --- the commands


def run(shop: Shop, *words: str) -> Result:
    return CliRunner().invoke(cli, ["audit", *words, "--dealer", str(shop.dealer_id)])


def damage(shop: Shop, sql: str) -> None:
    with owner_session(shop.service.settings.database_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(sql), {"dealer": shop.dealer_id})


def test_verify_tells_of_each_chain_what_it_proved_and_where_it_ends(shop: Shop) -> None:
    sealed = run(shop, "seal")
    act(shop, 1)
    act(shop, 2, role=Role.OWNER)
    chained, _ = sound(shop)
    end = run(shop, "tip").output.split()[-1]
    done = run(shop, "verify", "--anchor", end)
    assert (sealed.exit_code, done.exit_code) == (0, 0), done.output
    assert f"{chained} rows chained, 1 waiting, tip {end}" in done.output
    assert end.startswith(f"{chained}:")


def test_verify_names_the_first_bad_row_and_fails(shop: Shop) -> None:
    run(shop, "seal")
    damage(shop, "UPDATE audit_event SET actor_id = 'x' WHERE dealer_id = :dealer")
    done = run(shop, "verify")
    assert done.exit_code == 1
    assert "BAD, seq 1, event " in done.output
    assert ": changed, the row or its link says something else" in done.output


def test_a_tail_that_was_cut_with_everything_is_seen_against_the_anchor(shop: Shop) -> None:
    run(shop, "seal")
    end = run(shop, "tip").output.split()[-1]
    for table in ("audit_event", "audit_link"):
        damage(shop, f"DELETE FROM {table} WHERE dealer_id = :dealer")
    damage(shop, "UPDATE audit_tip SET seq = 0, hash = audit_start() WHERE dealer_id = :dealer")
    assert run(shop, "verify").exit_code == 0
    done = run(shop, "verify", "--anchor", end)
    assert (done.exit_code, "the chain does not go through the anchor" in done.output) == (1, True)


def test_a_row_that_waits_for_days_is_a_warning(shop: Shop) -> None:
    with unit_of_work(shop.service, shop.dealer_id, role=Role.CRM, client="test") as uow:
        uow = replace(uow, now=uow.now.replace(year=uow.now.year - 1))
        uow.audit("document.taken", shop.dealer_id)
    done = run(shop, "verify")
    assert (done.exit_code, "WARNING, a row waits since" in done.output) == (0, True)
    run(shop, "seal")
    assert "WARNING" not in run(shop, "verify").output


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--anchor", "5:abc", "--dealer", "x"),
        ("verify", "--anchor", f"5:{'0' * 64}"),
        ("verify", "--dealer", "no-such-dealer"),
    ],
)
def test_an_anchor_or_dealer_that_cannot_be_is_refused(shop: Shop, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["audit", *words])
    assert done.exit_code in (1, 2)
    assert "Error" in done.output
