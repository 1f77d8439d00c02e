"""The demonstration's bookkeeping: every check is about an HTTP answer and is printed.

A story stops at its first failed check: what follows would stand on nothing.
"""

import click

from api.commands.demo.client import Reply


class StoryBrokenError(Exception):
    """A check failed; it is printed and counted already."""


class Checks:
    """Counts what was checked and what failed."""

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0

    def that(self, said: str, holds: bool, reply: Reply) -> None:
        """Print whether `said` holds of `reply`. Raises StoryBrokenError when it does not."""
        self.count += 1
        if holds:
            click.echo(f"  ok      {said}")
            return
        self.failed += 1
        click.echo(f"  FAILED  {said}\n          answered {reply.status}: {reply.raw.decode()}")
        raise StoryBrokenError(said)

    def summary(self) -> str:
        """The closing line, which scripts may read."""
        return f"demo: {self.count} checks, {self.failed} failed"
