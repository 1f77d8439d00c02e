"""A document of another system as a value, and what makes it one of a kind.

Its fingerprint tells a repeated document from a changed one: never change how an old one is made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final
from uuid import UUID

from kernel.errors import RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.rules.amounts import Paper
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import Line
from loyalty.formats import text
from loyalty.formats import vin as vin_format

OWN_SOURCES: Final = frozenset(
    {
        *("redemption", "referral_reward", "hold", "capture", "release", "reversal", "clawback"),
        *("activation", "cancellation", "expiry", "arrears", "adjustment", "reinstatement"),
        *("transfer", "transfer_in", "transfer_out", "recovery"),
    }
)
"""Sources this service itself posts under: a document naming one would pass for its posting."""

WITHOUT_LINES: Final = frozenset(
    {DocumentKind.ACTIVITY, DocumentKind.SURVEY, DocumentKind.BIRTHDAY}
)
"""Kinds that need no amount to earn: 活动, 问卷, 生日."""


_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Document:
    """A document of another system; `occurred_on` is the dealer's business day.

    `vin` (车架号) tells the car it is about, `campaign` (活动代码) what it takes part in.
    """

    source: str
    source_event_id: str
    kind: DocumentKind
    member_id: UUID
    occurred_on: date
    lines: Sequence[Line]
    vin: str | None = None
    campaign: str | None = None


def check(uow: UnitOfWork, document: Document) -> None:
    """Raises RuleViolation `source_reserved`, `occurred_in_the_future`, `negative_amount` and
    `lines_missing`, before anything is asked of the database."""
    check_source(document.source)
    check_day(uow, document.occurred_on)
    check_lines(document)


def check_source(source: str) -> None:
    """Raises RuleViolation `source_reserved` for a source the service posts under itself."""
    if source.casefold() in OWN_SOURCES:
        raise RuleViolation("source_reserved", pointer="/external_ref/source")


def check_day(uow: UnitOfWork, occurred_on: date) -> None:
    """Raises RuleViolation `occurred_in_the_future` (ledger.md, business day)."""
    if occurred_on > uow.today:
        raise RuleViolation("occurred_in_the_future", pointer="/occurred_on")


def check_lines(document: Document) -> None:
    """Raises RuleViolation `negative_amount`, and `lines_missing` where the kind needs lines."""
    if any(line.amount_fen < 0 for line in document.lines):
        raise RuleViolation("negative_amount", pointer="/lines")
    if not document.lines and document.kind not in WITHOUT_LINES:
        raise RuleViolation("lines_missing", pointer="/lines")


def paper_of(document: Document) -> Paper:
    """The document as the rules see it."""
    campaign = document.campaign and text.normalise(document.campaign)
    return Paper(document.kind, document.occurred_on, document.lines, campaign or None)


def vin_index(uow: UnitOfWork, document: Document) -> bytes | None:
    """The blind index of the document's VIN; the VIN itself is kept with the vehicle alone.

    Raises RuleViolation for a VIN that is none, with the pointer `/vin`.
    """
    if document.vin is None:
        return None
    try:
        return uow.blind(vin_format.canonical(document.vin), column="vin")
    except RuleViolation as error:
        raise RuleViolation(error.code, pointer="/vin", **error.params) from error


def fingerprint(uow: UnitOfWork, document: Document) -> bytes:
    """What the document said. What it does not say leaves no trace in it, so that documents
    from before a field existed are still the same."""
    said: list[object] = [
        document.kind,
        str(document.member_id),
        document.occurred_on.isoformat(),
        [[line.payer, line.amount_fen] for line in document.lines],
    ]
    index = vin_index(uow, document)
    jobs = [line.job_type for line in document.lines]
    more = {
        "jobs": jobs if any(jobs) else None,
        "vin": index and index.hex(),
        "campaign": paper_of(document).campaign,
    }
    if told := {name: value for name, value in more.items() if value}:
        said.append(told)
    return digest(said)


def digest(said: object) -> bytes:
    """The hash of a fingerprint's parts."""
    return sha256(_COMPACT.encode(said).encode()).digest()
