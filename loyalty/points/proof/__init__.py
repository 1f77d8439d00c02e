"""The nightly proof: what must be true of the ledger, asked of the data itself (ledger.md).

Each check selects the rows that break an invariant; none found is the proof. Run it in a read-only
`owner_session`: a login that sees no rows would prove anything.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.points.proof.benefits import BENEFITS
from loyalty.points.proof.books import BOOKS
from loyalty.points.proof.check import Check, Finding
from loyalty.points.proof.codes import CODES
from loyalty.points.proof.lots import LOTS, settled_checks
from loyalty.points.proof.papers import PAPERS
from loyalty.points.proof.stock import STOCK
from loyalty.points.proof.tiers import TIERS

CHECKS = (*BOOKS, *LOTS, *PAPERS, *STOCK, *CODES, *BENEFITS, *TIERS)

__all__ = ["CHECKS", "Check", "Finding", "prove", "settled_checks"]


def prove(session: Session, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Run the checks one by one; a finding with count zero holds."""
    for check in checks:
        counted = text(f"SELECT count(*) FROM ({check.breaks}) broken")  # noqa: S608 (constants)
        count = session.scalars(counted).one()
        yield Finding(check.number, check.says, count, _example(session, check) if count else None)


def _example(session: Session, check: Check) -> str:
    row = session.execute(text(f"{check.breaks} LIMIT 1")).one()
    return ", ".join(str(value) for value in row)
