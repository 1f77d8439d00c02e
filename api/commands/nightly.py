"""`loyalty nightly`: what time alone does to the data. Run it twice and nothing more happens.

Every dealer gets its night, whatever becomes of another's.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import click
from sqlalchemy import delete, func, select

from api.commands.environment import find_servers
from api.commands.work import every_dealer, unit_of_work
from api.service import Service, build_service
from kernel.database import owner_session
from kernel.idempotency import forget_old
from kernel.settings import load_settings
from loyalty.dealers.models import WithdrawnToken
from loyalty.dealers.roles import Role
from referral.expire import expire_due

ENDED_KEPT_FOR = timedelta(days=1)


@click.command()
@click.option("--as-of", type=click.DateTime(), help="the instant to work for (UTC); default now")
def nightly(as_of: datetime | None) -> None:
    """Expire referrals whose time is up; forget idempotency keys of over seven days, and withdrawn
    tokens that have ended by themselves. Exit status 1: at least one dealer's night failed."""
    find_servers()
    service = build_service(load_settings())
    try:
        now = _instant(service, as_of)
        dealers = every_dealer(service.settings.database_url)
        done = [_try_night(service, dealer_id, now) for dealer_id in dealers]
        tokens = _forget_ended_tokens(service.settings.database_url, now)
    finally:
        service.database.dispose()
    failed = done.count(False)
    click.echo(f"nightly: {len(done)} dealers, {failed} failed, {tokens} ended tokens forgotten")
    if failed:
        raise SystemExit(1)


def _instant(service: Service, as_of: datetime | None) -> datetime:
    present = service.clock()
    asked = as_of.replace(tzinfo=UTC) if as_of else present
    if asked > present:
        raise click.BadParameter("lies in the future", param_hint="--as-of")
    return asked


def _try_night(service: Service, dealer_id: UUID, now: datetime) -> bool:
    """Whether it went well. Of an error only the first line is told: more may quote a row."""
    try:
        expired, forgotten = _night(service, dealer_id, now)
    except Exception as error:
        reason = " ".join(str(error).splitlines()[:1])
        click.echo(f"{dealer_id}: FAILED, {type(error).__name__}: {reason}", err=True)
        return False
    click.echo(f"{dealer_id}: {expired} referrals expired, {forgotten} keys forgotten")
    return True


def _night(service: Service, dealer_id: UUID, now: datetime) -> tuple[int, int]:
    """How many referrals expired and how many keys were forgotten; a page is a transaction."""
    entered = partial(unit_of_work, service, dealer_id, role=Role.SYSTEM, client="nightly", now=now)
    expired, page = 0, -1
    while page:
        with entered() as uow:
            page = expire_due(uow)
        expired += page
    with entered() as uow:
        return expired, forget_old(uow.session, now=now)


def _forget_ended_tokens(database_url: str, now: datetime) -> int:
    """As the owner of the tables: the service itself has no right to take a token off its list.

    A day later than need be, because the end was told by whoever withdrew it, perhaps in the
    wrong zone.
    """
    ended = WithdrawnToken.until <= now - ENDED_KEPT_FOR
    with owner_session(database_url) as session:
        count = session.scalars(select(func.count()).where(ended)).one()
        session.execute(delete(WithdrawnToken).where(ended))
    return count
