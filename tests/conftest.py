"""Real PostgreSQL and a real Redis for every test; each test has a dealer of its own.

A dealer is a tenant, so tests that commit never see one another.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from api.app import create_app
from api.service import Service, build_service
from kernel.servers import start_postgres, start_redis
from kernel.settings import load_settings
from migrations.run import migrate
from tests.support.clock import TestClock
from tests.support.shop import Shop, open_shop

TEMPLATE = "loyalty_template"
SERVERS = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """The first process starts the servers and migrates the template; workers are told where."""
    if hasattr(config, "workerinput"):
        return
    os.environ.setdefault("LOYALTY_REQUESTS_PER_MINUTE", "1000000")
    os.environ.setdefault("LOYALTY_POOL_SIZE", "20")
    if not os.environ.get("TEST_DATABASE_URL"):
        server = SERVERS.enter_context(start_postgres(data=None, durable=False))
        os.environ["TEST_DATABASE_URL"] = server.url
        os.environ["TEST_SERVERS"] = f"postgres: {server.source}"
    if not os.environ.get("TEST_REDIS_URL"):
        server = SERVERS.enter_context(start_redis())
        os.environ["TEST_REDIS_URL"] = server.url
        os.environ["TEST_SERVERS"] = f"{os.environ.get('TEST_SERVERS', '')}, redis: {server.source}"
    os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URL"]
    _admin(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)", f"CREATE DATABASE {TEMPLATE}")
    engine = create_engine(database_url(TEMPLATE))
    migrate(engine)
    engine.dispose()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        SERVERS.close()


def pytest_report_header() -> str:
    return f"servers: {os.environ.get('TEST_SERVERS', 'from the environment')}"


def database_url(name: str) -> str:
    """The address of a database on the test server."""
    url = make_url(os.environ["TEST_DATABASE_URL"]).set(database=name)
    return url.render_as_string(hide_password=False)


def _admin(*statements: str) -> None:
    engine = create_engine(os.environ["TEST_DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def database(worker_id: str) -> Iterator[str]:
    """A database of this worker, copied from the migrated template."""
    name = f"loyalty_{worker_id}"
    _admin(
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}",
    )
    yield database_url(name)
    _admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def service(database: str, clock: TestClock) -> Iterator[Service]:
    os.environ["DATABASE_URL"] = database
    built = build_service(load_settings(), clock=clock)
    yield built
    built.database.dispose()


@pytest.fixture(scope="session")
def app(service: Service) -> Flask:
    return create_app(service)


@pytest.fixture
def shop(app: Flask, service: Service, clock: TestClock) -> Iterator[Shop]:
    """A dealer with one person in every role, and the present time."""
    clock.reset()
    yield open_shop(app, service)
    clock.reset()


@pytest.fixture
def other_shop(app: Flask, service: Service, shop: Shop) -> Shop:
    """Another dealer on the same service."""
    return open_shop(app, service)
