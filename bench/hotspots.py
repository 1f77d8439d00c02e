"""`python -m bench.hotspots`: where one POST /v1/redemptions spends its time, part by part.

The application runs in this process and thread, so parts are timed by wrapping their functions:
CPU of this thread (which other load disturbs little) and wall time, medians over many requests.
"""

import cProfile
import io
import os
import pstats
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import structlog
from flask import Flask

import api.app as app_module
import api.pipeline as pipeline
from api.app import create_app
from api.service import Service, build_service
from bench.asking import desk_tokens
from bench.people import Crowd, gather, member_id, reward_id
from bench.service import settings
from bench.stage import open_stage
from kernel.ids import new_id

REQUESTS: Final = 1_000
TOP: Final = 25


class Clock:
    """Times calls by name: CPU of the thread and wall, in µs."""

    def __init__(self) -> None:
        self.cpu: dict[str, list[float]] = defaultdict(list)
        self.wall: dict[str, list[float]] = defaultdict(list)

    def wrap(self, holder: Any, attribute: str, name: str) -> None:
        """Put a timed function in the place of this one."""
        inner = getattr(holder, attribute)
        setattr(holder, attribute, self.timed(inner, name))

    def timed(self, inner: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The same function, timed."""

        def run(*args: Any, **more: Any) -> Any:
            cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
            try:
                return inner(*args, **more)
            finally:
                self.wall[name].append((time.perf_counter_ns() - wall) / 1_000)
                self.cpu[name].append((time.thread_time_ns() - cpu) / 1_000)

        return run


def environ(token: str, number: int) -> dict[str, Any]:
    """A request as a WSGI server hands it over."""
    member, reward = member_id(number % 4_000 + 1), reward_id(number % 200 + 1)
    body = b'{"member_id":"%s","reward_id":"%s","quantity":1}' % (
        str(member).encode(),
        str(reward).encode(),
    )
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/redemptions",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_IDEMPOTENCY_KEY": new_id().hex,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def ask(app: Flask, token: str, number: int) -> None:
    """One request; anything but 201 ends the run."""
    said: list[str] = []

    def start(status: str, _: list[tuple[str, str]], *__: Any) -> Callable[[bytes], object]:
        said.append(status)
        return said.append  # type: ignore[return-value]

    answer = app.wsgi_app(environ(token, number), start)
    b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    if not said[0].startswith("201"):
        raise RuntimeError(said[0])


def _timed(service: Service, app: Flask, token: str) -> None:
    clock = Clock()
    before = Clock()
    whole = before.timed(lambda number: ask(app, token, number), "whole, nothing wrapped")
    for number in range(REQUESTS):
        whole(number)
    nothing = clock.timed(lambda: None, "nothing: what timing itself costs")
    for _ in range(REQUESTS):
        nothing()
    clock.wrap(service.limiter, "spend", "limiter (Redis)")
    clock.wrap(service.database, "call", "database call, psycopg and server")
    clock.wrap(pipeline, "authenticate", "token (remembered)")
    clock.wrap(pipeline, "_read_body", "body read strictly")
    clock.wrap(pipeline, "_arguments", "body by schema")
    clock.wrap(pipeline, "claim_of", "claim and fingerprint")
    clock.wrap(pipeline, "from_stored", "answer built")
    clock.wrap(app_module._log, "info", "log line")
    whole = clock.timed(lambda number: ask(app, token, number), "whole")
    for number in range(REQUESTS):
        whole(number)
    click.echo(f"{'part':<40} {'CPU us':>8} {'wall us':>8}")
    for source in (before, clock):
        for name, values in sorted(source.wall.items(), key=lambda item: -median(item[1])):
            click.echo(f"{name:<40} {median(source.cpu[name]):>8.0f} {median(values):>8.0f}")


def _profiled(app: Flask, token: str) -> None:
    profile = cProfile.Profile()
    profile.enable()
    for number in range(REQUESTS):
        ask(app, token, number)
    profile.disable()
    for order in ("tottime", "cumtime"):
        said = io.StringIO()
        pstats.Stats(profile, stream=said).strip_dirs().sort_stats(order).print_stats(TOP)
        click.echo(said.getvalue())


@click.command()
@click.option("--profile", is_flag=True, help="cProfile over the same requests as well")
def main(profile: bool) -> None:
    """Time the parts of a redemption request."""
    with open_stage(Path("var/bench")) as stage, stage.database("bench_hot") as database:
        gather(stage, database, Crowd(4_000, lots=4, points=100_000), rewards=200)
        stage.settle(database)
        told = settings(stage, database)
        service = build_service(told)
        app = create_app(service)
        token = desk_tokens(told, 1)[0]
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
            ask(app, token, 0)
            try:
                _timed(service, app, token)
                if profile:
                    _profiled(app, token)
            finally:
                service.database.dispose()


if __name__ == "__main__":
    main()
