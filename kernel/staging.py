"""Rows by the thousand: copied into a table of this transaction's own, then moved by one statement.

The service's tables cannot be copied into directly: row-level security stands before them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session


@contextmanager
def staged(
    session: Session, name: str, shape: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[None]:
    """A temporary table `name` of this `shape`, `(LIKE a_table)` or `OF a_type`, with the rows.

    It is gone when the block or the transaction ends. Constants only in name, shape and columns.
    """
    session.execute(text(f"CREATE TEMPORARY TABLE {name} {shape} ON COMMIT DROP"))
    connection: Any = session.connection().connection.driver_connection
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    target = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), listed)
    with connection.cursor() as cursor, cursor.copy(target) as copy:
        write = copy.write_row
        for row in rows:
            write(row)
    yield
    session.execute(text(f"DROP TABLE {name}"))


def move(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert the rows into a table of the service by one statement. Constants only, as above."""
    name, listed = f"{table}_staged", ", ".join(columns)
    with staged(session, name, f"(LIKE {table})", columns, rows):
        session.execute(
            text(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {name}")  # noqa: S608
        )
