"""The rules of the database as tests over its catalogue: tenants apart, history append-only."""

import importlib
import os
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, Row, create_engine, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

import kernel
import loyalty
import referral
from kernel.model import Base
from migrations.run import HERE, current, head, migrate

APPEND_ONLY = {
    "answer_reading",
    "audit_event",
    "audit_link",
    "benefit_entry",
    "callback_answer",
    "callback_question",
    "call_record",
    "case_statement",
    "counter_verification",
    "draw",
    "draw_entropy",
    "judgement",
    "lead",
    "licence_check",
    "licence_photo",
    "licence_photo_view",
    "member_tier",
    "month_balance",
    "month_close",
    "nomination",
    "nomination_attempt",
    "nomination_code",
    "point_entry",
    "point_transfer",
    "posting_set",
    "redemption",
    "redemption_cancellation",
    "redemption_step",
    "referral_duty",
    "referral_risk",
    "referral_transition",
    "reward_stock_addition",
    "rule_grant",
    "sale_event",
    "settlement",
    "staff_relative",
    "value_fact",
    "value_fact_withdrawal",
}
LEDGER = {
    "point_account",
    "point_entry",
    "point_lot",
    "posting_set",
    "redemption",
    "referral_reward",
    "source_document",
}
# A transaction id has no type in the ORM; the feed reads it as text.
OWN_TYPES = {("outbox_event", "committed_in"): "xid8"}
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

TABLES = """
    SELECT c.relname AS name, c.relrowsecurity AS secured, c.oid,
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
"""
PARTS = {
    "columns": COLUMNS,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "routines": """
        SELECT oid::regprocedure::text, md5(prosrc) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace""",
    "policies": "SELECT tablename, policyname, roles::text, qual FROM pg_policies",
    "rights": """
        SELECT table_name, privilege_type FROM information_schema.table_privileges
        WHERE grantee = 'loyalty_app'""",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
}


@pytest.fixture(scope="module")
def catalogue(database: str) -> Iterator[Connection]:
    engine = create_engine(database)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def tables(catalogue: Connection) -> Sequence[Row[Any]]:
    return catalogue.execute(text(TABLES)).all()


def unprotected(catalogue: Connection) -> list[str]:
    """Tables that hold a dealer's rows without row-level security and a policy for the service."""
    asked = text(
        "SELECT tablename, qual FROM pg_policies"
        " WHERE 'loyalty_app' = ANY (roles) AND policyname <> 'party'"
    )
    policies: dict[str, str] = {row.tablename: row.qual for row in catalogue.execute(asked)}
    bound = {
        "(dealer_id = app_dealer())",
        "(id = app_dealer())",
        "(dealer_id = ( SELECT app_dealer() AS app_dealer))",
    }
    return [
        row.name
        for row in tables(catalogue)
        if ("dealer_id" in row.columns or row.name == "dealer")
        and not (row.secured and policies.get(row.name) in bound)
    ]


def rights(catalogue: Connection, right: str) -> set[str]:
    """Tables on which the service holds a right, on the whole or on single columns."""
    asked = text(
        "SELECT table_name FROM information_schema.column_privileges"
        " WHERE grantee = 'loyalty_app' AND privilege_type = :right UNION"
        " SELECT table_name FROM information_schema.table_privileges"
        " WHERE grantee = 'loyalty_app' AND privilege_type = :right"
    )
    return set(catalogue.scalars(asked, {"right": right}))


def shape(catalogue: Connection, part: str) -> set[tuple[object, ...]]:
    return {tuple(row) for row in catalogue.execute(text(PARTS[part]))}


def declared() -> set[tuple[str, str, str, bool]]:
    """What the ORM believes: table, column, type, nullable."""
    for package in (kernel, loyalty, referral):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return {
        (table.name, column.name, _type(table.name, column), bool(column.nullable))
        for table in Base.metadata.tables.values()
        for column in table.columns
    }


def _type(table: str, column: Column[Any]) -> str:
    spelt = column.type.compile(DIALECT).lower().replace(", ", ",")
    return OWN_TYPES.get((table, column.name), spelt)


def test_every_table_with_a_dealer_shows_only_the_bound_dealers_rows(
    catalogue: Connection,
) -> None:
    assert unprotected(catalogue) == []


def test_only_the_parties_of_a_settlement_read_it_besides_its_dealer(
    catalogue: Connection,
) -> None:
    asked = "SELECT tablename, cmd, qual FROM pg_policies WHERE policyname = 'party'"
    parties = "((debtor_id = app_dealer()) OR (creditor_id = app_dealer()))"
    assert catalogue.execute(text(asked)).all() == [("settlement", "SELECT", parties)]


