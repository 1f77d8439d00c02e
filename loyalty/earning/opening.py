"""Opening balances (期初余额, F16): what members had elsewhere, lot by lot with its dates.

They share the references of documents: a repeated one is known, a changed one refused.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kernel.clock import start_of_day
from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.document import check_day, check_source, digest
from loyalty.earning.models import SourceDocument
from loyalty.earning.queries import DocumentView, find_document, view_of
from loyalty.earning.rules.standard import UNIT_COST_FEN
from loyalty.earning.take_document import keep_document
from loyalty.members.queries import exists
from loyalty.points import ledger

KIND: Final = "opening"
RULE_ID: Final = "opening_balance"
RULE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """Points of one lot; `expires_on` is the first day without them, None never comes."""

    source: str
    balance_id: str
    member_id: UUID
    points: int
    business_on: date
    expires_on: date | None


def take_opening(uow: UnitOfWork, balance: OpeningBalance) -> tuple[DocumentView, bool]:
    """Credit an opening balance as one lot with its own dates. The flag tells whether it was new.

    Raises NotFound `member_not_found`, RuleViolation `source_reserved`, `points_out_of_range`,
    `occurred_in_the_future`, `expires_not_after_business`, Conflict `document_changed`.
    """
    check_source(balance.source)
    check_day(uow, balance.business_on)
    if balance.expires_on is not None and balance.expires_on <= balance.business_on:
        raise RuleViolation("expires_not_after_business", pointer="/expires_on")
    if not exists(uow.session, balance.member_id):
        raise NotFound("member_not_found")
    ledger.lock(uow, [balance.member_id])
    known = find_document(uow, balance.source, balance.balance_id)
    if known is not None:
        if known.fingerprint != _fingerprint(balance):
            raise Conflict("document_changed")
        return view_of(known), False
    return _credit(uow, balance), True


def _credit(uow: UnitOfWork, balance: OpeningBalance) -> DocumentView:
    ends = balance.expires_on
    posted = ledger.credit(
        uow,
        balance.member_id,
        [
            ledger.Credit(
                balance.points,
                uow.dealer_id,
                ledger.Terms(
                    rule_id=RULE_ID,
                    rule_version=RULE_VERSION,
                    business_on=balance.business_on,
                    available_at=uow.now,
                    expires_at=None if ends is None else start_of_day(ends, uow.zone),
                    unit_cost_fen=UNIT_COST_FEN,
                ),
            )
        ],
        source=ledger.Source(balance.source, balance.balance_id),
        kind="opening",
    )
    key = _keep(uow, balance, posted.posting_set_id)
    uow.audit("opening_balance.taken", key, points=balance.points)
    return view_of(uow.session.get_one(SourceDocument, key))


def _keep(uow: UnitOfWork, balance: OpeningBalance, posting_set: UUID) -> UUID:
    key = new_id()
    values = {
        "id": key,
        "dealer_id": uow.dealer_id,
        "member_id": balance.member_id,
        "source": balance.source,
        "source_event_id": balance.balance_id,
        "kind": KIND,
        "occurred_on": balance.business_on,
        "lines": [],
        "fingerprint": _fingerprint(balance),
        "points": balance.points,
        "rule_id": RULE_ID,
        "rule_version": RULE_VERSION,
        "posting_set_id": posting_set,
        "received_at": uow.now,
    }
    keep_document(uow, values)
    return key


def _fingerprint(balance: OpeningBalance) -> bytes:
    ends = balance.expires_on
    return digest(
        [
            KIND,
            str(balance.member_id),
            balance.points,
            balance.business_on.isoformat(),
            None if ends is None else ends.isoformat(),
        ]
    )
