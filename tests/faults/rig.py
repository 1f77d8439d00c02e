"""The real thing under load: a database of its own, and the server as `loyalty serve` runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from api.app import create_app
from api.commands.loopback import free_port, is_ready
from api.commands.work import unit_of_work
from api.service import Service, build_service
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.members.enroll import Enrolment, enroll
from loyalty.points import ledger
from tests.faults.client import Client, History
from tests.support.shop import Shop, open_shop

LOYALTY = Path(sys.executable).with_name("loyalty")
TEMPLATE = "loyalty_template"
WORKERS, THREADS = 2, 8
START_SECONDS, STOP_SECONDS = 90, 20


@dataclass(frozen=True)
class Rig:
    """`client` talks to the real server; `service` and shops work on its database beside it."""

    app: Flask
    service: Service
    client: Client
    history: History

    def open_shop(self) -> Shop:
        """A dealer of its own."""
        return open_shop(self.app, self.service)


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """A server on a database copied from the template; both end with the block."""
    with _database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        service = build_service(load_settings())
        try:
            with _server(folder) as port:
                history = History(folder / "history.jsonl")
                yield Rig(create_app(service), service, Client(port, history), history)
        finally:
            service.database.dispose()


@contextmanager
def _database() -> Iterator[str]:
    name = f"loyalty_faults_{uuid4().hex[:12]}"
    url = make_url(os.environ["TEST_DATABASE_URL"])
    _admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _admin(f"DROP DATABASE {name} WITH (FORCE)")


def _admin(statement: str) -> None:
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    port = free_port()
    options = {"port": port, "workers": WORKERS, "threads": THREADS, "home": folder}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, LOYALTY, "serve", *words],
            env=os.environ | {"LOYALTY_POOL_SIZE": str(THREADS)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_ready(child, port, folder / "log")
        yield port
    finally:
        _stop(child)


def _wait_until_ready(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_ready(port):
        assert child.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Its workers end with it."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def people(shop: Shop, count: int, *, points: int = 0) -> list[UUID]:
    """Members enrolled beside the server, each with points that never expire."""
    with entered(shop) as uow:
        made = [enroll(uow, _person(number)) for number in range(count)]
        for member in made if points else ():
            give(uow, member, (points, None))
    return made


def _person(number: int) -> Enrolment:
    name = f"F-{uuid4().hex}"
    return Enrolment("crm", name, "张三", f"138{number:08}", date(2024, 5, 1))


def entered(shop: Shop) -> AbstractContextManager[UnitOfWork]:
    """A transaction of this dealer, acting for the service."""
    return unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="test")


def give(uow: UnitOfWork, member: UUID, *lots: tuple[int, datetime | None]) -> None:
    """Lots of so many points until a moment, or for ever."""
    since = uow.now - timedelta(minutes=1)
    parts = [
        ledger.Credit(
            points,
            uow.dealer_id,
            ledger.Terms("test", 1, uow.today, since, until, Decimal(1)),
        )
        for points, until in lots
    ]
    ledger.credit(uow, member, parts, source=ledger.Source("test", uuid4().hex))
