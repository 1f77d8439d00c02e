"""The published keys of one issuer, kept while their source fails: stale keys beat no keys.

A reader would break this by forgetting known keys because a fetch went wrong.
"""

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

FRESH_S = 300
UNKNOWN_KEY_PAUSE_S = 30
FETCH_TIMEOUT_S = 2.0
MAX_DOCUMENT_BYTES = 65_536

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CHUNK_BYTES = 8_192

KeyT = TypeVar("KeyT")


class KeySourceError(Exception):
    """The key document cannot be had, or is no key document."""


class NoKeysYetError(Exception):
    """No key document was ever read, so nothing can be said about any key."""


def is_safe(location: str) -> bool:
    """Tell whether keys may come from `location`: a file, https, or http on this machine."""
    parts = urlsplit(location)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    return not parts.scheme or local or (parts.scheme == "https" and bool(parts.hostname))


def fetch(location: str) -> bytes:
    """Return the key document at a URL or in a file.

    Waits at most 2 s for the network, takes at most 64 KiB, follows no redirect; raises
    KeySourceError.
    """
    parts = urlsplit(location)
    try:
        if not parts.scheme:
            return _limited(Path(location).read_bytes())
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=FETCH_TIMEOUT_S)
        target = parts._replace(scheme="", netloc="", fragment="", path=parts.path or "/")
        return _get(connection, target.geturl())
    except (OSError, HTTPException) as error:
        raise KeySourceError(type(error).__name__) from error


def _get(connection: HTTPConnection, target: str) -> bytes:
    deadline = time.monotonic() + FETCH_TIMEOUT_S
    body = b""
    try:
        connection.request("GET", target, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise KeySourceError(f"status {answer.status}")
        while chunk := answer.read1(_CHUNK_BYTES):
            body = _limited(body + chunk)
            if time.monotonic() > deadline:
                raise KeySourceError("too slow")
    finally:
        connection.close()
    return body


def _limited(body: bytes) -> bytes:
    if len(body) > MAX_DOCUMENT_BYTES:
        raise KeySourceError("the document is too large")
    return body


class KeyCache(Generic[KeyT]):
    """Keys by `kid`, read again after 5 minutes, or for an unknown `kid` at most every 30 s.

    `parse` turns a document into keys and raises KeySourceError if it holds none; `now` is a
    clock in seconds. Raises ValueError for an unsafe location. Safe between threads
    (api.md, stale-while-error; promises.md P15).
    """

    def __init__(
        self,
        location: str,
        parse: Callable[[bytes], Mapping[str, KeyT]],
        now: Callable[[], float],
    ) -> None:
        if not is_safe(location):
            raise ValueError("keys are fetched from a file or by https only")
        self._location = location
        self._parse = parse
        self._now = now
        self._keys: Mapping[str, KeyT] = {}
        self._tried_at: float | None = None
        self._missed_at: float | None = None
        self._fetching = threading.Lock()

    def get(self, kid: str) -> KeyT | None:
        """Return the key named `kid`, or None if the issuer publishes no such key.

        Raises NoKeysYetError if no document could be read since the start.
        """
        key = self._keys.get(kid)
        if key is None:
            return self._get_unknown(kid)
        if not self._within(FRESH_S, self._tried_at) and self._fetching.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._fetching.release()
            return self._keys.get(kid)
        return key

    def _get_unknown(self, kid: str) -> KeyT | None:
        with self._fetching:
            if self._tried_at is None:
                self._refresh()
            if kid not in self._keys and not self._within(UNKNOWN_KEY_PAUSE_S, self._missed_at):
                self._missed_at = self._now()
                self._refresh()
            if not self._keys:
                raise NoKeysYetError
            return self._keys.get(kid)

    def _refresh(self) -> None:
        self._tried_at = self._now()
        try:
            self._keys = self._parse(fetch(self._location))
        except KeySourceError:
            return

    def _within(self, seconds: float, moment: float | None) -> bool:
        return moment is not None and 0 <= self._now() - moment < seconds
