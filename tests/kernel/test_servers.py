"""Real servers, started and stopped as `make run` and the tests do; none may outlive its starter.

A server's lock file is free only when its last process has gone: that is how "gone" is asked.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from kernel.servers import Server, ServerError, folders, postgres, start_postgres, start_redis
from kernel.servers.binaries import POSTGRES_WHEEL, REDIS_WHEEL
from kernel.servers.cluster import forget_dead_postmaster
from kernel.servers.process import own_account, unprivileged_account

ROOT = Path(__file__).parents[2]
POSTGRES_HERE = shutil.which("postgres") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
REDIS_HERE = shutil.which("valkey-server") or shutil.which("redis-server")
STARTER = """
import signal
from kernel.servers import start_postgres, start_redis
signal.signal(signal.SIGINT, signal.default_int_handler)
with start_postgres(data=None, durable=False) as postgres, start_redis() as redis:
    print(postgres.location, redis.location, flush=True)
    signal.pause()
"""
KEEPER = """
import pathlib, signal
from kernel.servers import start_postgres
print(start_postgres(data=pathlib.Path({data!r}), durable=True).url, flush=True)
signal.pause()
"""


@pytest.fixture(scope="module", autouse=True)
def _wheels() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PG_BIN", "wheel")
        monkeypatch.setenv("REDIS_BIN", "wheel")
        yield


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """A folder whose cluster is made once and used again by every test that keeps its data."""
    for folder in open_folder():
        start_postgres(data=folder / "kept", durable=False).stop()
        yield folder


@pytest.fixture
def place() -> Iterator[Path]:
    yield from open_folder()


def open_folder() -> Iterator[Path]:
    """A folder that the database's account may enter, unlike pytest's own under root."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(server: Server, statement: str) -> list[tuple[object, ...]]:
    address = server.url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def is_gone(location: Path) -> bool:
    try:
        lock = folders.try_lock(location / "lock")
    except FileNotFoundError:
        return True
    if lock is not None:
        os.close(lock)
    return lock is not None


