"""A cluster of our own for a run: PostgreSQL with fsync on, Redis, databases made from a template.

Everything ends with the run, and its folder goes.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import URL

from kernel.servers import start_postgres, start_redis
from migrations.run import migrate

TEMPLATE = "bench_template"


@dataclass(frozen=True, slots=True)
class Stage:
    """The running servers, and where their programs lie."""

    postgres: URL
    redis: str
    source: str
    programs: Path | None

    def url(self, database: str) -> str:
        """The address of a database, as the service's settings want it."""
        return self.postgres.set(database=database).render_as_string(hide_password=False)

    def connect(self, database: str, **more: Any) -> psycopg.Connection[Any]:
        """A connection as the owner of the tables, in autocommit."""
        host, port = self.place
        return psycopg.connect(
            host=host, port=port, user="postgres", dbname=database, autocommit=True, **more
        )

    @property
    def place(self) -> tuple[str, str]:
        """The socket folder and the port, as libpq's programs want them."""
        return str(self.postgres.query["host"]), str(self.postgres.query["port"])

    @contextmanager
    def database(self, name: str, *, template: str = TEMPLATE) -> Iterator[str]:
        """A database of this name with the tables in it, dropped afterwards."""
        with self.connect("postgres") as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield name
        finally:
            with self.connect("postgres") as admin:
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def settle(self, *databases: str) -> None:
        """Nothing left over from loading: fresh statistics, dirty pages written."""
        for database in databases:
            with self.connect(database) as connection:
                connection.execute("VACUUM ANALYZE")
        with self.connect("postgres") as connection:
            connection.execute("CHECKPOINT")


@contextmanager
def open_stage(home: Path) -> Iterator[Stage]:
    """Start both servers below `home` and migrate the template."""
    folder = home / "postgres"
    shutil.rmtree(folder, ignore_errors=True)
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = running.enter_context(start_postgres(data=folder, durable=True))
        running.callback(shutil.rmtree, postgres.location, ignore_errors=True)
        redis = running.enter_context(start_redis())
        stage = Stage(make_url(postgres.url), redis.url, postgres.source, _programs(postgres.url))
        with stage.connect("postgres") as admin:
            admin.execute(f"CREATE DATABASE {TEMPLATE}")
        engine = create_engine(stage.url(TEMPLATE))
        migrate(engine)
        engine.dispose()
        yield stage


def _programs(url: str) -> Path | None:
    """The folder of the server that runs, where its pgbench is the one to use."""
    place = make_url(url).query
    with psycopg.connect(
        host=str(place["host"]), port=str(place["port"]), user="postgres", dbname="postgres"
    ) as connection:
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    folder = Path(row[0]) if row else None
    return folder if folder and os.access(folder, os.X_OK) else None
