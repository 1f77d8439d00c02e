"""What every revision needs: run the SQL file beside it, drop what it made."""

from pathlib import Path

from alembic import op


def run_sql(revision_file: str) -> None:
    """Execute the .sql file of the same name."""
    _execute(Path(revision_file).with_suffix(".sql"))


def install_functions(package: str) -> None:
    """(Re)create the server-side functions kept in `<package>/functions.sql`."""
    _execute(Path(__file__).parent.parent.joinpath(*package.split("."), "functions.sql"))


def drop_tables(*names: str) -> None:
    """Drop in the order given."""
    for name in names:
        op.execute(f"DROP TABLE {name}")


def _execute(path: Path) -> None:
    op.get_bind().connection.cursor().execute(path.read_text("utf-8"))
