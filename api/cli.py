"""The console script `loyalty`: the second way in, for the people who run the service."""

import click

from api.commands.audit import audit
from api.commands.dealer import dealer
from api.commands.demo.command import demo
from api.commands.documents import docs
from api.commands.draw import draw
from api.commands.feed import import_
from api.commands.ledger import ledger
from api.commands.migrate import migrate
from api.commands.nightly import nightly
from api.commands.questions import questions
from api.commands.reward import reward
from api.commands.sample_command import sample
from api.commands.serve import serve
from api.commands.simulate import simulate
from api.commands.staff import staff
from api.commands.token import token
from kernel.servers import ServerError
from kernel.settings import SettingsError


@click.group()
def cli() -> None:
    """Points, rewards and verified referrals for car dealers."""


for command in (audit, dealer, demo, docs, ledger, migrate, nightly, reward, sample, serve):
    cli.add_command(command)
for command in (draw, questions, simulate, staff, token):
    cli.add_command(command)
cli.add_command(import_, "import")


def main() -> None:
    """Run the command; what the operator can mend is one line, not a traceback."""
    try:
        cli()
    except (SettingsError, ServerError) as error:
        raise SystemExit(f"loyalty: {error}") from error
