"""Brings a database to the newest revision; safe to run from several processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

HERE = Path(__file__).parent
ONE_AT_A_TIME = 7_204_119


def head() -> str:
    """The newest revision, as committed in head.txt."""
    return (HERE / "head.txt").read_text("ascii").strip()


def current(engine: Engine) -> str | None:
    """The revision the database is at."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Upgrade (or, with a revision below the present one, downgrade) the database."""
    with engine.connect() as guard, engine.connect() as connection:
        guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
        before = MigrationContext.configure(connection).get_current_revision() or ""
        connection.rollback()
        config = Config()
        config.set_main_option("script_location", str(HERE))
        config.attributes["connection"] = connection
        down = revision == "base" or (revision != "head" and revision < before)
        (command.downgrade if down else command.upgrade)(config, revision)
        guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ONE_AT_A_TIME})
        guard.rollback()
