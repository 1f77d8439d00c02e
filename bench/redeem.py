"""The redemption: its function against TPC-B, and the whole request against its function.

The same function in the same database each time: called by pgbench with the rights and settings
of the service, and by `POST /v1/redemptions` with token, schema, limiter, key, audit and outbox.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from bench.asking import desk_tokens, redemptions
from bench.client import Load, closed
from bench.figure import Figure
from bench.gate import Gate
from bench.people import Crowd, gather
from bench.pgbench import Pgbench, find_pgbench
from bench.rounds import alternated, ratio, spread
from bench.service import serving, settings
from bench.sizes import Sizes
from bench.stage import Stage

SCRIPT: Final = Path(__file__).with_name("redeem.sql")
FEW, MANY = 8, 32
LOTS, POINTS = 4, 100_000
TPCB_DATABASE: Final = "bench_tpcb"
NAMES: Final = {
    "redeem_function_vs_tpcb": 0.80,
    "redeem_vs_same_sql": 0.45,
    "redeem_vs_same_sql_32": 0.80,
    "redeem_vs_tpcb": 0.35,
    "hot_reward_vs_spread": 0.90,
    "worker_rss_mb": 180,
}


def measure(stage: Stage, sizes: Sizes, home: Path) -> list[Figure]:
    """All figures of the redemption, from rounds of one run."""
    program = find_pgbench(stage)
    if program is None:
        skipped = "no pgbench"
        return [Figure(name, "ratio", skipped=skipped) for name in NAMES]
    pgbench = Pgbench(program, stage)
    with stage.database("bench_redeem") as database:
        gather(
            stage, database, Crowd(sizes.members, lots=LOTS, points=POINTS), rewards=sizes.rewards
        )
        with stage.connect("postgres") as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {TPCB_DATABASE}")
            admin.execute(f"CREATE DATABASE {TPCB_DATABASE}")
        pgbench.initialise(TPCB_DATABASE, sizes.pgbench_scale)
        stage.settle(database, TPCB_DATABASE)
        gate = Gate(stage, database)
        with tempfile.TemporaryDirectory() as folder:
            scripts = _Scripts(Path(folder), sizes)
            found, loads, rss = _rounds(stage, pgbench, scripts, sizes, database, home)
        for load in loads:
            gate.answered(load.statuses)
        broken = gate.close()
        return [figure.gated(broken) for figure in (*_figures(found, loads), rss)]


class _Scripts:
    """The pgbench script with its numbers filled in."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.spread = _written(folder / "spread.sql", sizes.members, sizes.rewards)
        self.hot = _written(folder / "hot.sql", sizes.members, 1)


def _written(path: Path, members: int, rewards: int) -> Path:
    """Numbers instead of variables: pgbench sends its variables as parameters of unknown type."""
    text = SCRIPT.read_text("utf-8")
    path.write_text(
        text.replace(":members)", f"{members})").replace(":rewards)", f"{rewards})"), "utf-8"
    )
    return path


def _rounds(
    stage: Stage, pgbench: Pgbench, scripts: _Scripts, sizes: Sizes, database: str, home: Path
) -> tuple[dict[str, list[float]], list[Load], Figure]:
    told = settings(stage, database)
    loads: list[Load] = []
    with serving(stage, database, home) as service:
        asked = redemptions(desk_tokens(told, MANY), members=sizes.members, rewards=sizes.rewards)

        def http(connections: int, seconds: float = sizes.seconds) -> float:
            load = closed(service.port, asked, connections=connections, seconds=seconds)
            loads.append(load)
            return load.rate

        def sql(script: Path, clients: int) -> float:
            return pgbench.script(database, script, clients=clients, seconds=sizes.seconds)

        http(MANY, seconds=2)
        loads.clear()
        measures: dict[str, Callable[[], float]] = {
            "tpcb": lambda: pgbench.tpcb(TPCB_DATABASE, clients=FEW, seconds=sizes.seconds),
            "function": lambda: sql(scripts.spread, FEW),
            "http": lambda: http(FEW),
            "function_32": lambda: sql(scripts.spread, MANY),
            "http_32": lambda: http(MANY),
            "hot": lambda: sql(scripts.hot, FEW),
        }
        found = alternated(measures, sizes.rounds)
        rss = Figure(
            "worker_rss_mb",
            "MB",
            service.workers_rss_mb(),
            NAMES["worker_rss_mb"],
            at_most=True,
            beside="the largest web worker after the load",
        )
        return found, loads, rss


def _figures(found: dict[str, list[float]], loads: list[Load]) -> list[Figure]:
    few, many = loads[0::2], loads[1::2]
    pairs = {
        "redeem_function_vs_tpcb": ("function", "tpcb", ""),
        "redeem_vs_same_sql": ("http", "function", _about(few)),
        "redeem_vs_same_sql_32": ("http_32", "function_32", _about(many)),
        "redeem_vs_tpcb": ("http", "tpcb", ""),
        "hot_reward_vs_spread": ("hot", "function", ""),
    }
    return [
        Figure(
            name,
            "ratio",
            ratio(found[above], found[below]),
            NAMES[name],
            beside=f"{above} {spread(found[above])} /s, {below} {spread(found[below])} /s{about}",
        )
        for name, (above, below, about) in pairs.items()
    ]


def _about(loads: list[Load]) -> str:
    middle, late = (median(load.percentile(share) for load in loads) for share in (0.5, 0.99))
    cpu = median(load.client_cpu for load in loads)
    return f", p50 {middle:.1f} ms, p99 {late:.1f} ms, client_cpu {cpu:.2f}"