def run_starter(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def keep(place: Path, port: int | None = None) -> Server:
    return start_postgres(data=place / "kept", durable=True, port=port)


@pytest.mark.parametrize("choice", ["wheel", ""] if POSTGRES_HERE else ["wheel"])
def test_a_database_starts_as_asked_and_leaves_nothing(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_BIN", choice)
    monkeypatch.setenv("PGPORT", "1")
    with start_postgres(data=None, durable=False) as server:
        settings = ("TimeZone", "max_connections", "fsync")
        values = ", ".join(f"current_setting('{name}')" for name in settings)
        found = ask(server, f"select current_user, {values}")
        assert found == [("postgres", "UTC", "200", "off")]
        assert (POSTGRES_WHEEL in server.source) == (choice == "wheel")
    assert not server.location.exists()
    server.stop()


@pytest.mark.parametrize("choice", ["wheel", ""] if REDIS_HERE else ["wheel"])
def test_a_redis_starts_answers_and_leaves_nothing(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_BIN", choice)
    with start_redis() as server:
        with redis.Redis.from_url(server.url) as client:
            assert client.set("wake", "up")
            assert client.get("wake") == b"up"
        assert (REDIS_WHEEL in server.source) == (choice == "wheel")
    assert not server.location.exists()


def test_kept_data_survives_a_stop_and_a_killed_server(kept: Path) -> None:
    with keep(kept) as server:
        ask(server, "create table visit as select 7 as points")
        assert ask(server, "show fsync") == [("on",)]
        assert server.location == kept / "kept"
    with keep(kept) as server:
        assert ask(server, "select points from visit") == [(7,)]
        ask(server, "insert into visit values (8)")
        pid = int((server.location / "cluster/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
    with keep(kept) as server:
        assert ask(server, "select points from visit order by 1") == [(7,), (8,)]


def test_a_killed_starters_folder_serves_again_at_once(kept: Path) -> None:
    with run_starter(KEEPER.format(data=str(kept / "kept"))) as starter:
        assert starter.stdout
        sockets = make_url(starter.stdout.readline()).query["host"]
        starter.kill()
        starter.wait()
        with keep(kept) as server:
            assert ask(server, "select 1") == [(1,)]
    shutil.rmtree(Path(str(sockets)).parent)


def test_half_a_cluster_of_a_killed_start_is_made_anew(place: Path) -> None:
    unfinished = place / "kept" / "cluster.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").touch()
    with start_postgres(data=place / "kept", durable=False) as server:
        assert ask(server, "select 1") == [(1,)]
    assert not unfinished.exists()


def test_a_second_starter_of_the_same_folder_is_refused_by_name(kept: Path) -> None:
    in_use = f"{kept}/kept is in use by process {os.getpid()}"
    with keep(kept), pytest.raises(ServerError, match=in_use):
        keep(kept)


@pytest.mark.parametrize(
    ("version", "told"),
    [("9", "cluster was made by PostgreSQL 9"), ("?", "cluster holds no PostgreSQL data")],
)
def test_a_folder_with_other_data_is_refused_by_name(version: str, told: str, place: Path) -> None:
    cluster = place / "kept" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(version)
    with pytest.raises(ServerError, match=f"{place}/kept/{told}"):
        keep(place)


@pytest.mark.parametrize(
    ("pid", "stays"),
    [(str(os.getpid()), False), ("4194305", True), ("", True)],
    ids=["number now used by another program", "number unused", "unreadable"],
)
def test_a_dead_servers_number_does_not_block_the_next_start(
    pid: str, stays: bool, tmp_path: Path
) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(pid)
    forget_dead_postmaster(tmp_path)
    assert pid_file.exists() == stays


def test_a_private_home_sends_the_data_to_the_same_state_folder_each_time(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o500)
    monkeypatch.setattr(folders, "STATE_FOLDER", place / "state")
    account = unprivileged_account()
    first = folders.kept_folder(private / "var", account)
    assert first.parent == place / "state"
    assert folders.kept_folder(private / "var", account) == first
    assert folders.kept_folder(private / "other", account) != first
    assert not (private / "var").exists()


def test_a_wheel_in_a_private_home_is_copied_to_where_the_account_can_run_it(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "can_reach", lambda account, folder: False)
    with keep(kept) as server:
        pid = (server.location / "cluster/postmaster.pid").read_text().split()[0]
        program = Path(os.readlink(f"/proc/{pid}/exe"))
        assert folders.PREFIX in str(program)
        assert ask(server, "select 1") == [(1,)]
    assert not program.exists()


def test_an_operator_looks_in_by_port_only_with_the_password(kept: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with keep(kept, port) as server:
        assert ask(server, "show port") == [(str(port),)]
        password = (server.location / "password").read_text().strip()
        psycopg.connect(address, password=password).close()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(address, password="guessed")


def test_a_port_in_use_is_told_with_the_servers_own_words(kept: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(ServerError, match="Address already in use"),
    ):
        keep(kept, other.getsockname()[1])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_server_outlives_its_starter(how: signal.Signals) -> None:
    with run_starter(STARTER) as starter:
        assert starter.stdout
        locations = [Path(word) for word in starter.stdout.readline().split()]
        assert len(locations) == 2
        assert not any(map(is_gone, locations))
        starter.send_signal(how)
    deadline = time.monotonic() + 10
    while not all(map(is_gone, locations)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if how == signal.SIGINT:
        assert not any(location.exists() for location in locations)
    for location in locations:
        shutil.rmtree(location, ignore_errors=True)


def test_what_a_killed_starter_left_is_removed_by_a_later_one() -> None:
    with ExitStack() as undo:
        in_use, _ = folders.temporary_folder(own_account(), undo)
        left = in_use.with_name(f"{folders.PREFIX}deadbeef")
        left.mkdir()
        for folder in (in_use, left):
            (folder / "lock").touch()
            os.utime(folder / "lock", (0, 0))
        folders.temporary_folder(own_account(), undo)
        assert in_use.exists()
        assert not left.exists()


def test_a_server_is_not_started_from_a_thread_that_may_end_before_it() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ServerError, match="main thread"):
        pool.submit(start_redis).result()


@pytest.mark.parametrize(
    ("variable", "start"),
    [
        ("PG_BIN", lambda: start_postgres(data=None, durable=False)),
        ("REDIS_BIN", start_redis),
    ],
)
def test_a_folder_without_the_programs_is_told_and_not_passed_over(
    variable: str, start: Callable[[], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(ServerError, match=f"{variable}={tmp_path}"):
        start()
