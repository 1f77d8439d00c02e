"""`loyalty migrate`: bring the database to the newest revision."""

import click
from sqlalchemy import create_engine

from api.commands.environment import find_servers
from kernel.settings import load_settings
from migrations.run import current
from migrations.run import migrate as run


@click.command()
@click.option("--revision", default="head", show_default=True)
def migrate(revision: str) -> None:
    """Upgrade (or downgrade to REVISION) the database of DATABASE_URL."""
    find_servers()
    engine = create_engine(load_settings().database_url)
    before = current(engine)
    run(engine, revision)
    click.echo(f"database: {before or 'empty'} -> {current(engine) or 'empty'}")
    engine.dispose()
