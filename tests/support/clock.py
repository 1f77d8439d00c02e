"""A clock that tests move: time passes as usual, plus what was added."""

from datetime import UTC, datetime, timedelta


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self._added = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._added

    def add(self, **span: float) -> None:
        """Let time pass: `clock.add(days=15)`."""
        self._added += timedelta(**span)

    def reset(self) -> None:
        self._added = timedelta()
