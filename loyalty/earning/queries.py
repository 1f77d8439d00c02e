"""Reads of source documents: what they were worth, and why (F28)."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.models import SourceDocument


@dataclass(frozen=True, slots=True)
class GrantView:
    """Points of one rule: `raw` before caps, `limited_by` the cap that bit, `pending` whether
    the points had to wait when they were granted."""

    rule_id: str
    rule_version: int
    base_fen: int
    raw: int
    points: int
    limited_by: str | None
    lot_id: UUID | None
    pending: bool


@dataclass(frozen=True, slots=True)
class ConsideredView:
    """One rule that was in force: applied, or the reason why not."""

    rule_id: str
    rule_version: int
    applied: bool
    reason: str | None
    raw: int
    points: int


@dataclass(frozen=True, slots=True)
class FactsView:
    """What the rules knew of member and car on the business day."""

    tier: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document is worth its points."""

    facts: FactsView
    grants: list[GrantView]
    considered: list[ConsideredView]


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as it was taken; of a return, `returns_id` is the document it takes back from."""

    id: UUID
    member_id: UUID
    source: str
    source_event_id: str
    kind: str
    occurred_on: date
    campaign: str | None
    points: int
    posting_set_id: UUID | None
    rule_id: str | None
    rule_version: int | None
    returns_id: UUID | None
    facts: FactsView
    grants: list[GrantView]
    considered: list[ConsideredView]


def find_document(uow: UnitOfWork, source: str, source_event_id: str) -> SourceDocument | None:
    """The document taken under this reference, if there is one."""
    return uow.session.scalar(
        select(SourceDocument).where(
            SourceDocument.dealer_id == uow.dealer_id,
            SourceDocument.source == source,
            SourceDocument.source_event_id == source_event_id,
        )
    )


def get_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    """One document with its explanation. Raises NotFound `document_not_found`."""
    row = uow.session.get(SourceDocument, document_id)
    if row is None:
        raise NotFound("document_not_found")
    return view_of(row)


def view_of(row: SourceDocument) -> DocumentView:
    """The document as the first answer told it."""
    why = explanation_of(row.evaluation or {})
    return DocumentView(
        id=row.id,
        member_id=row.member_id,
        source=row.source,
        source_event_id=row.source_event_id,
        kind=row.kind,
        occurred_on=row.occurred_on,
        campaign=row.campaign,
        points=row.points,
        posting_set_id=row.posting_set_id,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        returns_id=row.returns_id,
        facts=why.facts,
        grants=why.grants,
        considered=why.considered,
    )


def explanation_of(said: dict[str, Any]) -> Explanation:
    """The explanation kept beside a document; one from before there was any is empty."""
    facts = said.get("facts", {})
    return Explanation(
        facts=FactsView(tier=facts.get("tier"), model=facts.get("model")),
        grants=[
            GrantView(
                rule_id=each["code"],
                rule_version=each["version"],
                base_fen=each["base_fen"],
                raw=each["raw"],
                points=each["points"],
                limited_by=each["limited_by"],
                lot_id=UUID(each["lot_id"]) if each.get("lot_id") else None,
                pending=each["pending"],
            )
            for each in said.get("grants", [])
        ],
        considered=[
            ConsideredView(
                rule_id=each["code"],
                rule_version=each["version"],
                applied=each["applied"],
                reason=each["reason"],
                raw=each["raw"],
                points=each["points"],
            )
            for each in said.get("considered", [])
        ],
    )
