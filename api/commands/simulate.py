"""`loyalty simulate`: invented referrals through the real rules, against the exact mathematics."""

import click

from referral.simulation.agreement import FALSE_ALARM, Line
from referral.simulation.run import simulate as run

FEWEST = 400


@click.command()
@click.option("--seed", required=True, type=int, help="the same seed, the same run")
@click.option("--cases", default=100_000, show_default=True, type=click.IntRange(min=FEWEST))
def simulate(seed: int, cases: int) -> None:
    """Run invented honest and fake referrals through the real rules (exit 1 when they disagree)."""
    report = run(seed, cases)
    click.echo(
        f"simulate: {report.pairs} pairs of people, {report.narrative} without an admissible set"
    )
    click.echo(
        f"{'who':<20}{'policy':<16}{'end':<12}{'cases':>7}{'seen':>10}{'exact':>10}  allowed"
    )
    for line in report.lines:
        click.echo(_told(line))
    click.echo(
        f"simulate: {len(report.lines)} lines, {report.outside} outside "
        f"(chance of a false alarm in a run: below {FALSE_ALARM:g})"
    )
    if report.outside:
        raise SystemExit(1)


def _told(line: Line) -> str:
    seen, low, high = (100 * count / line.cases for count in (line.seen, line.low, line.high))
    return (
        f"{line.tier:<20}{line.policy:<16}{line.end:<12}{line.cases:>7}{seen:>9.3f}%"
        f"{100 * line.exact:>9.3f}%  {low:.3f}..{high:.3f}%{'' if line.agrees else '  OUTSIDE'}"
    )
