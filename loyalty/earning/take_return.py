"""Partial returns of a document (部分退货): any number, in total never more than it earned (F8).

What a return undoes is reckoned on all that is left, under the account's lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.document import check_day, check_source, digest
from loyalty.earning.models import SourceDocument
from loyalty.earning.queries import find_document
from loyalty.earning.rule_book import versions
from loyalty.earning.rules.amounts import Facts, Paper
from loyalty.earning.rules.returns import ReturnedLine, earned_after, remaining_lines
from loyalty.earning.rules.rule import DocumentKind, Rule
from loyalty.earning.rules.standard import JobType, Line, Payer
from loyalty.earning.take_document import keep_document
from loyalty.points import ledger
from loyalty.points.models import PointLot
from loyalty.tiers.assess import assess
from loyalty.tiers.facts import SeenFact, see_facts
from loyalty.tiers.rules.score import FactKind

KIND = "return"
POINTER = "/document"


@dataclass(frozen=True, slots=True)
class Return:
    """What was given back of the document `of`, by its reference (source, id)."""

    source: str
    source_event_id: str
    of: tuple[str, str]
    occurred_on: date
    lines: Sequence[ReturnedLine]
    policy: ledger.DebtPolicy
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnView:
    """`reversed` points: taken from lots, owed, written off, or expired before the return."""

    id: UUID
    source: str
    source_event_id: str
    document_id: UUID
    member_id: UUID
    occurred_on: date
    policy: str
    reversed: int
    taken: int
    owed: int
    written_off: int
    expired: int
    posting_set_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a rule gave for the document, and the lot it is in."""

    rule: Rule
    points: int
    lot: PointLot


def take_return(uow: UnitOfWork, told: Return) -> tuple[ReturnView, bool]:
    """Take back what the returned amounts earned. The flag tells whether the return was new.

    Raises NotFound `document_not_found`, RuleViolation `source_reserved`,
    `occurred_in_the_future`, `return_before_document`, `return_exceeds_line` and
    `negative_amount`, Conflict `document_changed`.
    """
    check_source(told.source)
    check_day(uow, told.occurred_on)
    original = find_document(uow, *told.of)
    if original is None or original.kind not in set(DocumentKind):
        raise NotFound("document_not_found", pointer=POINTER)
    if told.occurred_on < original.occurred_on:
        raise RuleViolation("return_before_document", pointer="/occurred_on")
    ledger.lock(uow, [original.member_id])
    known = find_document(uow, told.source, told.source_event_id)
    if known is not None:
        if known.fingerprint != _fingerprint(told, original):
            raise Conflict("document_changed")
        return _view(known), False
    return _take(uow, told, original), True


def _take(uow: UnitOfWork, told: Return, original: SourceDocument) -> ReturnView:
    granted = _granted(uow, original)
    undone = {
        each.rule.code: min(points, _within_reach(uow, each))
        for each, points in _lost(uow, told, original, granted)
    }
    total = sum(undone.values())
    key = new_id()
    back = _claw_back(uow, told, original, key, granted, undone)
    came = {
        "taken": sum(each.taken for each in back),
        "owed": sum(each.owed for each in back),
        "written_off": sum(each.written_off for each in back),
    }
    said = {"policy": told.policy.value, "reversed": total, "undone": undone, **came}
    _keep(uow, told, original, said, key, back[0].posting_set_id if back else None)
    see_facts(uow, [_fact_of(told, original, key)])
    assess(uow, [original.member_id])
    uow.audit("document.returned", key, document=str(original.id), points=total)
    return _view(uow.session.get_one(SourceDocument, key))


def _claw_back(
    uow: UnitOfWork,
    told: Return,
    original: SourceDocument,
    key: UUID,
    granted: Sequence[_Granted],
    undone: Mapping[str, int],
) -> list[ledger.ClawedBack]:
    """Issuer by issuer, each what he gave: nobody pays for the points of another (F18)."""
    done: list[ledger.ClawedBack] = []
    for issuer in dict.fromkeys(each.lot.issuer_id for each in granted):
        his = [each for each in granted if each.lot.issuer_id == issuer and undone[each.rule.code]]
        if not his:
            continue
        source = ledger.Source(told.source, told.source_event_id)
        done.append(
            ledger.claw_back(
                uow,
                original.member_id,
                sum(undone[each.rule.code] for each in his),
                undone=his[0].lot.posting_set_id,
                lots=[each.lot.id for each in his],
                issuer_id=issuer,
                policy=told.policy,
                source=ledger.Source("clawback", f"{key}/{issuer}") if done else source,
                reason=told.reason,
            )
        )
    return done


