"""Reads of the ledger: any number it shows, at any moment past, and what explains it (F14, F15)."""

from loyalty.points.queries.explain import Explanation, explain_balance
from loyalty.points.queries.one_posting import Posting, posting
from loyalty.points.queries.spending import Spendability, spendability
from loyalty.points.queries.standing import Balance, Expiring, balance, expiry_schedule
from loyalty.points.queries.statement_lines import (
    Filter,
    LotShare,
    PostingKind,
    StatementLine,
    statement,
)

__all__ = [
    "Balance",
    "Expiring",
    "Explanation",
    "Filter",
    "LotShare",
    "Posting",
    "PostingKind",
    "Spendability",
    "StatementLine",
    "balance",
    "expiry_schedule",
    "explain_balance",
    "posting",
    "spendability",
    "statement",
]
