"""What both servers share: an account, a child that dies with its parent, readiness, the end.

Linux ends such a child with the THREAD that started it, so servers start from the main thread.
"""

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kernel.servers.server import ServerError

LAUNCHER = Path(__file__).with_name("launch.py")
INHERITED_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
ACCOUNTS_INSTEAD_OF_ROOT = ("postgres", "nobody")
POLL_SECONDS = 0.02
LOG_TAIL_CHARACTERS = 3000

Child = subprocess.Popen[bytes]


class Account(NamedTuple):
    """A user of the operating system that a server runs as."""

    name: str
    uid: int
    gid: int


def own_account() -> Account:
    """The account this process runs as."""
    return Account(f"uid {os.geteuid()}", os.geteuid(), os.getegid())


def unprivileged_account() -> Account:
    """Our own account, or as root one that PostgreSQL accepts (it refuses uid 0).

    Raises ServerError when root finds none.
    """
    if os.geteuid() != 0:
        return own_account()
    for name in ACCOUNTS_INSTEAD_OF_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerError("PostgreSQL refuses to run as root, and no user postgres or nobody exists")


def as_account(account: Account, ends_by: signal.Signals, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` as `account`; it gets `ends_by` when we end."""
    ties = (os.getpid(), int(ends_by), account.uid, account.gid)
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, ties), *command]


def clean_environment() -> dict[str, str]:
    """What a server inherits: no setting and no secret of ours, UTC, messages in English."""
    inherited = {name: os.environ[name] for name in INHERITED_ENVIRONMENT if name in os.environ}
    return inherited | {"LC_ALL": "C", "TZ": "UTC"}


def can_reach(account: Account, folder: Path) -> bool:
    """Whether `account` may enter `folder`: tried, not worked out from modes."""
    if account.uid == os.geteuid():
        return os.access(folder, os.X_OK)
    tried = as_account(
        account, signal.SIGKILL, ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
    )
    return subprocess.run(tried, check=False, cwd="/", env=clean_environment()).returncode == 0


def spawn(
    command: Sequence[str],
    *,
    account: Account,
    folder: Path,
    ends_by: signal.Signals,
    keep_open: Sequence[int] = (),
) -> Child:
    """Start a server in `folder` with its output in `folder/log`; it ends when we end.

    `ends_by` is the signal it gets then; `keep_open` are descriptors it holds as long as it
    lives. Raises ServerError outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ServerError("a server ends with the thread that starts it: use the main thread")
    output = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return subprocess.Popen(
            as_account(account, ends_by, command),
            cwd="/",
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=keep_open,
        )
    finally:
        os.close(output)


def wait_until(ready: Callable[[], bool], child: Child, *, log: Path, seconds: float) -> None:
    """Wait until `ready()`; raises ServerError with the end of the log if it never is."""
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
            raise ServerError(f"the server did not start; the end of {log}:\n{said}")
        time.sleep(POLL_SECONDS)


def end(child: Child, *, by: signal.Signals, seconds: float) -> None:
    """Ask the server to end by a signal and wait; kill it after `seconds`."""
    if child.poll() is None:
        child.send_signal(by)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
