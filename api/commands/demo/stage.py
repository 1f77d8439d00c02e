"""The demonstration's own service: its own servers, folder and port, and nothing of it remains.

The service ends with this process however that ends; its folder is removed by the next start
at the latest (kernel/servers).
"""

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.commands.loopback import free_port, is_ready
from kernel.servers.folders import temporary_folder
from kernel.servers.process import (
    as_account,
    end,
    own_account,
    unprivileged_account,
    wait_until,
)

LOYALTY = Path(sys.executable).with_name("loyalty")
SAMPLE_MEMBERS = 20
START_SECONDS = 300
STOP_SECONDS = 60
NOT_INHERITED = ("DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers on 127.0.0.1:`port`, and what it `printed` on its way there."""

    port: int
    printed: str


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for the data of several starts, removed at the end."""
    with ExitStack() as undo:
        folder, _ = temporary_folder(unprivileged_account(), undo)
        yield folder


@contextmanager
def serving(home: Path, *, days_later: int = 0) -> Iterator[Served]:
    """Run `loyalty serve --demo` on `home` with its clock `days_later`, and stop it.

    Raises ServerError with the end of its log when it does not come up.
    """
    port, log = free_port(), home / "serve.log"
    asked = {"--home": home, "--port": port, "--sample": SAMPLE_MEMBERS}
    options = [str(word) for option in asked.items() for word in option]
    command = [sys.executable, str(LOYALTY), "serve", "--demo", "--keep", *options]
    with log.open("wb") as output:
        child = subprocess.Popen(
            as_account(own_account(), signal.SIGTERM, command),
            env=_environment(days_later),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        ready = functools.partial(is_ready, port)
        wait_until(ready, child, log=log, seconds=START_SECONDS)
        yield Served(port, log.read_text("utf-8"))
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    try:
        end(child, by=signal.SIGTERM, seconds=STOP_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _environment(days_later: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_INHERITED and not name.startswith("LOYALTY_")
    }
    return kept | {"LOYALTY_CLOCK_SHIFT_DAYS": str(days_later), "PYTHONUTF8": "1"}
