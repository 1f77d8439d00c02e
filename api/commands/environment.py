"""Where the servers of a command come from: the environment, or our own beside the data in var/.

`loyalty serve` leaves its addresses in var/servers.json, so that other commands find them.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from kernel.servers import start_postgres, start_redis

HOME = Path("var")
NAMES = ("DATABASE_URL", "REDIS_URL")


@contextmanager
def servers(home: Path = HOME, *, keep: bool = True) -> Iterator[None]:
    """Run PostgreSQL and Redis unless the environment names them; stop what was started.

    With `keep` the data stays in `home`/postgres, else it goes with the servers.
    """
    with ExitStack() as running:
        given = {name: os.environ[name] for name in NAMES if os.environ.get(name)}
        if "DATABASE_URL" not in given:
            data = home / "postgres" if keep else None
            postgres = running.enter_context(start_postgres(data=data, durable=keep))
            os.environ["DATABASE_URL"] = postgres.url
            click.echo(f"PostgreSQL: {postgres.source}, data in {postgres.location}")
        if "REDIS_URL" not in given:
            redis = running.enter_context(start_redis())
            os.environ["REDIS_URL"] = redis.url
            click.echo(f"Redis: {redis.source}, nothing kept")
        note = home / "servers.json"
        home.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({name: os.environ[name] for name in NAMES}), "utf-8")
        running.callback(note.unlink, missing_ok=True)
        yield


def find_servers(home: Path = HOME) -> None:
    """Use the servers of a running `loyalty serve` when the environment names none."""
    note = home / "servers.json"
    if not os.environ.get("DATABASE_URL") and note.exists():
        os.environ.update(json.loads(note.read_text("utf-8")))
