"""How many requests a caller may make a minute: each process counts, and Redis adds them up.

No request waits for Redis: a thread tells it twice a second what was counted here and hears what
was counted elsewhere. So a caller of several processes may pass his limit by what he can do in half
a second, and a limiter that is away never refuses or fails a request.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.redis_link import RedisLink

MACHINE_FACTOR: Final = 20
WINDOW_S: Final = 60
EXCHANGE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the window, for the RateLimit headers."""

    granted: bool
    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """The RateLimit header fields of the IETF draft."""
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w=60',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
        }


@dataclass(slots=True)
class _Count:
    """Requests of a caller in the present window: made here, of them told, made elsewhere."""

    here: int = 0
    told: int = 0
    elsewhere: int = 0


class Limiter:
    """A fixed window of a minute per caller; a machine may make twenty times what a person may.

    Windows are minutes of the clock, the same for all processes.
    """

    def __init__(
        self,
        link: RedisLink | None,
        *,
        per_minute: int,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._per_minute = per_minute
        self._seconds = seconds
        self._window = 0
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()
        self._exchanging = threading.Lock()
        self._news = threading.Event()
        self._teller: threading.Thread | None = None

    def spend(self, caller: str, *, machine: bool) -> Allowance:
        """Count one request of this caller."""
        window, gone_s = divmod(int(self._seconds()), WINDOW_S)
        limit = self._per_minute * (MACHINE_FACTOR if machine else 1)
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            count = self._counts.setdefault(caller, _Count())
            count.here += 1
            total = count.here + count.elsewhere
            self._start()
        self._news.set()
        return Allowance(total <= limit, limit, max(0, limit - total), WINDOW_S - gone_s)

    def shared(self) -> bool:
        """Whether Redis answers, so that processes count together."""
        return self._link is not None and self._link.answers()

    def exchange(self) -> None:
        """Tell Redis what was counted here since last time, and hear what all counted.

        What it may not have heard is not told again: nobody is refused for a count made twice.
        """
        if self._link is None:
            return
        with self._exchanging:
            with self._lock:
                window, counts = self._window, self._counts
                news = {
                    caller: count.here - count.told
                    for caller, count in counts.items()
                    if count.here > count.told
                }
            told = {f"requests/{caller}/{window}": more for caller, more in news.items()}
            totals = self._link.add(told, seconds=2 * WINDOW_S)
            with self._lock:
                for place, (caller, more) in enumerate(news.items()):
                    count = counts[caller]
                    count.told += more
                    if totals is not None:
                        count.elsewhere = max(0, totals[place] - count.told)

    def _start(self) -> None:
        if self._teller is None and self._link is not None:
            self._teller = threading.Thread(target=self._tell, name="limiter", daemon=True)
            self._teller.start()

    def _tell(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            time.sleep(EXCHANGE_S)
            self.exchange()
