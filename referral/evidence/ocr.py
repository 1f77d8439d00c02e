"""The doorway to the OCR engine (文字识别): a process of its own, one picture at a time.

It works without a network. A service installed without the extra `ocr` says so and goes on.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from referral.evidence.lines import Line, quarters
from referral.evidence.photo import Picture, turned
from referral.evidence.reading import SHORTEST_SIDE, Cause, Outcome, Reading, read

LIMIT_S: Final = 30.0
FRAME_BYTES: Final = 4
CHILD: Final = Path(__file__).with_name("ocr_child.py")
INHERITED: Final = ("PATH", "LD_LIBRARY_PATH")


class OcrAway(Exception):
    """Nobody could read the picture now; `cause` says why."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause = cause


class Engine(Protocol):
    """Whatever finds lines of text on a picture."""

    def lines(self, jpeg: bytes) -> Sequence[Line]:
        """The lines on it. Raises OcrAway."""


def read_picture(engine: Engine, picture: Picture) -> Reading:
    """What the picture says; one that does not stand upright is turned and read once more.

    Takes seconds: call it outside a transaction (architecture.md, rule 7). Never raises OcrAway.
    """
    if picture.short_side < SHORTEST_SIDE:
        return Reading(Outcome.UNREADABLE, Cause.TOO_SMALL)
    try:
        found = engine.lines(picture.jpeg)
        if by := quarters(found):
            found = engine.lines(turned(picture.jpeg, by))
    except OcrAway as away:
        return Reading(Outcome.NOT_READ, away.cause)
    return read(found)


class OcrProcess:
    """The engine in a child process: started when first asked, ended when it takes too long."""

    def __init__(self, *, limit_s: float = LIMIT_S, command: Sequence[str] = ()) -> None:
        self._limit_s = limit_s
        self._command = list(command) or [sys.executable, "-I", str(CHILD)]
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def lines(self, jpeg: bytes) -> Sequence[Line]:
        """The lines on the picture. Raises OcrAway `ocr_not_installed`, `ocr_busy` when others
        wait longer than the limit, `ocr_failed` when the child dies or exceeds it."""
        if find_spec("rapidocr") is None:
            raise OcrAway(Cause.OCR_NOT_INSTALLED)
        if not self._one_at_a_time.acquire(timeout=self._limit_s):
            raise OcrAway(Cause.OCR_BUSY)
        try:
            return self._ask(jpeg)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise OcrAway(Cause.OCR_FAILED) from error
        finally:
            self._one_at_a_time.release()

    @property
    def child_id(self) -> int | None:
        """The process that reads, while there is one."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _ask(self, jpeg: bytes) -> list[Line]:
        child = self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        too_late = threading.Timer(self._limit_s, child.kill)
        too_late.start()
        try:
            child.stdin.write(len(jpeg).to_bytes(FRAME_BYTES) + jpeg)
            child.stdin.flush()
            size = int.from_bytes(_exactly(child, FRAME_BYTES))
            said = json.loads(_exactly(child, size))
        finally:
            too_late.cancel()
        return [
            Line(text, score, ((a, b), (c, d), (e, f), (g, h)))
            for text, score, ((a, b), (c, d), (e, f), (g, h)) in said
        ]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self.close()
        if self._child is None:
            atexit.unregister(self.close)
            atexit.register(self.close)
            self._child = subprocess.Popen(  # noqa: S603 (a command of ours, no word of a caller's)
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in INHERITED if name in os.environ}
                | {"OMP_NUM_THREADS": "1"},
            )
        return self._child


def _exactly(child: subprocess.Popen[bytes], size: int) -> bytes:
    assert child.stdout is not None
    found = child.stdout.read(size)
    if len(found) != size:
        raise EOFError
    return found
