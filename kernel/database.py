"""The engine and the transaction: the only place where anything commits or rolls back.

A request's connection runs as the role `loyalty_app`, which row-level security binds to one
dealer; an operator's command sees all of them through `owner_session`, or is refused.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from kernel.settings import SettingsError

APP_ROLE = "loyalty_app"
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 15_000
NO_TIMEOUT = 0
PROTECTED_TABLE = "point_entry"
_ONE_MOMENT: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_BIND_DEALER = text("SELECT set_config('app.dealer_id', :dealer, true)")
_TAKE_ROLE = text("SELECT set_config('role', :role, true)")
_IS_BLIND = text("SELECT row_security_active(to_regclass(:table)::oid)")


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint an error is about, to tell one refusal from another."""
    name: str | None = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return name


class Database:
    """A pool of connections and the transactions made on it."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        role: str | None = APP_ROLE,
        statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    ) -> None:
        options = [
            "-c timezone=UTC",
            r"-c default_transaction_isolation=read\ committed",
            f"-c lock_timeout={LOCK_TIMEOUT_MS}",
            f"-c statement_timeout={statement_timeout_ms}",
            "-c idle_in_transaction_session_timeout=30000",
        ]
        if role:
            options.append(f"-c role={role}")
        common: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": 5,
            "hide_parameters": True,
            "connect_args": {"options": " ".join(options), "application_name": "loyalty"},
        }
        self.engine: Engine = create_engine(url, pool_pre_ping=True, **common)
        self._calls: Engine = create_engine(url, isolation_level="AUTOCOMMIT", **common)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)

    @contextmanager
    def transaction(self, dealer_id: UUID, *, one_moment: bool = False) -> Iterator[Session]:
        """One transaction that sees and writes the rows of one dealer.

        Commits when the block ends well, rolls back when it raises. Of `one_moment` it writes
        nothing, and all its statements see the same moment.
        """
        session = self._sessions()
        try:
            if one_moment:
                session.connection(execution_options=_ONE_MOMENT)
            bind(session, dealer_id)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def call(self, statement: str, arguments: Sequence[Any]) -> Any:
        """Run one statement that is a transaction of its own, and return its one row.

        One trip to the database. When the connection turns out to be dead, all that lie idle are
        given up with it, and it is tried once more on a new one: what is called so must be safe to
        repeat, as a claim on a key makes it. Raises psycopg's errors.
        """
        for attempt in (1, 2):
            lent = self._calls.raw_connection()
            connection = cast(psycopg.Connection[Any], lent.driver_connection)
            try:
                return connection.execute(statement, arguments, prepare=True).fetchone()
            except psycopg.OperationalError:
                if attempt == 2 or not connection.closed:
                    raise
                lent.invalidate()
                self._calls.dispose()
            finally:
                lent.close()
        raise AssertionError("unreachable")

    def dispose(self) -> None:
        self.engine.dispose()
        self._calls.dispose()


@contextmanager
def owner_session(url: str, *, read_only: bool = False) -> Iterator[Session]:
    """One transaction of an operator's command, as the owner of the tables: every dealer's rows.

    Commits when the block ends well. It has no statement time-out; with `read_only` it writes
    nothing and every statement sees the same moment. Raises SettingsError when the login does
    not see every row (which would prove anything of none) or the tables are not there.
    """
    database = Database(url, pool_size=1, role=None, statement_timeout_ms=NO_TIMEOUT)
    try:
        with Session(database.engine, expire_on_commit=False) as session, session.begin():
            if read_only:
                session.connection(execution_options=_ONE_MOMENT)
            _refuse_the_blind(session)
            yield session
    finally:
        database.dispose()


def bind(session: Session, dealer_id: UUID) -> None:
    """Bind the transaction to a dealer: row-level security shows and takes his rows alone."""
    session.execute(_BIND_DEALER, {"dealer": str(dealer_id)})


def act_for(session: Session, dealer_id: UUID) -> None:
    """Give up the owner's rights until the transaction ends: from here on one dealer's service."""
    session.execute(_TAKE_ROLE, {"role": APP_ROLE})
    bind(session, dealer_id)


def _refuse_the_blind(session: Session) -> None:
    blind = session.scalar(_IS_BLIND, {"table": PROTECTED_TABLE})
    if blind is None:
        raise SettingsError("DATABASE_URL: no tables there yet, run `loyalty migrate`")
    if blind:
        raise SettingsError(
            "DATABASE_URL: this login does not see every dealer's rows; operators' commands need"
            " the login that owns the tables"
        )
