"""What a chunk of documents leaves behind: documents and grants by one statement each, then the
credits through the door of the ledger."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from kernel.staging import move
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk.reckon import Taken
from loyalty.earning.document import paper_of
from loyalty.earning.usage import take_budgets
from loyalty.earning.weigh import budgets_of, credits_of, explanation, fact_of
from loyalty.points import ledger
from loyalty.tiers.assess import assess
from loyalty.tiers.facts import see_facts

_DOCUMENT: Final = (
    *("id", "dealer_id", "member_id", "source", "source_event_id", "kind", "occurred_on", "lines"),
    *("fingerprint", "points", "rule_id", "rule_version", "posting_set_id", "received_at"),
    *("vehicle_id", "campaign", "evaluation"),
)
_GRANT: Final = (
    *("member_id", "document_id", "rule_code", "rule_version", "dealer_id", "business_on"),
    *("raw", "points", "lot_id"),
)


def write(uow: UnitOfWork, taken: Sequence[Taken]) -> None:
    """Write the new documents of a chunk, credit their points, and move who has earned a tier:
    that counts for the next chunk."""
    if not taken:
        return
    move(uow.session, "source_document", _DOCUMENT, _documents(uow, taken))
    move(uow.session, "rule_grant", _GRANT, _grants(uow, taken))
    take_budgets(uow, budgets_of(each.weighed for each in taken))
    ledger.credit_staged(uow, list(_credits(uow, taken)))
    see_facts(uow, [fact_of(each.ready.document, each.id) for each in taken])
    assess(uow, sorted({each.ready.document.member_id for each in taken}))


def _documents(uow: UnitOfWork, taken: Sequence[Taken]) -> Iterator[tuple[Any, ...]]:
    """As `weigh.document_values` says them."""
    for each in taken:
        document, weighed = each.ready.document, each.weighed
        only = weighed.lots[0].grant.rule if len(weighed.lots) == 1 else None
        yield (
            *(each.id, uow.dealer_id, document.member_id, document.source),
            *(document.source_event_id, document.kind.value, document.occurred_on),
            *(_json(document.lines), each.ready.fingerprint, weighed.points),
            *((only.code, only.version) if only else (None, None)),
            *(each.posting_set_id, uow.now, weighed.known.vehicle_id, paper_of(document).campaign),
            _json(explanation(weighed)),
        )


def _json(said: Any) -> str:
    return orjson.dumps(said).decode()


def _grants(uow: UnitOfWork, taken: Sequence[Taken]) -> Iterator[tuple[Any, ...]]:
    """As `weigh.grant_values` says them."""
    for each in taken:
        document = each.ready.document
        for lot in each.weighed.lots:
            rule = lot.grant.rule
            yield (
                *(document.member_id, each.id, rule.code, rule.version, uow.dealer_id),
                *(document.occurred_on, lot.grant.raw, lot.grant.points, lot.id),
            )


def _credits(uow: UnitOfWork, taken: Sequence[Taken]) -> Iterator[ledger.StagedCredit]:
    for each in taken:
        if each.posting_set_id is None:
            continue
        document = each.ready.document
        source = ledger.Source(document.source, document.source_event_id)
        for credit in credits_of(each.weighed, uow.dealer_id):
            yield ledger.StagedCredit(document.member_id, each.posting_set_id, source, credit)
