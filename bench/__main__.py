"""`python -m bench`: measure, print the table, write var/bench.json; exit 1 on a missed target."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from bench import expiry, growth, imports, ocr, redeem, summary, tiers
from bench.figure import Figure, show, write
from bench.sizes import FULL, QUICK, Sizes
from bench.stage import Stage, open_stage

HOME: Final = Path("var/bench")
RESULT: Final = Path("var/bench.json")
Part = Callable[[Stage, Sizes, Path], list[Figure]]
PARTS: Final[dict[tuple[str, ...], Part]] = {
    tuple(redeem.NAMES): redeem.measure,
    tuple(summary.NAMES): summary.measure,
    tuple(imports.NAMES): imports.measure,
    tuple(expiry.NAMES): expiry.measure,
    tuple(tiers.NAMES): tiers.measure,
    tuple(growth.NAMES): growth.measure,
    tuple(ocr.NAMES): ocr.measure,
}


@click.command()
@click.option("--quick", is_flag=True, help="small sizes, the same names, about three minutes")
@click.option("--only", default="", metavar="NAME,...", help="only the parts with these figures")
def main(quick: bool, only: str) -> None:
    """Measure ratios against yardsticks in one run; how to read them: `bench/__init__.py`."""
    names = {name for part in PARTS for name in part}
    wanted = set(filter(None, only.split(","))) or names
    if wanted - names:
        raise click.BadParameter(f"choose from {', '.join(sorted(names))}", param_hint="--only")
    found: list[Figure] = []
    with open_stage(HOME) as stage:
        click.echo(f"{stage.source}, fsync on; {os.cpu_count()} cores, load {os.getloadavg()[0]}")
        for part, measure in PARTS.items():
            if wanted.intersection(part):
                began = time.monotonic()
                figures = [
                    figure
                    for figure in measure(stage, QUICK if quick else FULL, HOME)
                    if figure.name in wanted or figure.target is None
                ]
                show(figures)
                click.echo(f"({time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f})")
                found += figures
    write(found, RESULT)
    click.echo(f"written: {RESULT}")
    if any(figure.met is False for figure in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
