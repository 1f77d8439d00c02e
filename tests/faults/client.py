"""A client as integrators should write one: the same key until there is an answer, and a history.

Every try is a line of the history file, so that what was acknowledged can be held against the
database afterwards (ledger.md, I5).
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID, uuid4

from tests.support.shop import Shop

PATIENCE_S = 30.0
ABORTS = 3
NO_LINGER = struct.pack("ii", 1, 0)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one try got: status 0 when the socket was aborted or the connection failed."""

    dealer: str
    key: str
    path: str
    status: int
    bytes: str
    id: str | None = None
    code: str | None = None
    points: int = 0
    said: str = ""

    @property
    def final(self) -> bool:
        """Whether the client need not come again."""
        again = self.status in (0, 429) or self.status >= 500 or self.code == "request_in_flight"
        return not again

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said)
        return found


class History:
    """Every try of every request, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        path.touch()

    def write(self, answer: Answer) -> None:
        facts = asdict(answer)
        del facts["said"]
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(facts) + "\n")

    def of(self, dealer_id: UUID) -> list[Answer]:
        """What one dealer's requests got, in the order in which they ended."""
        with self._path.open() as file:
            answers = (Answer(**json.loads(line)) for line in file)
            return [answer for answer in answers if answer.dealer == str(dealer_id)]


class Client:
    """Sends writes of a dealer's people to the server, each until it is answered."""

    def __init__(self, port: int, history: History) -> None:
        self._port, self._history = port, history

    def post(
        self,
        shop: Shop,
        role: str,
        path: str,
        body: Any,
        *,
        subject: UUID | None = None,
        key: str | None = None,
        dice: Random | None = None,
    ) -> Answer:
        """The final answer. With `dice` the first tries are aborted after 1-50 ms, by chance."""
        name = key or uuid4().hex
        sent = _request(shop.token(role, subject), path, body, name)
        end = time.monotonic() + PATIENCE_S
        for wait in _waits(dice):
            status, said = self._try(sent, wait)
            answer = _answer(shop, name, path, status, said)
            self._history.write(answer)
            if answer.final:
                return answer
            assert time.monotonic() < end, f"no answer to {path} within {PATIENCE_S} s: {answer}"
            if status:
                time.sleep(0.05)
        raise AssertionError("unreachable")

    def _try(self, sent: bytes, wait: float) -> tuple[int, bytes]:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as line:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                line.sendall(sent)
                line.settimeout(wait)
                response = HTTPResponse(line, method="POST")
                try:
                    response.begin()
                    return response.status, response.read()
                finally:
                    response.close()
        except (OSError, HTTPException):
            return 0, b""


def _waits(dice: Random | None) -> Iterator[float]:
    for _ in range(ABORTS if dice else 0):
        if dice and dice.random() < 0.6:
            yield dice.uniform(0.001, 0.050)
    while True:
        yield PATIENCE_S


def _request(token: str, path: str, body: Any, key: str) -> bytes:
    content = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _answer(shop: Shop, key: str, path: str, status: int, said: bytes) -> Answer:
    found = json.loads(said) if said.startswith(b"{") else {}
    digest = sha256(said).hexdigest()
    points = found.get("captured") or found.get("points") or 0
    return Answer(
        dealer=str(shop.dealer_id),
        key=key,
        path=path,
        status=status,
        bytes=digest,
        id=found.get("id"),
        code=found.get("code"),
        points=points if isinstance(points, int) else 0,
        said=said.decode(),
    )


def together(count: int, act: Callable[[int], Result]) -> list[Result]:
    """What `count` threads got that were let go at the same moment; thread n does `act(n)`."""
    gate = threading.Barrier(count)

    def run(number: int) -> Result:
        gate.wait(PATIENCE_S)
        return act(number)

    with ThreadPoolExecutor(count) as crowd:
        return list(crowd.map(run, range(count)))
