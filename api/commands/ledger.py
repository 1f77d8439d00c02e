"""`loyalty ledger verify`: the nightly proof, for people and for cron (exit 1 when broken)."""

from collections.abc import Iterator

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.commands.environment import find_servers
from kernel.database import owner_session
from kernel.model import Base
from kernel.settings import load_settings
from loyalty.finance.proof import CHECKS as FINANCE_CHECKS
from loyalty.points.models import PointEntry, PostingSet
from loyalty.points.proof import CHECKS, Check, Finding, prove
from referral.models import Referral, ReferralTransition
from referral.moves import step_hash
from referral.proof import CHECKS as REFERRAL_CHECKS

PROOFS = (CHECKS, FINANCE_CHECKS, REFERRAL_CHECKS)
PAGE_ROWS = 1_000
LOOKED_AT: dict[str, type[Base]] = {
    "posting sets": PostingSet,
    "entries": PointEntry,
    "referrals": Referral,
}


@click.group()
def ledger() -> None:
    """The points ledger."""


@ledger.command()
def verify() -> None:
    """Prove the invariants of every dealer's points, rewards and referrals, as of one moment."""
    find_servers()
    if tell_proof(load_settings().database_url):
        raise SystemExit(1)


def tell_proof(database_url: str, *more: Check, only_broken: bool = False) -> int:
    """Prove everything, and `more`, as of one moment, and print it; how many checks are broken."""
    with owner_session(database_url, read_only=True) as session:
        click.echo(f"ledger: looked at {_looked_at(session)}")
        states = [_tell(finding, only_broken) for finding in findings(session, *more)]
    broken = states.count(False)
    click.echo(f"ledger: {len(states)} checks, {broken} broken")
    return broken


def findings(session: Session, *more: Check) -> Iterator[Finding]:
    """The proofs of the ledger (ledger.md), of closed months, and of referrals (referral.md)."""
    for checks in (*PROOFS, more):
        yield from prove(session, checks)
    yield _forged_steps(session)


def _forged_steps(session: Session) -> Finding:
    """Recompute the hash of every step: SQL can compare hashes, but not say what they are of."""
    count, example = 0, None
    steps = (
        select(ReferralTransition)
        .order_by(ReferralTransition.referral_id, ReferralTransition.seq)
        .execution_options(yield_per=PAGE_ROWS)
    )
    for step in session.scalars(steps):
        if step_hash(step) != step.hash:
            count += 1
            example = example or f"{step.referral_id}, {step.seq}"
    return Finding("R4", "each step's hash is the hash of its facts", count, example)


def _looked_at(session: Session) -> str:
    counts = {
        name: session.scalars(select(func.count()).select_from(model)).one()
        for name, model in LOOKED_AT.items()
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _tell(finding: Finding, only_broken: bool) -> bool:
    """Print what became of a check; whether it holds."""
    if only_broken and not finding.count:
        return True
    state = f"BROKEN by {finding.count} rows" if finding.count else "holds"
    click.echo(f"{finding.number:<3} {finding.says}: {state}")
    if finding.example:
        click.echo(f"    one of them: {finding.example}")
    return finding.count == 0
