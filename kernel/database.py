"""The engine and the transaction: the only place where anything commits or rolls back.

Every connection runs as the role `loyalty_app`, which row-level security binds to one dealer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

APP_ROLE = "loyalty_app"
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 15_000
_BIND_DEALER = text("SELECT set_config('app.dealer_id', :dealer, true)")


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint an error is about, to tell one refusal from another."""
    name: str | None = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return name


class Database:
    """A pool of connections and the transactions made on it."""

    def __init__(self, url: str, *, pool_size: int = 8, role: str | None = APP_ROLE) -> None:
        options = [
            "-c timezone=UTC",
            f"-c lock_timeout={LOCK_TIMEOUT_MS}",
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            "-c idle_in_transaction_session_timeout=30000",
        ]
        if role:
            options.append(f"-c role={role}")
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={"options": " ".join(options), "application_name": "loyalty"},
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False, autoflush=True)

    @contextmanager
    def transaction(self, dealer_id: UUID) -> Iterator[Session]:
        """One transaction that sees and writes the rows of one dealer.

        Commits when the block ends well, rolls back when it raises.
        """
        session = self._sessions()
        try:
            session.execute(_BIND_DEALER, {"dealer": str(dealer_id)})
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def dispose(self) -> None:
        self.engine.dispose()
