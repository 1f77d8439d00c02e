"""A figure of a run, the table of them for people and var/bench.json for programs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` is None for what only explains; with `at_most` less is better.

    `beside` are the absolute numbers for people. `skipped` says why there is no value; `broken`
    are the gate's findings, and a figure with any is not met.
    """

    name: str
    unit: str
    value: float | None = None
    target: float | None = None
    at_most: bool = False
    beside: str = ""
    skipped: str = ""
    broken: tuple[str, ...] = ()

    @property
    def met(self) -> bool | None:
        """None: there is nothing to be met."""
        if self.value is None or self.target is None:
            return None
        enough = self.value <= self.target if self.at_most else self.value >= self.target
        return enough and not self.broken

    def gated(self, broken: Iterable[str]) -> "Figure":
        """The same with these findings of the gate."""
        return replace(self, broken=(*self.broken, *broken))


def show(figures: Iterable[Figure]) -> None:
    """A line per figure, and what the gate found below it."""
    for figure in figures:
        if figure.value is None:
            click.echo(f"{figure.name:<26}  skipped: {figure.skipped}")
            continue
        target = ""
        if figure.target is not None:
            target = f"{'<=' if figure.at_most else '>='} {figure.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
        value = f"{figure.value:,.3f}" if figure.unit == "ratio" else f"{figure.value:,.0f}"
        click.echo(
            f"{figure.name:<26} {value:>9} {figure.unit:<6} {target:<8} {verdict:<7}{figure.beside}"
        )
        for finding in figure.broken:
            click.echo(f"{'':<26} GATE: {finding}")


def write(figures: Iterable[Figure], path: Path) -> None:
    """The figures that have a value, as performance.md says."""
    rows = [
        {
            "name": figure.name,
            "value": round(figure.value, 4),
            "unit": figure.unit,
            "target": figure.target,
            "met": figure.met,
        }
        for figure in figures
        if figure.value is not None
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
