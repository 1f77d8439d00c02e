"""Starts a Redis-compatible server (Valkey or Redis) on a private socket, with no data on disk.

Redis never holds truth here (design: stack), so nothing is saved and nothing survives a stop.
"""

import functools
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from kernel.servers.binaries import redis_binary
from kernel.servers.folders import temporary_folder
from kernel.servers.process import end, own_account, spawn, wait_until
from kernel.servers.server import Server

START_SECONDS = 20
STOP_SECONDS = 5


def start_redis() -> Server:
    """Start a server that answers and return it; it ends with this process at the latest.

    Raises ServerError when there is no binary or it does not start (design: stack).
    """
    binary, source = redis_binary()
    with ExitStack() as undo:
        folder, lock = temporary_folder(own_account(), undo)
        socket_path = folder / "s"
        child = spawn(
            _command(binary, folder, socket_path),
            account=own_account(),
            folder=folder,
            ends_by=signal.SIGTERM,
            keep_open=[lock],
        )
        undo.callback(end, child, by=signal.SIGTERM, seconds=STOP_SECONDS)
        ready = functools.partial(_answers, socket_path)
        wait_until(ready, child, log=folder / "log", seconds=START_SECONDS)
        stop = undo.pop_all().close
    return Server(f"unix://{quote(str(socket_path))}?db=0", source, stop, folder)


def _command(binary: Path, folder: Path, socket_path: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
    }
    return [
        str(binary),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


def _answers(socket_path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
    except OSError:
        return False
