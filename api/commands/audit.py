"""`loyalty audit`: proves that nobody changed the audit trail, and tells where each chain ends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.commands.environment import find_servers
from api.commands.feed import dealer_named
from api.commands.work import every_dealer, unit_of_work
from api.messages import catalogue
from api.service import Service, build_service
from kernel.audit import (
    Anchor,
    Chain,
    Fault,
    audited_dealers,
    seal_waiting,
    tip_of,
    verify_chain,
)
from kernel.clock import system_clock
from kernel.database import owner_session
from kernel.errors import DomainError
from kernel.settings import load_settings
from loyalty.dealers.models import Dealer
from loyalty.dealers.roles import Role

WAITED_LONG = timedelta(days=2)
ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
SAID = {
    "changed": "the row or its link says something else than when it was chained",
    "missing": "the row or its link is gone",
    "reordered": "the row stands where another stood",
    "inserted": "the row was put between two that follow each other",
    "unlinked": "the row neither has a link nor waits for one: it was slipped in, or cut off",
    "tip": "the tip is gone or is not that of the last link",
    "anchor": "the chain does not go through the anchor: it was cut off or rewritten",
}

one_dealer = click.option("--dealer", metavar="CODE_OR_UUID", help="this dealer only")


@click.group()
def audit() -> None:
    """The audit trail, a chain per dealer."""


@audit.command()
@one_dealer
@click.option("--anchor", metavar="SEQ:HASH", help="a tip noted before; needs --dealer")
def verify(dealer: str | None, anchor: str | None) -> None:
    """Recompute every chain as of one moment and name the first bad row of each.

    A tail that was cut off together with the tip, or a chain that was written anew to its end, is
    seen against an --anchor alone: a line of `loyalty audit tip`, or of the nightly, that was kept
    outside of this database.

    Rows that wait for their link are no fault: acts of desks and of referrals are chained at once,
    the rest in the night. One that waits for over two days is told as a warning, because until
    it has its link nothing proves that it was not changed. Exit status 1: a bad row.
    """
    noted = _read_anchor(anchor, dealer)
    bad = 0
    with _owner() as (session, names):
        for dealer_id in _chosen(dealer, {*names, *audited_dealers(session)}):
            chain = verify_chain(session, dealer_id, noted)
            _tell(names.get(dealer_id, str(dealer_id)), chain)
            bad += chain.fault is not None
    if bad:
        raise SystemExit(1)


@audit.command()
@one_dealer
def tip(dealer: str | None) -> None:
    """Print where each chain ends, to be kept elsewhere as an anchor for `verify`."""
    with _owner() as (session, names):
        for dealer_id in _chosen(dealer, set(names)):
            click.echo(f"{names.get(dealer_id, dealer_id)} {tip_of(session, dealer_id)}")


@audit.command()
@one_dealer
def seal(dealer: str | None) -> None:
    """Chain the rows that wait, as the nightly does."""
    find_servers()
    service = build_service(load_settings())
    try:
        for dealer_id in _chosen(dealer, set(every_dealer(service.settings.database_url))):
            click.echo(f"{dealer_id}: {seal_all(service, dealer_id)}")
    finally:
        service.database.dispose()


def seal_all(service: Service, dealer_id: UUID) -> str:
    """Chain all that waits, page by page, and say how much and where the chain ends."""
    enter = partial(unit_of_work, service, dealer_id, role=Role.SYSTEM, client="audit")
    count, page = 0, -1
    while page:
        with enter() as uow:
            page = seal_waiting(uow.session, dealer_id)
            end = tip_of(uow.session, dealer_id)
        count += page
    return f"{count} audit rows sealed, tip {end}"


@contextmanager
def _owner() -> Iterator[tuple[Session, dict[UUID, str]]]:
    """A session that reads one moment of every dealer's rows, and the dealers' codes."""
    find_servers()
    with owner_session(load_settings().database_url, read_only=True) as session:
        known = session.execute(select(Dealer.id, Dealer.code).order_by(Dealer.code))
        yield session, {row.id: row.code for row in known}


def _chosen(dealer: str | None, everyone: set[UUID]) -> list[UUID]:
    if dealer is None:
        return sorted(everyone)
    try:
        return [dealer_named(load_settings().database_url, dealer)]
    except DomainError as error:
        message = catalogue()[error.code].detailed("en", error.params)
        raise click.ClickException(message) from error


def _read_anchor(anchor: str | None, dealer: str | None) -> Anchor | None:
    if anchor is None:
        return None
    found = ANCHOR.fullmatch(anchor)
    if found is None or dealer is None:
        wrong = "give SEQ:HASH as `loyalty audit tip` prints it, and --dealer"
        raise click.BadParameter(wrong, param_hint="--anchor")
    return Anchor(int(found[1]), bytes.fromhex(found[2]))


def _tell(name: str, chain: Chain) -> None:
    click.echo(f"{name}: {chain.chained} rows chained, {chain.waiting} waiting, tip {chain.tip}")
    since = chain.waiting_since
    if since and since < system_clock() - WAITED_LONG:
        click.echo(
            f"{name}: WARNING, a row waits since {since:%Y-%m-%d %H:%M} UTC: run the nightly"
        )
    if chain.fault:
        click.echo(f"{name}: BAD, {_named(chain.fault)}")


def _named(fault: Fault) -> str:
    return (
        f"seq {fault.seq or '-'}, event {fault.event_id or '-'}: {fault.what}, {SAID[fault.what]}"
    )