def _lost(
    uow: UnitOfWork, told: Return, original: SourceDocument, granted: Sequence[_Granted]
) -> list[tuple[_Granted, int]]:
    """What each grant loses by this return, after those before it."""
    lines = [
        Line(
            Payer(line["payer"]),
            line["amount_fen"],
            JobType(line["job_type"]) if line.get("job_type") else None,
        )
        for line in original.lines
    ]
    paper = Paper(DocumentKind(original.kind), original.occurred_on, lines, original.campaign)
    said = (original.evaluation or {}).get("facts", {})
    facts = Facts(tier=said.get("tier"), model=said.get("model"))
    grants = [(each.rule, each.points) for each in granted]
    earlier = _earlier(uow, original.id)
    before, after = (
        earned_after(paper, facts, grants, remaining_lines(lines, returned))
        for returned in (earlier, [*earlier, told.lines])
    )
    return [(each, before[each.rule.code] - after[each.rule.code]) for each in granted]


def _within_reach(uow: UnitOfWork, each: _Granted) -> int:
    """Points whose event never came were cancelled: nobody has them to give back (F4)."""
    lot = each.lot
    if lot.activated or lot.available_at is not None:
        return each.points
    return lot.remaining if lot.cancel_at is None or lot.cancel_at > uow.now else 0


def _granted(uow: UnitOfWork, original: SourceDocument) -> list[_Granted]:
    """The grants of a document, from the lots its posting set opened."""
    lots = uow.session.scalars(
        select(PointLot)
        .where(
            PointLot.member_id == original.member_id,
            PointLot.posting_set_id == original.posting_set_id,
        )
        .order_by(PointLot.id)
        .execution_options(populate_existing=True)
    ).all()
    rules = versions(uow, {(lot.rule_id, lot.rule_version) for lot in lots})
    return [_Granted(rules[lot.rule_id, lot.rule_version], lot.points, lot) for lot in lots]


def _earlier(uow: UnitOfWork, document_id: UUID) -> list[list[ReturnedLine]]:
    rows = uow.session.scalars(
        select(SourceDocument.lines)
        .where(SourceDocument.returns_id == document_id)
        .order_by(SourceDocument.id)
    )
    return [[ReturnedLine(part["line"], part["amount_fen"]) for part in lines] for lines in rows]


def _keep(
    uow: UnitOfWork,
    told: Return,
    original: SourceDocument,
    said: dict[str, Any],
    key: UUID,
    posting_set: UUID | None,
) -> None:
    values = {
        "id": key,
        "dealer_id": uow.dealer_id,
        "member_id": original.member_id,
        "source": told.source,
        "source_event_id": told.source_event_id,
        "kind": KIND,
        "occurred_on": told.occurred_on,
        "lines": [{"line": part.line, "amount_fen": part.amount_fen} for part in told.lines],
        "fingerprint": _fingerprint(told, original),
        "points": -said["reversed"],
        "posting_set_id": posting_set,
        "received_at": uow.now,
        "evaluation": said,
        "returns_id": original.id,
    }
    keep_document(uow, values)


def _fact_of(told: Return, original: SourceDocument, key: UUID) -> SeenFact:
    """What the customer paid himself and got back lowers his value (F24) from the day of the
    order on: in a window that holds the one is the other."""
    payers = [line["payer"] for line in original.lines]
    back = sum(part.amount_fen for part in told.lines if payers[part.line] == Payer.CUSTOMER)
    return SeenFact(
        id=key,
        member_id=original.member_id,
        kind=FactKind(original.kind),
        happened_on=original.occurred_on,
        amount_fen=-back,
        corrects=True,
    )


def _fingerprint(told: Return, original: SourceDocument) -> bytes:
    parts = [[part.line, part.amount_fen] for part in told.lines]
    return digest([KIND, str(original.id), told.occurred_on.isoformat(), parts, told.policy])


def _view(row: SourceDocument) -> ReturnView:
    said = row.evaluation or {}
    parts = {name: said[name] for name in ("reversed", "taken", "owed", "written_off")}
    assert row.returns_id is not None
    return ReturnView(
        id=row.id,
        source=row.source,
        source_event_id=row.source_event_id,
        document_id=row.returns_id,
        member_id=row.member_id,
        occurred_on=row.occurred_on,
        policy=said["policy"],
        expired=parts["reversed"] - parts["taken"] - parts["owed"] - parts["written_off"],
        posting_set_id=row.posting_set_id,
        **parts,
    )
