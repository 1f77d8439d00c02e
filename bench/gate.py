"""What must hold after every load, whatever it was for: no 5xx, no deadlock, the ledger's proof."""

from bench.stage import Stage
from kernel.database import owner_session
from loyalty.points.proof import CHECKS, prove


class Gate:
    """Collects what was wrong with the loads on one database."""

    def __init__(self, stage: Stage, database: str) -> None:
        self._stage = stage
        self._database = database
        self._deadlocks = self._count()
        self._found: list[str] = []

    def answered(self, statuses: dict[int, int]) -> None:
        """Statuses of a load and how often each came."""
        bad = {status: times for status, times in statuses.items() if status != 201}
        if bad:
            self._found.append(f"answers other than 201: {bad}")

    def close(self) -> tuple[str, ...]:
        """All findings, after counting deadlocks and proving the ledger."""
        deadlocks = self._count() - self._deadlocks
        if deadlocks:
            self._found.append(f"{deadlocks} deadlocks")
        with owner_session(self._stage.url(self._database), read_only=True) as session:
            self._found += [
                f"{found.number} {found.says}: {found.count} rows, such as {found.example}"
                for found in prove(session, CHECKS)
                if found.count
            ]
        return tuple(self._found)

    def _count(self) -> int:
        with self._stage.connect(self._database) as connection:
            row = connection.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            ).fetchone()
        return int(row[0]) if row else 0
