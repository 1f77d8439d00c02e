"""`python -m bench.bare`: a Flask that answers one small JSON, on the server of the service.

The yardstick of reads: what no answer of Flask on this machine can be faster than.
"""

import click
from flask import Flask, Response
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

BODY = b'{"status":"ok"}'
app = Flask("bare", static_folder=None)


@app.get("/readyz")
def bare() -> Response:
    """The same bytes every time."""
    return Response(BODY, content_type="application/json")


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--workers", type=int, required=True)
@click.option("--threads", type=int, required=True)
def main(port: int, workers: int, threads: int) -> None:
    """Serve it as `loyalty serve` serves the API."""
    Granian(
        "bench.bare:app",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
