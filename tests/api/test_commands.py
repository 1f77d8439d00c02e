"""The operators' commands against a database of their own, and the proof against planted damage."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from api.app import create_app
from api.cli import cli
from api.commands import dealer
from api.commands.ledger import findings
from api.commands.work import unit_of_work
from api.service import build_service
from kernel.database import owner_session
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.settings import SettingsError, load_settings
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import withdraw_token
from migrations.run import head
from referral import nightly as referral_night
from tests.support import justice, story
from tests.support.clock import TestClock
from tests.support.shop import Shop, open_shop

CALLS = "0 calls ended, 0 second calls, 0 agents replaced"
TEMPLATE = "loyalty_template"
BLIND, PASSWORD = "loyalty_test_blind", "only in tests"


def on_server(*statements: str) -> None:
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def made(name: str, source: str) -> Iterator[str]:
    """A database copied from `source`, dropped in the end."""
    gone = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    on_server(gone, f"CREATE DATABASE {name} TEMPLATE {source}")
    url = make_url(os.environ["TEST_DATABASE_URL"]).set(database=name)
    yield url.render_as_string(hide_password=False)
    on_server(gone)


@pytest.fixture
def empty() -> Iterator[str]:
    yield from made(f"loyalty_empty_{os.getpid()}", "template0")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated database without dealers, the one commands find."""
    for url in made(f"loyalty_commands_{os.getpid()}", TEMPLATE):
        monkeypatch.setenv("DATABASE_URL", url)
        yield url


