"""Runs revisions on the connection it is given. Locks are waited for briefly, never for long."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
connection.execute(text("SET lock_timeout = '1s'"))
connection.execute(text("SET statement_timeout = '60s'"))
connection.commit()
context.configure(connection=connection, target_metadata=None, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
