"""PostgreSQL and a Redis-compatible server for `make run` and the tests, with nothing installed.

Whoever has an address in the environment uses that one and never comes here; a server started
here ends with the process that started it.
"""

from kernel.servers.postgres import start_postgres
from kernel.servers.redis import start_redis
from kernel.servers.server import Server, ServerError

__all__ = ["Server", "ServerError", "start_postgres", "start_redis"]