@pytest.fixture
def store(own: str) -> Iterator[Shop]:
    """A dealer in that database."""
    service = build_service(load_settings())
    yield open_shop(create_app(service), service)
    service.database.dispose()


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def owners(url: str, sql: str, **values: Any) -> Any:
    """The first value of a statement run as the owner of the tables, damage included."""
    with owner_session(url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        done = session.connection().execute(text(sql), values)
        return done.scalar() if done.returns_rows else None


def add(code: str = "east", **options: str) -> Result:
    given = {"admin-no": "S-001", "admin-name": "王店长"} | options
    named = [word for name, value in given.items() for word in (f"--{name}", value)]
    return run("dealer", "add", code, "东方店", *named)


# --- ledger verify


def test_verify_says_what_it_looked_at_and_that_it_holds(store: Shop, own: str) -> None:
    story.earn(store, story.member(store), 10)
    story.submitted(store)
    done = run("ledger", "verify")
    assert done.exit_code == 0
    assert "looked at 1 posting sets, 2 entries, 1 referrals" in done.output
    assert ", 0 broken" in done.output


def test_verify_fails_and_names_one_row_of_what_is_broken(store: Shop, own: str) -> None:
    member = story.member(store)
    story.earn(store, member, 10)
    owners(own, "UPDATE point_account SET available = 11")
    done = run("ledger", "verify")
    assert done.exit_code == 1
    assert f"one of them: {member}" in done.output
    assert "I2  the stored balance is the sum of the entries: BROKEN by 1 rows" in done.output
    assert ", 2 broken" in done.output


@pytest.fixture
def blind(own: str) -> Iterator[str]:
    """A login that may read the tables, but sees no dealer's rows."""
    role = f"{BLIND}_{os.getpid()}"
    on_server(f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    on_server(f"GRANT loyalty_app TO {role}")
    url = make_url(own).set(username=role, password=PASSWORD)
    yield url.render_as_string(hide_password=False)
    on_server(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "verify"),
        ("nightly",),
        ("dealer", "add", "west", "西方店", "--admin-no", "1", "--admin-name", "王"),
        ("token", "--dealer", "east", "--role", "crm"),
    ],
)
def test_a_login_that_sees_no_rows_proves_nothing_and_is_refused(
    own: str, blind: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    assert add().exit_code == 0
    monkeypatch.setenv("DATABASE_URL", blind)
    done = run(*words)
    assert done.exit_code == 1
    assert "does not see every dealer's rows" in f"{done.exception} {done.output}"
    assert "holds" not in done.output


def test_a_database_without_the_tables_is_refused(empty: str) -> None:
    with (
        pytest.raises(SettingsError, match="loyalty migrate"),
        owner_session(empty, read_only=True),
    ):
        pass


# --- nightly


def claim_keys(shop: Shop, count: int, *, age: timedelta) -> None:
    owners(
        shop.service.settings.database_url,
        "INSERT INTO idempotency_claim SELECT :dealer, 'c', n::text, '', :at"
        " FROM generate_series(1, :count) n",
        dealer=shop.dealer_id,
        at=datetime.now(UTC) - age,
        count=count,
    )


def test_the_night_counts_every_page_and_the_second_one_finds_nothing(
    store: Shop, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = iter([200, 3, 0, 0])
    monkeypatch.setattr(referral_night, "expire_due", lambda uow: next(pages))
    claim_keys(store, 5, age=timedelta(days=8))
    done = run("nightly")
    assert done.exit_code == 0, done.output
    assert f"{store.dealer_id}: 203 referrals expired, {CALLS}, 5 keys forgotten" in done.output
    again = run("nightly").output
    assert f"{store.dealer_id}: 0 referrals expired, {CALLS}, 0 keys forgotten" in again


def test_a_referral_whose_time_is_up_expires_in_the_night(store: Shop, own: str) -> None:
    story.owner(store)
    referral = story.confirmed(store, story.submitted(store))
    owners(own, "UPDATE referral SET due_at = now() - interval '1 minute'")
    assert "1 referrals expired" in run("nightly").output
    assert story.read(store, referral["id"])["state"] == "expired"


def test_tokens_that_ended_over_a_day_ago_leave_the_list_and_no_others(
    store: Shop, own: str
) -> None:
    present = datetime.now(UTC)
    with unit_of_work(store.service, store.dealer_id, role=Role.SYSTEM, client="test") as uow:
        for name in ("alive", "ended", "old"):
            withdraw_token(uow, name, until=present - timedelta(days=9))
    for name, hours in (("old", 25), ("ended", 1)):
        past = f"now() - interval '{hours} hours'"
        owners(own, f"UPDATE withdrawn_token SET until = {past} WHERE token_id = '{name}'")
    assert "1 ended tokens forgotten" in run("nightly").output
    left = owners(own, "SELECT string_agg(token_id, ',' ORDER BY until) FROM withdrawn_token")
    assert left == "ended,alive"


def test_one_dealers_bad_night_does_not_spoil_anothers_but_is_reported(
    store: Shop, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_shop(store.app, store.service)

    def expire(uow: Any) -> int:
        if uow.dealer_id == store.dealer_id:
            raise Conflict("version_changed")
        return 0

    monkeypatch.setattr(referral_night, "expire_due", expire)
    claim_keys(other, 2, age=timedelta(days=8))
    done = run("nightly")
    assert done.exit_code == 1
    assert f"{store.dealer_id}: FAILED, Conflict: version_changed" in done.stderr
    assert f"{other.dealer_id}: 0 referrals expired, {CALLS}, 2 keys forgotten" in done.output
    assert "2 dealers, 1 failed" in done.output


def test_no_night_is_worked_before_it_comes(own: str) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    refused = run("nightly", "--as-of", tomorrow)
    assert (refused.exit_code, "lies in the future" in refused.output) == (2, True)
    assert run("nightly", "--as-of", "2026-01-01").exit_code == 0


# --- dealer add


def test_a_dealer_is_opened_with_its_administrator_who_can_sign_in(own: str) -> None:
    done = add()
    assert done.exit_code == 0
    dealer_id, person = done.output.split()[1].rstrip(","), done.output.split()[3]
    service = build_service(load_settings())
    shop = Shop(create_app(service), service, uuid.UUID(dealer_id))
    shop.people["dealer_admin"] = uuid.UUID(person)
    staff = story.ok(shop.get("dealer_admin", "/v1/staff"), 200)["items"]
    service.database.dispose()
    assert [(each["id"], each["name"]) for each in staff] == [(person, "王店长")]


def test_a_dealer_without_an_administrator_is_not_opened(
    own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> uuid.UUID:
        raise Conflict("staff_no_taken")

    monkeypatch.setattr(dealer, "add_staff", fail)
    assert add().exit_code == 1
    assert owners(own, "SELECT count(*) FROM dealer") == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({}, 1, "dealer east exists"),
        ({"code": "west", "timezone": "Asia/Beijing"}, 2, "no such time zone: Asia/Beijing"),
        ({"code": "west", "timezone": "../etc"}, 2, "no such time zone"),
        ({"code": "west", "admin-no": "S 001\u202e"}, 1, "Error: "),
    ],
)
def test_a_dealer_that_cannot_be_opened_is_refused_in_a_line(
    own: str, options: dict[str, str], status: int, said: str
) -> None:
    assert add().exit_code == 0
    refused = add(**options)
    assert (refused.exit_code, said in refused.output) == (status, True)
    assert owners(own, "SELECT count(*) FROM dealer") == 1


# --- migrate


def test_two_migrations_at_once_both_end_well_and_one_does_the_work(empty: str) -> None:
    command = [sys.executable, "-c", "from api.commands.migrate import migrate; migrate()"]
    environment = os.environ | {"DATABASE_URL": empty}
    both = [
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert all(f"-> {head()}" in out for out, _ in told)
    assert owners(empty, "SELECT string_agg(version_num, ',') FROM alembic_version") == head()


# --- the proof of referrals


def honest(shop: Shop, clock: TestClock) -> None:
    story.verified_referral(shop)


def fake(shop: Shop, clock: TestClock) -> None:
    justice.suspected(shop)


def paid(shop: Shop, clock: TestClock) -> None:
    referral = story.verified_referral(shop)
    clock.add(days=16)
    path = f"/v1/referrals/{referral['id']}/reward-payments"
    story.ok(shop.post("finance", path, version=referral["version"]))


PAY = "UPDATE referral_reward SET state = 'paid', paid_at = release_at, posting_set_id = "
STEP = "UPDATE referral_transition SET"
OWN_REWARD = "FROM referral_reward w WHERE w.dealer_id = :dealer"


@pytest.mark.parametrize(
    ("tale", "damage", "number"),
    [
        (honest, f"{PAY} gen_random_uuid()", "R1"),
        (paid, "UPDATE referral_reward SET points = points + 1", "R1"),
        (paid, f"{PAY} gen_random_uuid() WHERE state = 'paid'", "R1"),
        (
            paid,
            "INSERT INTO referral_reward SELECT gen_random_uuid(), w.dealer_id, gen_random_uuid(),"
            " w.member_id, w.rule_id, w.rule_version, w.nth + 1, w.points, w.state, w.held_at,"
            f" w.release_at, w.paid_at, w.posting_set_id {OWN_REWARD}",
            "R1",
        ),
        (
            paid,
            "INSERT INTO posting_set SELECT s.member_id, gen_random_uuid(), s.dealer_id, 99,"
            " s.kind, s.points, s.business_on, s.posted_at, 'by hand', '1', s.rule_id,"
            " s.rule_version, s.actor_id, s.actor_role, s.request_id FROM posting_set s"
            " WHERE s.dealer_id = :dealer",
            "R1",
        ),
        (
            honest,
            "UPDATE referral SET state = 'rewarded', paid_by = gen_random_uuid()"
            " WHERE dealer_id = :dealer",
            "R2",
        ),
        (paid, "DELETE FROM licence_check", "R2"),
        (paid, "DELETE FROM callback", "R2"),
        (honest, "UPDATE referral SET state = 'checked'", "R3"),
        (honest, "DELETE FROM referral_transition WHERE seq > 2", "R3"),
        (honest, f"{STEP} previous_hash = decode(repeat('11', 32), 'hex') WHERE seq = 2", "R4"),
        (honest, "DELETE FROM referral_transition WHERE seq = 2", "R4"),
        (honest, f"{STEP} actor_id = 'somebody else' WHERE seq = 1", "R4"),
        (honest, f"{STEP} at = at + interval '1 microsecond' WHERE seq = 3", "R4"),
        (fake, "DELETE FROM consultant_case", "R5"),
        (honest, "UPDATE referral SET state = 'failed'", "R5"),
        (
            paid,
            "DROP INDEX uq_referral_reward_once; INSERT INTO referral_reward SELECT"
            " gen_random_uuid(), w.dealer_id, w.referral_id, w.member_id, w.rule_id,"
            " w.rule_version, w.nth + 1, w.points, w.state, w.held_at, w.release_at, w.paid_at,"
            " w.posting_set_id FROM referral_reward w",
            "R6",
        ),
        (
            honest,
            "ALTER TABLE referral DROP CONSTRAINT uq_referral_order,"
            " DROP CONSTRAINT uq_referral_vin, DROP CONSTRAINT uq_referral_invoice;"
            " INSERT INTO referral SELECT (jsonb_populate_record(r, jsonb_build_object("
            "'id', gen_random_uuid(), 'state', 'expired'))).* FROM referral r",
            "R7",
        ),
        (
            paid,
            "ALTER TABLE referral DROP CONSTRAINT ck_referral_order_of_times;"
            " UPDATE referral SET ordered_at = submitted_at - interval '1 day'",
            "R8",
        ),
        (paid, "UPDATE referral SET state = 'reversed'", "R9"),
    ],
)
def test_the_proof_finds_what_was_done_to_referrals(
    shop: Shop,
    clock: TestClock,
    tale: Callable[[Shop, TestClock], None],
    damage: str,
    number: str,
) -> None:
    tale(shop, clock)
    with owner_session(shop.service.settings.database_url) as session:
        assert broken(session) == set()
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(damage), {"dealer": shop.dealer_id} if ":dealer" in damage else {})
        found = broken(session)
        session.rollback()
    assert number in found


def test_a_step_rewritten_with_the_chain_left_whole_is_found_by_its_hash_alone(
    shop: Shop, clock: TestClock
) -> None:
    honest(shop, clock)
    with owner_session(shop.service.settings.database_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(f"{STEP} actor_id = :other WHERE seq = 2"), {"other": str(new_id())})
        found = [finding for finding in findings(session) if finding.count]
        session.rollback()
    assert [finding.says for finding in found] == ["each step's hash is the hash of its facts"]
    assert found[0].example is not None
    assert found[0].example.endswith(", 2")


def broken(session: Session) -> set[str]:
    return {finding.number for finding in findings(session) if finding.count}
