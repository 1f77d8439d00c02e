"""The p99 of a redemption over HTTP in a large ledger against a small one, at the same low rate.

Two databases in one cluster, a service on each, 20 entries a member in both; the rate is fixed, so
both services do the same work, and waits count from the planned moment.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench.asking import desk_tokens, redemptions
from bench.client import Load, closed, paced
from bench.figure import Figure
from bench.gate import Gate
from bench.people import Crowd, gather
from bench.rounds import alternated, spread
from bench.service import Service, serving, settings
from bench.sizes import Sizes
from bench.stage import Stage

NAMES: Final = {"redeem_p99_growth": 1.2}
LOTS, SPENT, ENTRIES_A_MEMBER = 7, 3, 20
CONNECTIONS, A_SECOND = 4, 40.0
WARM_UP_SECONDS: Final = 3.0
LATE: Final = 0.99


class _Side:
    """One ledger with its service, and all loads on it."""

    def __init__(self, service: Service, asked: Iterator[bytes], seconds: float) -> None:
        self._service = service
        self._asked = asked
        self._seconds = seconds
        self.loads: list[Load] = []

    def warm_up(self) -> None:
        """Every worker has its connections and its plans."""
        closed(
            self._service.port, self._asked, connections=CONNECTIONS * 2, seconds=WARM_UP_SECONDS
        )

    def p99(self) -> float:
        """One round; the p99 in ms."""
        load = paced(
            self._service.port,
            self._asked,
            connections=CONNECTIONS,
            seconds=self._seconds,
            rate=A_SECOND,
        )
        self.loads.append(load)
        return load.percentile(LATE)

    def pooled(self) -> Load:
        """All rounds as one."""
        whole = Load()
        for load in self.loads:
            whole.waits += load.waits
            whole.statuses.update(load.statuses)
        return whole


def measure(stage: Stage, sizes: Sizes, home: Path) -> list[Figure]:
    """The figure, from alternated rounds; its value is the ratio of the p99 over all rounds."""
    with ExitStack() as running:
        gates: list[Gate] = []
        sides: dict[str, _Side] = {}
        for name, entries in (("small", sizes.growth_small), ("large", sizes.growth_large)):
            database = running.enter_context(stage.database(f"bench_{name}"))
            crowd = Crowd(entries // ENTRIES_A_MEMBER, lots=LOTS, spent=SPENT)
            gather(stage, database, crowd)
            stage.settle(database)
            gates.append(Gate(stage, database))
            tokens = desk_tokens(settings(stage, database), CONNECTIONS)
            asked = redemptions(tokens, members=crowd.members, rewards=1)
            service = running.enter_context(serving(stage, database, home))
            sides[name] = _Side(service, asked, sizes.growth_seconds)
        for side in sides.values():
            side.warm_up()
        measures: dict[str, Callable[[], float]] = {name: side.p99 for name, side in sides.items()}
        found = alternated(measures, sizes.growth_rounds)
        pooled = {name: side.pooled() for name, side in sides.items()}
        broken: list[str] = []
        for gate, load in zip(gates, pooled.values(), strict=True):
            gate.answered(load.statuses)
            broken += gate.close()
    beside = ", ".join(
        f"{name} p99 {spread(found[name], 1)} ms, p50 {median(load.waits) * 1_000:.1f} ms"
        for name, load in pooled.items()
    )
    beside += f", {sizes.growth_large:,} and {sizes.growth_small:,} entries, {A_SECOND:g}/s"
    value = pooled["large"].percentile(LATE) / pooled["small"].percentile(LATE)
    return [
        Figure("redeem_p99_growth", "ratio", value, NAMES["redeem_p99_growth"], True, beside).gated(
            broken
        )
    ]
