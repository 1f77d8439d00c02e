"""The processes of `loyalty serve`: a dead worker is replaced, and none outlives the service."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.commands.loopback import free_port, is_ready

LOYALTY = Path(sys.executable).with_name("loyalty")
SECONDS = 60


def until(holds: Callable[[], bool]) -> bool:
    """Whether it holds within a minute."""
    end = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def workers(parent: int) -> list[int]:
    """The Python children of the service: its workers, not its database and Redis."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            python = b"\0serve\0" in (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if python and int(stat[1]) == parent and stat[0] != "Z":
            found.append(int(entry.name))
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, LOYALTY, "serve", "--no-keep", "--home", tmp_path]
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen([*command, "--port", str(port)], env=kept, stdout=log, stderr=log)
    try:
        assert until(lambda: is_ready(port)), (tmp_path / "log").read_text()
        assert until(lambda: len(workers(child.pid)) == 2)
        yield child, port
    finally:
        child.kill()
        child.wait()


@pytest.mark.xdist_group("demo")
def test_a_killed_worker_is_replaced_and_none_outlives_a_killed_service(
    served: tuple[subprocess.Popen[bytes], int],
) -> None:
    child, port = served
    victim, survivor = workers(child.pid)
    os.kill(victim, signal.SIGKILL)
    assert until(lambda: len({*workers(child.pid)} - {victim}) == 2)
    assert child.poll() is None
    assert until(lambda: is_ready(port))
    everyone = {survivor, *workers(child.pid)}
    child.kill()
    child.wait()
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everyone))
    assert not is_ready(port)
