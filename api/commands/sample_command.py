"""`loyalty sample`: write the seeded CSV files that the demonstration imports."""

from datetime import UTC, datetime
from pathlib import Path

import click

from api.commands.sample import write_sample


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--members", default=500, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--dealer", default="north", show_default=True)
def sample(folder: Path, members: int, seed: int, dealer: str) -> None:
    """Write members.csv, vehicles.csv and documents.csv into FOLDER."""
    today = datetime.now(UTC).date()
    for file in write_sample(
        folder, dealer=dealer, members=members, seed=seed, today=today
    ).values():
        click.echo(file)
