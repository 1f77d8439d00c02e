"""What every revision needs: run the SQL file beside it, drop what it made."""

from pathlib import Path

from alembic import op


def run_sql(revision_file: str) -> None:
    """Execute the .sql file of the same name."""
    _execute(Path(revision_file).with_suffix(".sql"))


def run_beside(revision_file: str, name: str) -> None:
    """Execute another .sql file in the folder of the revision."""
    _execute(Path(revision_file).with_name(name))


def install_functions(package: str) -> None:
    """(Re)create the server-side functions kept in `<package>/functions/`, in their order."""
    folder = Path(__file__).parent.parent.joinpath(*package.split("."), "functions")
    for path in sorted(folder.glob("*.sql")):
        _execute(path)


def drop_functions(prefix: str) -> None:
    """Drop every function whose name begins so, whatever its arguments."""
    op.execute(
        "DO $$ DECLARE found regprocedure; BEGIN FOR found IN SELECT oid::regprocedure"
        f" FROM pg_proc WHERE proname LIKE '{prefix}%' AND pronamespace = 'public'::regnamespace"
        " LOOP EXECUTE 'DROP ROUTINE ' || found || ' CASCADE'; END LOOP; END $$"
    )


def drop_tables(*names: str) -> None:
    """Drop in the order given."""
    for name in names:
        op.execute(f"DROP TABLE {name}")


def _execute(path: Path) -> None:
    op.get_bind().connection.cursor().execute(path.read_text("utf-8"))
