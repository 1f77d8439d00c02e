"""The real service, started as its operators start it: `loyalty serve` in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.commands.loopback import free_port, is_ready
from bench.stage import Stage
from kernel.settings import Settings, load_settings

START_SECONDS = 60
STOP_SECONDS = 30
NO_LIMIT = "100000000"
COMMAND = Path(sys.executable).with_name("loyalty")


@dataclass(frozen=True, slots=True)
class Service:
    """Where it answers, and the workers' processes."""

    port: int
    pid: int

    def workers_rss_mb(self) -> float:
        """The resident memory of the largest worker."""
        return max((_rss_mb(pid) for pid in _children(self.pid)), default=0.0)


def environment(stage: Stage, database: str, **more: str) -> dict[str, str]:
    """What the service is told: nothing but its servers, a limiter that counts and grants, and
    `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    return kept | {
        "DATABASE_URL": stage.url(database),
        "REDIS_URL": stage.redis,
        "LOYALTY_REQUESTS_PER_MINUTE": NO_LIMIT,
        **more,
    }


def settings(stage: Stage, database: str) -> Settings:
    """The same settings in this process."""
    os.environ.update(environment(stage, database))
    return load_settings()


@contextmanager
def serving(
    stage: Stage, database: str, home: Path, *, workers: int = 2, threads: int = 4, **more: str
) -> Iterator[Service]:
    """Serve a database on a free loopback port until the block ends; `more` are settings."""
    command = [
        *(str(COMMAND), "serve"),
        *("--workers", str(workers), "--threads", str(threads)),
        *("--home", str(home / f"serve-{database}")),
    ]
    told = environment(stage, database, **more)
    with running(command, told, home / f"serve-{database}.log") as service:
        yield service


@contextmanager
def running(command: list[str], told: dict[str, str], log: Path) -> Iterator[Service]:
    """A server's command with `--port` and a free one, in a process of its own, once it answers."""
    port = free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(port, process, log)
        yield Service(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
