"""pgbench as the yardstick: TPC-B, and the very functions the service calls, without it."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.stage import Stage

SERVICE_OPTIONS: Final = (
    r"-c role=loyalty_app -c timezone=UTC -c default_transaction_isolation=read\ committed"
    " -c lock_timeout=2000 -c statement_timeout=15000"
)
_RATE: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class PgbenchError(RuntimeError):
    """pgbench ended with an error; the message is its own."""


def find_pgbench(stage: Stage) -> Path | None:
    """The pgbench of the running server, else the one on the path, else a system's newest."""
    if stage.programs and (stage.programs / "pgbench").is_file():
        return stage.programs / "pgbench"
    if found := shutil.which("pgbench"):
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), default=None)


class Pgbench:
    """Runs one program against databases of the stage."""

    def __init__(self, program: Path, stage: Stage) -> None:
        self._program = program
        self._stage = stage

    def initialise(self, database: str, scale: int) -> None:
        """The tables of TPC-B."""
        self._run(database, ["-i", "-q", "-s", str(scale)], {})

    def tpcb(self, database: str, *, clients: int, seconds: float) -> float:
        """Transactions a second of the built-in TPC-B, by prepared statements."""
        return self._rate(database, ["-b", "tpcb-like"], clients, seconds, {})

    def script(self, database: str, script: Path, *, clients: int, seconds: float) -> float:
        """Transactions a second of a script, as the role and with the settings of the service."""
        environment = {"PGOPTIONS": SERVICE_OPTIONS}
        return self._rate(database, ["-n", "-f", str(script)], clients, seconds, environment)

    def _rate(
        self,
        database: str,
        what: list[str],
        clients: int,
        seconds: float,
        environment: dict[str, str],
    ) -> float:
        load = ["-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds)))]
        said = self._run(database, [*what, *load], environment)
        found = _RATE.search(said)
        if not found:
            raise PgbenchError(said)
        return float(found[1])

    def _run(self, database: str, options: list[str], environment: dict[str, str]) -> str:
        host, port = self._stage.place
        done = subprocess.run(
            [self._program, "-h", host, "-p", port, "-U", "postgres", *options, database],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | environment,
        )
        if done.returncode or "aborted" in done.stderr:
            raise PgbenchError(done.stderr[-2000:])
        return done.stdout
