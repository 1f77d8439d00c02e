"""`loyalty ledger verify`: the nightly proof, for people and for cron (exit 1 when broken)."""

import click
from sqlalchemy.orm import Session

from api.commands.environment import find_servers
from kernel.database import Database
from kernel.settings import load_settings
from loyalty.points.proof import CHECKS, prove
from referral.proof import CHECKS as REFERRAL_CHECKS


@click.group()
def ledger() -> None:
    """The points ledger."""


@ledger.command()
def verify() -> None:
    """Prove the invariants of every dealer's points, rewards and referrals."""
    find_servers()
    admin = Database(load_settings().database_url, role=None)
    broken = 0
    with Session(admin.engine) as session:
        for finding in prove(session, (*CHECKS, *REFERRAL_CHECKS)):
            state = "holds" if finding.count == 0 else f"BROKEN by {finding.count} rows"
            click.echo(f"{finding.check.number:<3} {finding.check.says}: {state}")
            if finding.example:
                click.echo(f"    first: {finding.example}")
            broken += finding.count > 0
    admin.dispose()
    click.echo(f"ledger: {len(CHECKS) + len(REFERRAL_CHECKS)} checks, {broken} broken")
    if broken:
        raise SystemExit(1)
