"""`loyalty demo`: both stories against a service of its own, and a closing line for scripts.

A reader would break this by returning while something that was started still runs.
"""

import signal
from dataclasses import replace

import click

from api.commands.demo.checks import Checks, StoryBrokenError
from api.commands.demo.client import Client, read_tokens
from api.commands.demo.stage import data_folder, serving
from api.commands.demo.stories import fake, honest, paid, too_late
from api.commands.demo.theatre import Theatre, call_at_any_hour, open_theatre

DEALER = "north"
DAYS_LATER = 16


@click.command()
def demo() -> None:
    """Play an honest and a fake referral over HTTP; exit 1 when a check fails."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    checks = Checks()
    try:
        _play(checks)
    except StoryBrokenError:
        click.echo(f"\n{checks.summary()}")
        raise SystemExit(1) from None
    click.echo(f"\n{checks.summary()}")


def _play(checks: Checks) -> None:
    with data_folder() as home:
        click.echo("starting servers and a service with demonstration data (half a minute)")
        with serving(home) as served:
            tokens = read_tokens(served.printed)
            theatre = open_theatre(Client(served.port, DEALER, tokens), checks)
            call_at_any_hour(theatre)
            too_late(theatre)
            case = honest(theatre)
        click.echo(f"\nstarting again on the same data, the clock {DAYS_LATER} days later")
        with serving(home, days_later=DAYS_LATER) as served:
            client = Client(served.port, DEALER, tokens)
            theatre = Theatre(client, checks, theatre.owner_id)
            paid(theatre, replace(case, client=client))
            fake(theatre)
