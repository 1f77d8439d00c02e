"""A dealer's programs as the service sees them: HTTP on loopback with a token per role.

A reader would break this by importing anything of the service: a client knows only answers.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any

TIMEOUT_S = 30
_DEALER = re.compile(r"(\S+)  .+  [0-9a-f-]{36}")
_TOKEN = re.compile(r"  ([a-z_]+(?:-\d+)?) +([\w.-]+)")

Tokens = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object answered; empty for anything else."""
        is_json = "json" in self.headers.get("content-type", "")
        return dict(json.loads(self.raw)) if is_json else {}

    def __getitem__(self, name: str) -> Any:
        """A member of the body, None when it is not there."""
        return self.body.get(name)

    def items(self, **wanted: object) -> list[dict[str, Any]]:
        """The rows of a list that have these values."""
        rows = self["items"] or []
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever works at one dealer, each in his role (`consultant`, `owner`, `crm`, …).

    Further people in a role are numbered: `callback_agent-2` is the second agent.
    """

    port: int
    dealer: str
    tokens: Tokens

    def at(self, dealer: str) -> "Client":
        """The same service, seen from another dealer."""
        return replace(self, dealer=dealer)

    def people(self, role: str) -> list[str]:
        """Everybody in a role."""
        return [who for who in self.tokens[self.dealer] if who.partition("-")[0] == role]

    def get(self, role: str | None, path: str) -> Reply:
        """Read as `role`; None is a stranger without a token."""
        return self._send("GET", path, self._headers(role))

    def post(
        self,
        role: str,
        path: str,
        body: Mapping[str, Any],
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Write as `role`. A decision names the `version` looked at; a retry its first `key`."""
        headers = self._headers(role) | {
            "Content-Type": "application/json",
            "Idempotency-Key": key or uuid.uuid4().hex,
        }
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self._send("POST", path, headers, json.dumps(body, ensure_ascii=False).encode())

    def _headers(self, role: str | None) -> dict[str, str]:
        if role is None:
            return {}
        return {"Authorization": f"Bearer {self.tokens[self.dealer][role]}"}

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()


def read_tokens(printed: str) -> Tokens:
    """The tokens `loyalty serve --demo` prints, by dealer and person."""
    tokens: dict[str, dict[str, str]] = {}
    for line in printed.splitlines():
        if dealer := _DEALER.fullmatch(line):
            found = tokens.setdefault(dealer[1], {})
        elif tokens and (token := _TOKEN.fullmatch(line)):
            found[token[1]] = token[2]
    return tokens
