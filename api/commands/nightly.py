"""`loyalty nightly`: what time alone does to the data. Run it twice and nothing more happens."""

from datetime import UTC, datetime

import click

from api.commands.environment import find_servers
from api.commands.work import every_dealer, unit_of_work
from api.service import build_service
from kernel.idempotency import forget_old
from kernel.settings import load_settings
from loyalty.dealers.roles import Role
from referral.expire import expire_due


@click.command()
@click.option("--as-of", type=click.DateTime(), help="the instant to work for (UTC); default now")
def nightly(as_of: datetime | None) -> None:
    """Expire referrals whose time is up, and forget idempotency keys of over seven days."""
    find_servers()
    service = build_service(load_settings())
    now = as_of.replace(tzinfo=UTC) if as_of else service.clock()
    for dealer_id in every_dealer(service.settings.database_url):
        expired = 0
        while True:
            with unit_of_work(
                service, dealer_id, role=Role.SYSTEM, client="nightly", now=now
            ) as uow:
                page = expire_due(uow)
                forgotten = forget_old(uow.session, now=now)
            expired += page
            if page == 0:
                break
        click.echo(f"{dealer_id}: {expired} referrals expired, {forgotten} keys forgotten")
    service.database.dispose()
