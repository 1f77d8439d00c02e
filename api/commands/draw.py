"""`loyalty draw`: every draw as a file anyone may keep, and the proof that nobody chose one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from sqlalchemy import select

from api.commands.environment import find_servers
from api.commands.work import work_for
from api.service import build_service
from kernel.database import owner_session
from kernel.errors import RuleViolation
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.models import Dealer
from loyalty.dealers.roles import Role
from referral.draw_export import draws_to_prove, exported_draws
from referral.rules.draw_check import Bad, Proof, prove
from referral.rules.draw_line import read, written
from referral.rules.drawn import Drawn

SAID = {
    "repeated": "drawn once more for the same purpose",
    "promise": "the day's secret is not the one that was promised by its hash",
    "commitment": "the commitment is of something else than what is written down",
    "seed": "the seed does not follow from the day's secret and the commitment",
    "day": "drawn on another day than that of its secret",
    "unpromised": "the hash of the secret was not kept before the draw",
    "promise_not_chained": "the audit trail does not have the promise as it was kept",
    "commitment_not_chained": "the audit trail does not have the commitment",
    "no_first": "a second call without a first one",
    "party": "the party is not the one the seed decides",
    "sample": "the audit sample is not as the seed decides",
    "plan": "the plan of the calls does not follow from the draw",
    "called_party": "the party of the call is not the one drawn, or there is no call",
    "no_agents": "nobody was there to draw an agent from",
    "agent": "the call was given to another agent than the one drawn",
}


@click.group()
def draw() -> None:
    """The draws of whom to call."""


@draw.command()
def export() -> None:
    """Print every draw of every dealer, a JSON object each, to be kept and checked by anyone.

    Ids, hashes and times; no personal data, no facts, no answers. The secret of a day is told once
    that day is over in the dealer's zone.
    """
    for dealer in _of_each_dealer(exported_draws):
        for each in dealer:
            click.echo(json.dumps(written(each)))


@draw.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def verify(file: Path | None) -> None:
    """Recompute every draw and name the first bad one.

    Of FILE, which `loyalty draw export` wrote, it needs neither a database nor a key. Without FILE
    it proves the draws in the database, those of today too, and that promises and commitments stand
    in the audit trail; that this trail was not changed is for `loyalty audit verify` to prove.

    A day whose secret was promised on the day itself is no fault, but told: a dealer's first day is
    one. So are draws whose secret is not told yet: all but their seed is recomputed. Exit status 1:
    a bad draw.
    """
    proof = Proof()
    if file:
        proof = prove(_read(file))
    else:
        for dealer in _of_each_dealer(draws_to_prove):
            proof += prove(list(dealer))
    _tell(proof)
    if proof.first:
        raise SystemExit(1)


def _of_each_dealer(
    draws: Callable[[UnitOfWork], Iterator[Drawn]],
) -> Iterator[Iterator[Drawn]]:
    """The draws of one dealer after the other, as of one moment."""
    find_servers()
    service = build_service(load_settings())
    try:
        with owner_session(service.settings.database_url, read_only=True) as session:
            for dealer_id in session.scalars(select(Dealer.id).order_by(Dealer.id)).all():
                yield draws(work_for(service, session, dealer_id, role=Role.SYSTEM, client="draws"))
    finally:
        service.database.dispose()


def _read(file: Path) -> list[Drawn]:
    with file.open("rb") as lines:
        return [_read_line(number, line) for number, line in enumerate(lines, 1)]


def _read_line(number: int, line: bytes) -> Drawn:
    try:
        return read(json.loads(line))
    except ValueError as error:
        raise click.ClickException(f"line {number}: not JSON") from error
    except RuleViolation as error:
        wrong = f"{error.pointer or '/'}: {error.params['reason']}"
        raise click.ClickException(f"line {number}: not a draw, {wrong}") from error


def _tell(proof: Proof) -> None:
    click.echo(
        f"draws: {proof.draws} recomputed, {proof.bad} bad; {proof.same_day} with a secret promised"
        f" the same day, {proof.untold} whose secret is not told, {proof.old} from before 0.4"
    )
    if proof.first:
        click.echo(f"BAD, {_named(proof.first)}")


def _named(bad: Bad) -> str:
    found = bad.draw
    return f"referral {found.referral_id}, {found.purpose}: {bad.what}, {SAID[bad.what]}"
