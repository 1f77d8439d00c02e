"""The night over members with one expiring lot each, against pure SQL that writes the same rows.

Each round works on two fresh copies of one database. The job is `loyalty nightly --no-proof` as
operators run it, called in this process: the start of an interpreter is not measured.
"""

import io
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

from api.commands.nightly import nightly
from bench.figure import Figure
from bench.gate import Gate
from bench.people import Crowd, gather
from bench.rounds import ratio, spread
from bench.service import settings
from bench.sizes import Sizes
from bench.stage import Stage
from bench.watch import LockWatch

NAMES: Final = {"expiry_1m_vs_sql": 1.1, "expiry_longest_page_ms": 250.0}
SCRIPT: Final = Path(__file__).with_name("expiry.sql")


def measure(stage: Stage, sizes: Sizes, _: Path) -> list[Figure]:
    """Both figures, from rounds A B A B."""
    jobs: list[float] = []
    plain: list[float] = []
    longest: list[float] = []
    broken: list[str] = []
    with stage.database("bench_expiry") as original:
        gather(stage, original, Crowd(sizes.expiry_members, expired=True))
        stage.settle(original)
        for number in range(sizes.expiry_rounds):
            last = number == sizes.expiry_rounds - 1
            with ExitStack() as round_:
                job = round_.enter_context(stage.database("bench_expiry_job", template=original))
                gate = Gate(stage, job)
                seconds, lock_ms = _job(stage, job)
                jobs.append(seconds)
                longest.append(lock_ms)
                _all_expired(stage, job)
                broken += gate.close() if last else ()
            with ExitStack() as round_:
                sql = round_.enter_context(stage.database("bench_expiry_sql", template=original))
                gate = Gate(stage, sql)
                plain.append(_plain(stage, sql))
                _all_expired(stage, sql)
                broken += [f"the yardstick: {each}" for each in gate.close()] if last else ()
    beside = (
        f"nightly {spread(jobs, 1)} s, SQL {spread(plain, 1)} s,"
        f" {sizes.expiry_members:,} members, {sizes.expiry_members / min(jobs):,.0f}/s"
    )
    value = ratio(jobs, plain)
    return [
        Figure("expiry_1m_vs_sql", "ratio", value, NAMES["expiry_1m_vs_sql"], True, beside).gated(
            broken
        ),
        Figure(
            "expiry_longest_page_ms",
            "ms",
            max(longest),
            NAMES["expiry_longest_page_ms"],
            True,
            "the longest that a transaction of the night held its locks",
        ),
    ]


def _job(stage: Stage, database: str) -> tuple[float, float]:
    """Seconds of the night, and the longest its locks were held in ms."""
    stage.settle()
    settings(stage, database)
    said = io.StringIO()
    with LockWatch(stage, database) as watch, redirect_stdout(said), redirect_stderr(said):
        began = time.perf_counter()
        try:
            nightly.main(["--no-proof"], standalone_mode=False)
        except SystemExit as failed:
            raise RuntimeError(f"the night failed: {said.getvalue()[-2000:]}") from failed
        seconds = time.perf_counter() - began
    return seconds, watch.longest_ms


def _plain(stage: Stage, database: str) -> float:
    stage.settle()
    with stage.connect(database) as connection:
        began = time.perf_counter()
        connection.execute(SCRIPT.read_bytes(), prepare=False)
        return time.perf_counter() - began


def _all_expired(stage: Stage, database: str) -> None:
    with stage.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM point_lot WHERE open").fetchone()
    if row != (0,):
        raise RuntimeError(f"{database}: lots still open: {row}")
