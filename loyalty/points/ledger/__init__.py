"""The one door to a balance: nothing else writes an account, a lot, a posting set or an entry.

Each verb is one call of a server-side function (`../functions/`), which locks the account and then
decides; what it refuses comes back as an outcome and is raised as a typed error.
"""

from loyalty.points.ledger.bulk import StagedCredit, credit_staged
from loyalty.points.ledger.calls import refusal
from loyalty.points.ledger.earn import accrue, credit, lock, open_account
from loyalty.points.ledger.hold import capture, hold, release, set_frozen
from loyalty.points.ledger.spend import adjust, burn, transfer
from loyalty.points.ledger.undo import begin, claw_back, reinstate, restore
from loyalty.points.ledger.values import (
    MOST_POINTS,
    Against,
    ClawedBack,
    Credit,
    DebtPolicy,
    Posted,
    Source,
    Terms,
)

__all__ = [
    "MOST_POINTS",
    "Against",
    "ClawedBack",
    "Credit",
    "DebtPolicy",
    "Posted",
    "Source",
    "StagedCredit",
    "Terms",
    "accrue",
    "adjust",
    "begin",
    "burn",
    "capture",
    "claw_back",
    "credit",
    "credit_staged",
    "hold",
    "lock",
    "open_account",
    "refusal",
    "reinstate",
    "release",
    "restore",
    "set_frozen",
    "transfer",
]
