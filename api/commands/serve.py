"""`loyalty serve`: bring the database up to date, then answer HTTP on loopback until Ctrl-C."""

import os
import signal
import socket
import threading
from pathlib import Path

import click
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from sqlalchemy import create_engine

from api.commands.environment import HOME, servers
from api.commands.seed import seed_demo
from api.commands.token import print_tokens
from kernel.settings import load_settings
from migrations.run import head, migrate

ADDRESS = "127.0.0.1"
STOP_SECONDS = 10
LOOK_UP_SECONDS = 1.0


@click.command()
@click.option("--port", default=8080, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--threads", default=4, show_default=True, help="blocking threads per worker")
@click.option("--demo", is_flag=True, help="load two dealers with sample data, print tokens")
@click.option("--sample", default=500, show_default=True, help="invented members of each dealer")
@click.option("--home", type=click.Path(path_type=Path), default=HOME, show_default=True)
@click.option("--keep/--no-keep", default=True, help="keep the data in HOME after the stop")
def serve(
    port: int, workers: int, threads: int, demo: bool, sample: int, home: Path, keep: bool
) -> None:
    """Serve the API. Starts its own PostgreSQL and Redis unless DATABASE_URL and REDIS_URL are
    set; everything it started stops with it, also on SIGTERM while it is still preparing."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _refuse_taken(port)
    with servers(home, keep=keep):
        settings = load_settings()
        click.echo(f"database: migrating to revision {head()}")
        engine = create_engine(settings.database_url)
        migrate(engine)
        engine.dispose()
        if demo:
            seed_demo(settings, home, members=sample)
            print_tokens(settings)
        click.echo(f"serving http://{ADDRESS}:{port}  (API document: /docs/)  Ctrl-C stops")
        server = Granian(
            "api.worker:app",
            address=ADDRESS,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=threads,
            workers_kill_timeout=STOP_SECONDS,
            respawn_failed_workers=True,
            log_level=LogLevels.warning,
        )
        os.environ["SERVED_BY"] = str(os.getpid())
        server.main_loop_interrupt = _Interrupt()
        server.serve()
        click.echo("stopped")


class _Interrupt(threading.Event):
    """What Granian waits for, twice over safe against two signals at once (Ctrl-C twice, timeout).

    Another thread may take both of them, so the main one looks up every second to run their
    handlers; and a handler that interrupts another must not wait for its lock.
    """

    def wait(self, timeout: float | None = None) -> bool:
        while timeout is None and not super().wait(LOOK_UP_SECONDS):
            pass
        return super().wait(timeout)

    def set(self) -> None:
        if not self.is_set():
            super().set()


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} is in use; choose another: loyalty serve --port {port + 1}"
            ) from error
