"""`loyalty nightly`: what time alone does to the data. Run it twice and nothing more happens.

Every dealer gets its night, whatever becomes of another's, and every member his. The order of the
work is a contract (ledger.md): see the command's help.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import click
from sqlalchemy import delete, func, select

from api.commands.audit import seal_all
from api.commands.environment import find_servers
from api.commands.ledger import tell_proof
from api.commands.work import every_dealer, unit_of_work
from api.service import Service, build_service
from kernel.database import owner_session
from kernel.idempotency import forget_old
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits import nightly as benefits
from loyalty.dealers.models import WithdrawnToken
from loyalty.dealers.roles import Role
from loyalty.points import nightly as points
from loyalty.points.proof import settled_checks
from loyalty.rewards.stock import lapse_codes, return_overdue_stock
from loyalty.tiers import nightly as tiers
from referral.nightly import referrals_night

ENDED_KEPT_FOR = timedelta(days=1)
MOST_A_PAGE = 50_000
STOCK_PAGE_REWARDS = 200


@dataclass(frozen=True, slots=True)
class Night:
    """What is to be done: everything due by `as_of`, points in pages of so many members."""

    service: Service
    as_of: datetime
    page: int

    def enter(self, dealer_id: UUID, now: datetime | None = None) -> points.Enter:
        """Transactions of this dealer's night; what is posted is posted `now`, the present."""
        return partial(
            unit_of_work, self.service, dealer_id, role=Role.SYSTEM, client="nightly", now=now
        )


@click.command()
@click.option("--as-of", type=click.DateTime(), help="the instant to work for (UTC); default now")
@click.option(
    "--page",
    type=click.IntRange(1, MOST_A_PAGE),
    default=points.PAGE_MEMBERS,
    show_default=True,
    help="how many members' points one transaction works on and locks",
)
@click.option("--no-proof", is_flag=True, help="leave out the proof of the whole ledger")
def nightly(as_of: datetime | None, page: int, no_proof: bool) -> None:
    """Do what time alone brings about, for every dealer, in this order:

    \b
    1. points: holds past their time are released; pending points whose
       day has come are activated; those whose event never came are
       cancelled; lots past their date expire; arrears are settled
    2. tiers: every member stands where the day puts him; who has been
       below his tier for the whole grace falls
    3. benefits: reservations past their time end; periods that are over
       close, what may be carried over goes on, the rest lapses, and so
       does what belonged to a car that was sold
    4. stock that holds kept and no longer need goes back; voucher codes
       whose day has passed leave their pools
    5. calls whose time is up end, referrals whose time is up expire; second
       calls begin for which no agent was free, calls of agents who left
       go to the next by the draw; appeals nobody decided lapse, penalties
       whose appeal is over take effect; the hash of tomorrow's secret of the
       draws is kept, what cars and members are like is counted; messages
       nobody collected, numbers given up and old photos are forgotten
    6. idempotency keys of over seven days are forgotten
    7. audit rows that wait for their link are chained; the tip that is
       printed, kept elsewhere, is an anchor for `loyalty audit verify`
    and, when every dealer is done,
    8. withdrawn tokens that have ended by themselves are forgotten
    9. the proof: the whole ledger, and that nothing due is left

    What was due by --as-of is done; what is written about points and benefits bears the present
    time, and referrals are worked on as of the present: no draw is ever dated back. The night may
    be stopped at any moment and run again, and run twice: the second finds nothing to do. What
    fails for one member in 1 to 3, or for one dealer, stops only that one: a member is named,
    unless it fails for over a hundred. Exit status 1: something failed, or the proof is broken.
    """
    find_servers()
    service = build_service(load_settings())
    url = service.settings.database_url
    try:
        night = Night(service, _instant(service, as_of), page)
        failed = [_try_dealer(night, dealer_id) for dealer_id in every_dealer(url)]
        tokens = _forget_ended_tokens(url, night.as_of)
    finally:
        service.database.dispose()
    said = f"{len(failed)} dealers, {sum(failed)} failed"
    click.echo(f"nightly: {said}, {tokens} ended tokens forgotten")
    proof = settled_checks(night.as_of)
    broken = 0 if no_proof else tell_proof(url, *proof, only_broken=True)
    if any(failed) or broken:
        raise SystemExit(1)


def _instant(service: Service, as_of: datetime | None) -> datetime:
    present = service.clock()
    asked = as_of.replace(tzinfo=UTC) if as_of else present
    if asked > present:
        raise click.BadParameter("lies in the future", param_hint="--as-of")
    return asked


def _try_dealer(night: Night, dealer_id: UUID) -> bool:
    """Whether anything failed. Of an error only the first line is told: more may quote a row."""
    failures: list[points.Failure] = []
    try:
        told = _dealers_night(night, dealer_id, failures)
    except Exception as error:
        reason = " ".join(str(error).splitlines()[:1])
        click.echo(f"{dealer_id}: FAILED, {type(error).__name__}: {reason}", err=True)
        return True
    finally:
        for failure in failures:
            click.echo(f"{dealer_id}: member {failure.member_id}: FAILED, {failure.why}", err=True)
    click.echo(f"{dealer_id}: {told}")
    return bool(failures)


def _dealers_night(night: Night, dealer_id: UUID, failures: list[points.Failure]) -> str:
    """What was done, in words; a page is a transaction."""
    done = _points(night, dealer_id, failures)
    moved = tiers.assess_all(night.enter(dealer_id), failures, as_of=night.as_of)
    settled = benefits.settle_all(night.enter(dealer_id), failures, as_of=night.as_of)
    entered = night.enter(dealer_id, night.as_of)
    returned = _page_by_page(entered, lambda uow: return_overdue_stock(uow, STOCK_PAGE_REWARDS))
    lapsed = _page_by_page(entered, lambda uow: lapse_codes(uow, STOCK_PAGE_REWARDS))
    referrals = referrals_night(night.enter(dealer_id))
    with entered() as uow:
        forgotten = forget_old(uow.session, now=night.as_of)
    second = f"{referrals.second_calls} second calls, {referrals.agents_replaced} agents replaced"
    calls = f"{referrals.calls_ended} calls ended, {second}"
    said = f"{referrals.expired} referrals expired, {calls}, {forgotten} keys forgotten"
    stock = f"{returned} pieces back in stock, {lapsed} codes lapsed"
    told = f"benefits of {settled.members} members settled; {stock}"
    sealed = seal_all(night.service, dealer_id)
    return f"{said}; points: {done}; {moved} tiers moved; {told}; {sealed}"


def _page_by_page(entered: points.Enter, work: Callable[[UnitOfWork], int]) -> int:
    """How many there were in all; a page is a transaction, the last one finds nothing."""
    count, page = 0, -1
    while page:
        with entered() as uow:
            page = work(uow)
        count += page
    return count


def _points(night: Night, dealer_id: UUID, failures: list[points.Failure]) -> points.Done:
    """The points of this dealer's members, with progress where somebody looks on."""
    entered, shown = night.enter(dealer_id), sys.stderr.isatty()
    most = 0
    if shown:
        with entered() as uow:
            most = points.count_due(uow, as_of=night.as_of)
    done = points.Done()
    with click.progressbar(
        length=most, label=f"{dealer_id} members", file=sys.stderr, hidden=not shown
    ) as bar:
        for page in points.work_pages(entered, failures, as_of=night.as_of, page=night.page):
            done += page
            bar.update(page.members)
    return done


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
