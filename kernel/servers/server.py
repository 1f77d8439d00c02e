"""What a starter hands out: a running server, or the reason why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


class ServerError(RuntimeError):
    """A server cannot be had or did not start; the message says which and what to do."""


@dataclass(frozen=True)
class Server:
    """A running server: its address, where its binaries come from, how to stop it.

    `location` is the folder of its data and log, which may differ from the wished one.
    `stop` may be called again without effect; leaving a `with` block calls it.
    """

    url: str
    source: str
    stop: Callable[[], None]
    location: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
