"""A service on this machine, from outside: a free port for it, and whether it is ready.

The demonstration, the fault tests and the benchmarks start the real service and ask here.
"""

import socket
from http.client import HTTPConnection, HTTPException


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_ready(port: int) -> bool:
    """Whether the service on this port says that it can serve."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
