"""What a document is worth: the building blocks that one document and an import share.

`weigh` decides with plain values; `evaluate_for` fetches them for one document.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning import usage as used
from loyalty.earning.document import Document, fingerprint, paper_of, vin_index
from loyalty.earning.rules.amounts import Facts
from loyalty.earning.rules.evaluate import Evaluation, Usage, as_json, evaluate
from loyalty.earning.rules.rule import Rule
from loyalty.earning.rules.standard import Payer
from loyalty.earning.rules.terms import Grant, LotTerms, terms_of
from loyalty.members.queries import model_of
from loyalty.points import ledger
from loyalty.tiers.facts import SeenFact
from loyalty.tiers.queries import tier_on
from loyalty.tiers.rules.score import FactKind


@dataclass(frozen=True, slots=True)
class Known:
    """What a document's member and car are on its day: facts of the rules, and the car itself."""

    facts: Facts
    vehicle_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewLot:
    """A lot to be opened for a grant; `pending` when its points cannot be spent at once."""

    id: UUID
    grant: Grant
    terms: LotTerms
    pending: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """A document's worth: the explanation, and a lot for each grant."""

    known: Known
    evaluation: Evaluation
    lots: tuple[NewLot, ...]

    @property
    def points(self) -> int:
        return self.evaluation.points


def known_of(uow: UnitOfWork, document: Document) -> Known:
    """Tier on the business day, and the model of the car if its VIN is known (F20)."""
    tier = tier_on(uow, document.member_id, document.occurred_on)
    index = vin_index(uow, document)
    car = None if index is None else model_of(uow, index)
    if car is None:
        return Known(Facts(tier=tier))
    vehicle_id, model = car
    return Known(Facts(tier=tier, model=model), vehicle_id)


def evaluate_for(
    uow: UnitOfWork, document: Document, rules: Sequence[Rule], *, binding: bool
) -> Weighed:
    """What a document is worth by the rules in force on its day. `binding` locks the budgets it
    takes from: the member's account is locked then, and `take_budgets` follows."""
    paper, known = paper_of(document), known_of(uow, document)
    usage = used.usage_of(uow, document.member_id, document.occurred_on, rules)
    evaluation = evaluate(paper, known.facts, rules, usage)
    budgets = used.contended(evaluation, rules, usage) if binding else []
    if budgets:
        fresh = {**usage.granted, **used.lock_budgets(uow, budgets)}
        evaluation = evaluate(paper, known.facts, rules, replace(usage, granted=fresh))
    return opened(document, known, evaluation, zone=uow.zone, now=uow.now)


def weigh(
    document: Document,
    known: Known,
    rules: Sequence[Rule],
    usage: Usage,
    *,
    zone: ZoneInfo,
    now: datetime,
) -> Weighed:
    """As `evaluate_for`, with everything at hand."""
    evaluation = evaluate(paper_of(document), known.facts, rules, usage)
    return opened(document, known, evaluation, zone=zone, now=now)


def opened(
    document: Document, known: Known, evaluation: Evaluation, *, zone: ZoneInfo, now: datetime
) -> Weighed:
    """An evaluation with the lots its grants will open."""
    paper = paper_of(document)
    lots = []
    for grant in evaluation.grants:
        terms = terms_of(grant, paper=paper, tier=known.facts.tier, zone=zone, now=now)
        begins = terms.available_at
        lots.append(NewLot(new_id(), grant, terms, begins is None or begins > now))
    return Weighed(known, evaluation, tuple(lots))


def document_values(
    uow: UnitOfWork, document: Document, weighed: Weighed, key: UUID
) -> dict[str, Any]:
    """The row of `source_document`, without its posting set."""
    only = weighed.lots[0].grant.rule if len(weighed.lots) == 1 else None
    return {
        "id": key,
        "dealer_id": uow.dealer_id,
        "member_id": document.member_id,
        "source": document.source,
        "source_event_id": document.source_event_id,
        "kind": document.kind.value,
        "occurred_on": document.occurred_on,
        "lines": [
            {
                "payer": line.payer.value,
                "amount_fen": line.amount_fen,
                "job_type": line.job_type and line.job_type.value,
            }
            for line in document.lines
        ],
        "fingerprint": fingerprint(uow, document),
        "points": weighed.points,
        "rule_id": only and only.code,
        "rule_version": only and only.version,
        "received_at": uow.now,
        "vehicle_id": weighed.known.vehicle_id,
        "campaign": paper_of(document).campaign,
        "evaluation": explanation(weighed),
    }


def fact_of(document: Document, key: UUID) -> SeenFact:
    """What a document says of its member's value (F24): what he paid himself."""
    paid = sum(line.amount_fen for line in document.lines if line.payer is Payer.CUSTOMER)
    kind = FactKind(document.kind)
    return SeenFact(key, document.member_id, kind, document.occurred_on, paid)


def explanation(weighed: Weighed) -> dict[str, Any]:
    """Facts, grants with their lots, and every rule considered, as JSON (F28)."""
    facts = weighed.known.facts
    said = as_json(weighed.evaluation)
    for grant, lot in zip(said["grants"], weighed.lots, strict=True):
        grant |= {"lot_id": str(lot.id), "pending": lot.pending}
    return {"facts": {"tier": facts.tier, "model": facts.model}, **said}


def credits_of(weighed: Weighed, dealer_id: UUID) -> list[ledger.Credit]:
    """What the ledger is to credit: a lot for each grant, of the dealer unless the rule says."""
    return [
        ledger.Credit(
            points=lot.terms.points,
            issuer_id=lot.terms.issuer_id or dealer_id,
            terms=ledger.Terms(
                rule_id=lot.terms.rule_id,
                rule_version=lot.terms.rule_version,
                business_on=lot.terms.business_on,
                available_at=lot.terms.available_at,
                expires_at=lot.terms.expires_at,
                unit_cost_fen=lot.terms.unit_cost_fen,
                awaits=lot.terms.awaits,
                cancel_at=lot.terms.cancel_at,
                inactivity_months=lot.terms.inactivity_months,
                inactivity_round=lot.terms.inactivity_round,
            ),
            lot_id=lot.id,
        )
        for lot in weighed.lots
    ]


def grant_values(
    uow: UnitOfWork, document: Document, weighed: Weighed, key: UUID
) -> list[dict[str, Any]]:
    """The rows of `rule_grant`."""
    return [
        {
            "member_id": document.member_id,
            "document_id": key,
            "rule_code": lot.grant.rule.code,
            "rule_version": lot.grant.rule.version,
            "dealer_id": uow.dealer_id,
            "business_on": document.occurred_on,
            "raw": lot.grant.raw,
            "points": lot.grant.points,
            "lot_id": lot.id,
        }
        for lot in weighed.lots
    ]


def budgets_of(weighed: Iterable[Weighed]) -> dict[tuple[str, int], int]:
    """Points to be taken from budgets, by code and version."""
    taken: dict[tuple[str, int], int] = {}
    for grant in (lot.grant for each in weighed for lot in each.lots):
        if grant.rule.body.caps.budget is not None:
            key = (grant.rule.code, grant.rule.version)
            taken[key] = taken.get(key, 0) + grant.points
    return taken
