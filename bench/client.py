"""A load client that takes little from the machine: raw sockets, requests made beforehand, epoll.

`closed` keeps every connection busy; `paced` sends at a fixed rate whatever the answers take, and
counts the wait from the planned moment, so that a stall is not hidden.
"""

import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

RECEIVED_BYTES = 65_536
GIVE_UP_SECONDS = 30.0


class LoadError(RuntimeError):
    """The service went away or stopped answering during a load."""


@dataclass(slots=True)
class Load:
    """What came of a load: statuses, the seconds it took, each answer's seconds, our own CPU."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    cpu: float = 0.0
    example: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses.total() / self.seconds

    @property
    def client_cpu(self) -> float:
        """The share of one core the client took."""
        return self.cpu / self.seconds

    def percentile(self, share: float) -> float:
        """Of the waits, in ms."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


class _Connection:
    __slots__ = ("asked", "buffer", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.asked = 0.0

    def ask(self, request: bytes, planned: float) -> None:
        self.asked = planned
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """The answer, once it is whole."""
        received = self.socket.recv(RECEIVED_BYTES)
        if not received:
            raise LoadError("the service closed a connection")
        self.buffer += received
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        lower = self.buffer[:head].lower()
        place = lower.find(b"content-length:")
        if place < 0:
            raise LoadError(f"an answer without a length: {self.buffer[:200]!r}")
        length = int(lower[place + 15 :].split(b"\r", 1)[0])
        if len(self.buffer) < head + 4 + length:
            return None
        whole, self.buffer = self.buffer, b""
        return whole


def closed(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Load:
    """Every connection asks again as soon as it is answered."""
    return _run(port, requests, connections, seconds, rate=None)


def paced(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float, rate: float
) -> Load:
    """`rate` requests a second, evenly; a late one waits for a free connection, and that counts."""
    return _run(port, requests, connections, seconds, rate=rate)


def _run(
    port: int, requests: Iterator[bytes], connections: int, seconds: float, rate: float | None
) -> Load:
    load = Load()
    line = [_Connection(port) for _ in range(connections)]
    free = deque(line)
    selector = selectors.EpollSelector()
    for connection in line:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    cpu, start = time.process_time(), time.perf_counter()
    end, sent = start + seconds, 0
    try:
        while True:
            now = time.perf_counter()
            while free and now < end:
                planned = now if rate is None else start + sent / rate
                if planned > now or planned >= end:
                    break
                free.popleft().ask(next(requests), planned)
                sent += 1
            if now >= end and len(free) == connections:
                break
            if now > end + GIVE_UP_SECONDS:
                raise LoadError("no answer for 30 seconds")
            pause = 1.0 if rate is None or now >= end else max(0.0, start + sent / rate - now)
            for key, _ in selector.select(pause if free or now >= end else 1.0):
                whole = key.data.answer()
                if whole is not None:
                    load.waits.append(time.perf_counter() - key.data.asked)
                    load.statuses[int(whole[9:12])] += 1
                    load.example = whole
                    free.append(key.data)
        load.seconds = time.perf_counter() - start
        load.cpu = time.process_time() - cpu
    finally:
        selector.close()
        for connection in line:
            connection.socket.close()
    return load