def test_every_table_belongs_to_a_dealer(catalogue: Connection) -> None:
    homeless = {row.name for row in tables(catalogue) if "dealer_id" not in row.columns}
    assert homeless == {"alembic_version", "dealer"}


def test_a_table_without_protection_would_be_noticed(catalogue: Connection) -> None:
    with catalogue.begin_nested() as trial:
        catalogue.execute(text("CREATE TABLE forgotten (dealer_id uuid)"))
        assert unprotected(catalogue) == ["forgotten"]
        catalogue.execute(text("ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY"))
        catalogue.execute(text("CREATE POLICY p ON forgotten TO loyalty_app USING (true)"))
        assert unprotected(catalogue) == ["forgotten"]
        trial.rollback()


def test_the_service_cannot_step_around_row_level_security(catalogue: Connection) -> None:
    flags = catalogue.execute(
        text(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
            " FROM pg_roles WHERE rolname = 'loyalty_app'"
        )
    ).one()
    owned = catalogue.scalars(
        text("SELECT relname FROM pg_class WHERE relowner = 'loyalty_app'::regrole")
    ).all()
    definers = catalogue.scalars(
        text("SELECT oid::regproc FROM pg_proc WHERE prosecdef AND proname LIKE '%point%'")
    ).all()
    views = catalogue.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'v'"
            " AND relnamespace = 'public'::regnamespace"
            " AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)"
        )
    ).all()
    assert (set(flags), owned, definers, views) == ({False}, [], [], [])


def test_the_service_may_delete_nothing_of_the_ledger(catalogue: Connection) -> None:
    deletable = rights(catalogue, "DELETE")
    assert deletable & (LEDGER | APPEND_ONLY) == set()
    assert deletable <= {
        "idempotency_claim",
        "import_error",
        "fact_share",
        "licence_photo_image",
        "member_former_phone",
    }
    assert rights(catalogue, "TRUNCATE") == set()


def test_the_service_holds_no_right_to_rewrite_history(catalogue: Connection) -> None:
    assert rights(catalogue, "UPDATE") & APPEND_ONLY == set()


def test_history_is_append_only_whoever_asks(catalogue: Connection) -> None:
    guarded = catalogue.scalars(
        text(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgname = 'append_only' AND tgenabled = 'O'"
            " AND tgfoid = 'app_refuse_change()'::regprocedure AND tgtype & 27 = 27"
        )
    )
    assert set(guarded) == APPEND_ONLY


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM %s"])
def test_even_the_owner_of_the_tables_cannot_change_history(
    catalogue: Connection, statement: str
) -> None:
    row = (
        "INSERT INTO audit_event SELECT gen_random_uuid(), gen_random_uuid(), now(), 'a', 'r', 'c',"
        " 'act', gen_random_uuid(), 'q', '{}'"
    )
    with catalogue.begin_nested() as trial:
        catalogue.execute(text(row))
        with pytest.raises(DBAPIError, match="append-only"):
            catalogue.execute(text(statement.replace("%s", "audit_event")))
        trial.rollback()


def test_the_models_say_what_the_tables_are(catalogue: Connection) -> None:
    tables, models = shape(catalogue, "columns"), declared()
    assert (sorted(tables - models), sorted(models - tables)) == ([], [])


def test_head_txt_names_the_newest_of_one_line_of_revisions(catalogue: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [head()]
    assert current(catalogue.engine) == head()
    numbers = [revision.revision for revision in script.walk_revisions()]
    assert numbers == [f"{number:04}" for number in range(len(numbers), 0, -1)]


@pytest.fixture
def fresh() -> Iterator[Engine]:
    server = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    name = f"loyalty_updown_{os.getpid()}"
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = create_engine(make_url(os.environ["TEST_DATABASE_URL"]).set(database=name))
    yield engine
    engine.dispose()
    with server.connect() as connection, suppress(DBAPIError):
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def snapshot(engine: Engine) -> dict[str, set[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {part: shape(connection, part) for part in PARTS}


def test_every_migration_goes_up_down_and_up_again_without_a_trace(fresh: Engine) -> None:
    steps = ["base", *(f"{number:04}" for number in range(1, int(head()) + 1))]
    seen = {}
    for step in steps[1:]:
        migrate(fresh, step)
        seen[step] = snapshot(fresh)
    for step in reversed(steps[1:-1]):
        migrate(fresh, step)
        assert snapshot(fresh) == seen[step], step
    migrate(fresh, "base")
    assert not any(
        rows for part, rows in snapshot(fresh).items() if part in ("columns", "routines", "views")
    )
    migrate(fresh)
    assert snapshot(fresh) == seen[head()]
