"""Watches, from a connection of its own, how long any transaction held what it had locked."""

import threading
import time
from types import TracebackType
from typing import Final, Self

from bench.stage import Stage

EVERY_SECONDS: Final = 0.005
_HOLDERS: Final = (
    "SELECT pid, xact_start FROM pg_stat_activity"
    " WHERE datname = %s AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
)


class LockWatch:
    """`longest_ms` after the block: from a transaction's first write to its end, within 5 ms or so.

    A transaction that has locked a row has an identifier of its own, and shows it.
    """

    def __init__(self, stage: Stage, database: str) -> None:
        self._stage = stage
        self._database = database
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.longest_ms = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        first: dict[tuple[int, object], float] = {}
        with self._stage.connect("postgres") as connection:
            while not self._over.wait(EVERY_SECONDS):
                rows = connection.execute(_HOLDERS, (self._database,), prepare=True).fetchall()
                now = time.perf_counter()
                first = {(pid, since): first.get((pid, since), now) for pid, since in rows}
                for seen in first.values():
                    self.longest_ms = max(self.longest_ms, (now - seen) * 1_000)
