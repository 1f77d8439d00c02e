"""Folders that servers live in: temporary ones, kept ones, and the locks that guard both.

A lock is held by its descriptor, which the server inherits: it is free only when the last
process of the server has gone, whoever was killed in between. Never delete a lock file alone.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from kernel.servers.process import POLL_SECONDS, Account, can_reach
from kernel.servers.server import ServerError

PREFIX = "dealer-loyalty-"
STATE_FOLDER = Path("/var/lib/dealer-loyalty")
SHORT_BASES = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
LONGEST_BASE_CHARACTERS = 60  # a socket's whole path must stay below 108 bytes
ABANDONED_AFTER_SECONDS = 60
SHUTDOWN_SECONDS = 30


def try_lock(path: Path) -> int | None:
    """The descriptor that holds the lock file `path`, or None while another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def temporary_folder(account: Account, undo: ExitStack) -> tuple[Path, int]:
    """A short private folder that `account` may enter, and its lock; `undo` removes both."""
    base = _short_base(account)
    _remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    undo.callback(shutil.rmtree, folder, ignore_errors=True)
    if account.uid != os.geteuid():
        folder.chmod(0o711)
    lock = try_lock(folder / "lock")
    if lock is None:
        raise ServerError(f"{folder} is already in use")
    undo.callback(os.close, lock)
    return folder, lock


def _short_base(account: Account) -> Path:
    for base in map(Path, (tempfile.gettempdir(), *SHORT_BASES)):
        short = len(os.fsencode(base)) <= LONGEST_BASE_CHARACTERS
        if short and os.access(base, os.W_OK | os.X_OK) and can_reach(account, base):
            return base
    raise ServerError("no temporary folder with a short path; set TMPDIR to one")


def _remove_abandoned(base: Path) -> None:
    """Remove what a killed starter left behind: its lock is free, and it is not just starting."""
    for folder in base.glob(f"{PREFIX}????????"):
        try:
            ours = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            age = time.time() - (folder / "lock").stat().st_mtime
            lock = try_lock(folder / "lock") if ours and age > ABANDONED_AFTER_SECONDS else None
        except OSError:
            continue
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def kept_folder(wished: Path, account: Account) -> Path:
    """The wished folder, or one in a state folder when `account` cannot get there.

    The substitute's name comes from the wished path, so that it is found again. Raises
    ServerError when no folder can be used.
    """
    wished = wished.resolve()
    if _usable(wished, account):
        return wished
    for substitute in _substitutes(wished):
        if _usable(substitute, account) and substitute.lstat().st_uid == os.geteuid():
            return substitute
    raise ServerError(f"no folder for kept data: neither {wished} nor a state folder is reachable")


def _substitutes(wished: Path) -> Iterator[Path]:
    name = hashlib.sha256(os.fsencode(wished)).hexdigest()[:12]
    yield STATE_FOLDER / name
    state = Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"))
    if state.is_absolute():
        yield state / "dealer-loyalty" / name
    yield Path(tempfile.gettempdir()) / f"dealer-loyalty-of-{os.geteuid()}" / name


def _usable(folder: Path, account: Account) -> bool:
    """Make the folder if need be; whether we may write there and `account` may enter."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    nearest = missing[-1].parent if missing else folder
    try:
        if not can_reach(account, nearest):
            return False
        for part in reversed(missing):
            part.mkdir(exist_ok=True)
            part.chmod(0o755)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK) and can_reach(account, folder)


def lock_kept(folder: Path, undo: ExitStack) -> int:
    """The lock of a kept folder, after a dead starter's server has finished; `undo` frees it.

    Raises ServerError at once when the starter that holds it is alive.
    """
    path = folder / "lock"
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    try:
        while (lock := try_lock(path)) is None:
            starter = path.read_text().strip()
            if _alive(starter) or time.monotonic() > deadline:
                raise ServerError(f"{folder} is in use by process {starter}: stop that one first")
            time.sleep(POLL_SECONDS)
    except PermissionError as problem:
        raise ServerError(f"{folder} belongs to another user: {problem}") from problem
    undo.callback(_release, lock)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _release(lock: int) -> None:
    """Let go; what is left of a killed server may hold on, so no living starter is named."""
    os.ftruncate(lock, 0)
    os.close(lock)


def _alive(starter: str) -> bool:
    return starter.isdecimal() and Path("/proc", starter).exists()
