"""Earn from a CRM document. `(dealer, source, source_event_id)` is unique for ever:
repeated, a document is answered with its first result; changed, it is refused (ledger.md)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.models import SourceDocument
from loyalty.earning.rules import standard
from loyalty.members.queries import exists
from loyalty.points import ledger
from loyalty.points.rules.expiry import expires_at

OWN_SOURCES: Final = frozenset({"redemption", "referral_reward"})
"""Sources this service itself posts under: a document naming one would pass for its posting."""


class DocumentKind(StrEnum):
    """Business documents that earn: 维修工单, 精品销售, 续保, 购车."""

    SERVICE_ORDER = "service_order"
    ACCESSORY_SALE = "accessory_sale"
    INSURANCE_RENEWAL = "insurance_renewal"
    CAR_PURCHASE = "car_purchase"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of another system; `occurred_on` is the dealer's business day."""

    source: str
    source_event_id: str
    kind: DocumentKind
    member_id: UUID
    occurred_on: date
    lines: Sequence[standard.Line]


@dataclass(frozen=True, slots=True)
class DocumentView:
    id: UUID
    member_id: UUID
    source: str
    source_event_id: str
    kind: str
    occurred_on: date
    points: int
    posting_set_id: UUID | None
    rule_id: str
    rule_version: int


def take_document(uow: UnitOfWork, document: Document) -> tuple[DocumentView, bool]:
    """Credit what the document earned. The flag tells whether it was new.

    Raises NotFound `member_not_found`, RuleViolation `source_reserved`,
    `occurred_in_the_future` and `negative_amount`, Conflict `document_changed`.
    """
    if document.source.casefold() in OWN_SOURCES:
        raise RuleViolation("source_reserved", pointer="/external_ref/source")
    if document.occurred_on > uow.today:
        raise RuleViolation("occurred_in_the_future", pointer="/occurred_on")
    if any(line.amount_fen < 0 for line in document.lines):
        raise RuleViolation("negative_amount", pointer="/lines")
    if not exists(uow.session, document.member_id):
        raise NotFound("member_not_found")
    key = new_id()
    taken = uow.session.scalar(
        insert(SourceDocument)
        .values(_columns(uow, document, key))
        .on_conflict_do_nothing(index_elements=["dealer_id", "source", "source_event_id"])
        .returning(SourceDocument.id)
    )
    if taken is None:
        return _known(uow, document), False
    _credit(uow, document, key)
    uow.audit("document.taken", key, kind=document.kind)
    return _view(uow.session.get_one(SourceDocument, key)), True


def _credit(uow: UnitOfWork, document: Document, key: UUID) -> None:
    points = standard.points_for(document.lines)
    if points == 0:
        return
    posted = ledger.accrue(
        uow,
        document.member_id,
        points,
        issuer_id=uow.dealer_id,
        source=ledger.Source(document.source, document.source_event_id),
        terms=ledger.Terms(
            rule_id=standard.RULE_ID,
            rule_version=standard.RULE_VERSION,
            business_on=document.occurred_on,
            available_at=uow.now,
            expires_at=expires_at(
                document.occurred_on, months=standard.LASTS_MONTHS, zone=uow.zone
            ),
            unit_cost_fen=standard.UNIT_COST_FEN,
        ),
    )
    uow.session.execute(
        update(SourceDocument)
        .where(SourceDocument.id == key)
        .values(posting_set_id=posted.posting_set_id)
    )


def _columns(uow: UnitOfWork, document: Document, key: UUID) -> dict[str, object]:
    return {
        "id": key,
        "dealer_id": uow.dealer_id,
        "member_id": document.member_id,
        "source": document.source,
        "source_event_id": document.source_event_id,
        "kind": document.kind,
        "occurred_on": document.occurred_on,
        "lines": [asdict(line) for line in document.lines],
        "fingerprint": _fingerprint(document),
        "points": standard.points_for(document.lines),
        "rule_id": standard.RULE_ID,
        "rule_version": standard.RULE_VERSION,
        "received_at": uow.now,
    }


def _fingerprint(document: Document) -> bytes:
    said = [
        document.kind,
        str(document.member_id),
        document.occurred_on.isoformat(),
        [[line.payer, line.amount_fen] for line in document.lines],
    ]
    return sha256(json.dumps(said, separators=(",", ":")).encode()).digest()


def _known(uow: UnitOfWork, document: Document) -> DocumentView:
    row = uow.session.scalars(
        select(SourceDocument).where(
            SourceDocument.source == document.source,
            SourceDocument.source_event_id == document.source_event_id,
        )
    ).one()
    if row.fingerprint != _fingerprint(document):
        raise Conflict("document_changed")
    return _view(row)


def _view(row: SourceDocument) -> DocumentView:
    return DocumentView(
        id=row.id,
        member_id=row.member_id,
        source=row.source,
        source_event_id=row.source_event_id,
        kind=row.kind,
        occurred_on=row.occurred_on,
        points=row.points,
        posting_set_id=row.posting_set_id,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
    )
