"""Earn from a CRM document. `(dealer, source, source_event_id)` is unique for ever:
repeated, a document is answered with its first result; changed, it is refused (ledger.md)."""

from sqlalchemy import insert as insert_all
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning import usage
from loyalty.earning.document import Document, check, fingerprint
from loyalty.earning.models import RuleGrant, SourceDocument
from loyalty.earning.queries import DocumentView, find_document, view_of
from loyalty.earning.rule_book import rules_on
from loyalty.earning.weigh import (
    Weighed,
    budgets_of,
    credits_of,
    document_values,
    evaluate_for,
    fact_of,
    grant_values,
)
from loyalty.members.queries import exists
from loyalty.points import ledger
from loyalty.tiers.assess import assess
from loyalty.tiers.facts import see_facts


def take_document(uow: UnitOfWork, document: Document) -> tuple[DocumentView, bool]:
    """Credit what the document earned by the rules in force on its day. The flag tells whether
    it was new.

    Everything is decided under the account's lock: caps and cooldowns count what is committed.
    Raises NotFound `member_not_found`, RuleViolation `source_reserved`, `lines_missing`,
    `occurred_in_the_future`, `negative_amount` and those of a VIN, Conflict `document_changed`.
    """
    check(uow, document)
    if not exists(uow.session, document.member_id):
        raise NotFound("member_not_found")
    if known := known_document(uow, document):
        return known, False
    ledger.lock(uow, [document.member_id])
    if known := known_document(uow, document):
        return known, False
    rules = rules_on(uow, document.occurred_on)
    return _credit(uow, document, evaluate_for(uow, document, rules, binding=True)), True


def known_document(uow: UnitOfWork, document: Document) -> DocumentView | None:
    """The first result of a document told before. Raises Conflict `document_changed`."""
    row = find_document(uow, document.source, document.source_event_id)
    if row is None:
        return None
    if row.fingerprint != fingerprint(uow, document):
        raise Conflict("document_changed")
    return view_of(row)


def _credit(uow: UnitOfWork, document: Document, weighed: Weighed) -> DocumentView:
    key = new_id()
    values = document_values(uow, document, weighed, key)
    if weighed.lots:
        posted = ledger.credit(
            uow,
            document.member_id,
            credits_of(weighed, uow.dealer_id),
            source=ledger.Source(document.source, document.source_event_id),
        )
        values["posting_set_id"] = posted.posting_set_id
        usage.take_budgets(uow, budgets_of([weighed]))
        uow.session.execute(insert_all(RuleGrant), grant_values(uow, document, weighed, key))
    keep_document(uow, values)
    see_facts(uow, [fact_of(document, key)])
    assess(uow, [document.member_id])
    uow.audit("document.taken", key, kind=document.kind)
    return view_of(uow.session.get_one(SourceDocument, key))


def keep_document(uow: UnitOfWork, values: dict[str, object]) -> None:
    """Write the row of a document whose member's account is locked.

    Raises Conflict `document_changed`: only of another member can the same reference have been
    told meanwhile, and that undoes what was credited.
    """
    kept = uow.session.scalar(
        insert(SourceDocument)
        .values(values)
        .on_conflict_do_nothing(index_elements=["dealer_id", "source", "source_event_id"])
        .returning(SourceDocument.id)
    )
    if kept is None:
        raise Conflict("document_changed")
