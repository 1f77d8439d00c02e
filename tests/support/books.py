"""The books of two members to whom everything has happened once, and the papers beside them."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from api.commands.work import unit_of_work
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.points import ledger
from tests.support import story
from tests.support.shop import Shop

HOUR = timedelta(hours=1)


@dataclass
class Books:
    """A dealer whose two members have done everything once; ids by name."""

    shop: Shop
    start: datetime
    ids: dict[str, uuid.UUID] = field(default_factory=dict)

    def work(self, hours: float) -> Any:
        return unit_of_work(
            self.shop.service,
            self.shop.dealer_id,
            role=Role.SYSTEM,
            client="test",
            now=self.start + hours * HOUR,
        )

    def earn(self, uow: UnitOfWork, name: str, member: str, points: int, **facts: Any) -> None:
        terms = {"available_at": uow.now, "expires_at": None} | facts
        issuer = terms.pop("issuer_id", uow.dealer_id)
        self.ids[f"{name}_lot"] = new_id()
        part = ledger.Credit(
            points,
            issuer,
            ledger.Terms("test", 1, uow.today, unit_cost_fen=Decimal(1), **terms),
            self.ids[f"{name}_lot"],
        )
        posted = ledger.credit(uow, self.ids[member], [part], source=_source())
        self.ids[name] = posted.posting_set_id


def _source() -> ledger.Source:
    return ledger.Source("test", uuid.uuid4().hex)


def full_books(shop: Shop) -> Books:
    """Two days of every verb; `PAPERS` are to be inserted as the owner of the tables."""
    made = Books(shop, shop.service.clock())
    made.ids |= {"m": story.member(shop), "n": story.member(shop, phone="13800130002")}
    made.ids |= {"dealer": shop.dealer_id, "partner": new_id(), "papers": new_id()}
    _first_day(made)
    _second_day(made)
    return made


def _first_day(books: Books) -> None:
    member = books.ids["m"]
    with books.work(0) as uow:
        books.earn(uow, "dated", "m", 100, expires_at=books.start + 10 * HOUR)
        books.earn(uow, "lasting", "m", 100)
        books.ids["burn"] = ledger.burn(uow, member, 30, source=_source()).posting_set_id
        for name, points in (("part", 20), ("kept", 10), ("back", 10)):
            books.ids[name] = new_id()
            until = books.start + (100 if name == "kept" else 5) * HOUR
            ledger.hold(uow, member, points, hold_id=books.ids[name], expires_at=until)
        captured = ledger.capture(uow, member, books.ids["part"], 15)
        books.ids["captured"] = captured.posting_set_id
        ledger.release(uow, member, books.ids["back"])


def _second_day(books: Books) -> None:
    member, other = books.ids["m"], books.ids["n"]
    with books.work(20) as uow:
        undone = ledger.burn(uow, member, 1, source=_source()).posting_set_id
        books.ids["cancelled"] = undone
        books.ids["restored"] = ledger.restore(uow, member, undone, reason="r").posting_set_id
        ledger.burn(uow, member, 40, source=_source())
        ledger.reinstate(
            uow,
            member,
            books.ids["dated_lot"],
            20,
            expires_at=books.start + 500 * HOUR,
            source=_source(),
            reason="r",
        )
        books.ids["clawback"] = ledger.claw_back(
            uow,
            member,
            100,
            undone=books.ids["lasting"],
            lots=[books.ids["lasting_lot"]],
            issuer_id=uow.dealer_id,
            policy=ledger.DebtPolicy.ARREARS,
            source=ledger.Source("test", "return"),
            reason="r",
        ).posting_set_id
        books.earn(uow, "given", "n", 40, expires_at=books.start + 150 * HOUR)
        books.earn(uow, "foreign", "n", 50, issuer_id=books.ids["partner"])
        ledger.burn(uow, other, 10, source=_source())
        posted, books.ids["in"] = ledger.transfer(
            uow, from_member=other, to_member=member, points=15, source=_source()
        )
        books.ids["out"] = posted.posting_set_id
        books.earn(uow, "pending", "m", 7, available_at=books.start + 100 * HOUR)
        books.ids["adjusted"] = ledger.adjust(
            uow, other, -5, source=_source(), reason="r", terms=_no_terms(uow)
        ).posting_set_id


def _no_terms(uow: UnitOfWork) -> ledger.Terms:
    return ledger.Terms("adjustment", 1, uow.today, uow.now, None, Decimal(1))


PAPERS = """
INSERT INTO source_document (id, dealer_id, member_id, source, source_event_id, kind, occurred_on,
    lines, fingerprint, points, posting_set_id, received_at, evaluation, returns_id)
SELECT id, dealer_id, member_id, source, source_key,
    CASE kind WHEN 'clawback' THEN 'return' ELSE 'service_order' END, business_on, '[]', '',
    CASE kind WHEN 'clawback' THEN -100 ELSE points END, id, posted_at,
    CASE id WHEN :dated THEN '{}'::jsonb END, CASE kind WHEN 'clawback' THEN :lasting END
FROM posting_set WHERE id IN (:dated, :lasting, :clawback);
INSERT INTO earning_rule (id, dealer_id, code, version, state, body, effective_from, author_id,
    created_at, publisher_id, published_at)
VALUES (:papers, :dealer, 'test', 1, 'published', '{}', '2026-01-01', :m, now(), :n, now());
INSERT INTO rule_budget (dealer_id, rule_code, rule_version, budget, granted)
VALUES (:dealer, 'test', 1, 1000, 100);
INSERT INTO rule_grant (member_id, document_id, rule_code, rule_version, dealer_id, business_on,
    raw, points, lot_id)
VALUES (:m, :dated, 'test', 1, :dealer, '2026-01-01', 100, 100, :dated_lot);
INSERT INTO point_transfer VALUES (:papers, :dealer, :n, :m, 15, now(), '2026-01-01', 'x', :out,
    :in);
INSERT INTO point_adjustment VALUES (:papers, :dealer, :n, -5, 'r', 'posted', true, :m, now(), :m,
    now(), :adjusted, 1);
INSERT INTO account_freeze VALUES (:papers, :dealer, :m, 'r', :m, now(), :n, now());
INSERT INTO reward VALUES (:papers, :dealer, 'x', 'x', 'x', 1, now());
INSERT INTO reward_stock VALUES (:papers, :dealer, 10, 6, 6);
INSERT INTO redemption (id, dealer_id, member_id, reward_id, quantity, points, posting_set_id,
    redeemed_at, redeemed_by, hold_id)
VALUES (:burn, :dealer, :m, :papers, 1, 30, :burn, now(), 'x', NULL),
    (:cancelled, :dealer, :m, :papers, 1, 1, :cancelled, now(), 'x', NULL),
    (:captured, :dealer, :m, :papers, 1, 15, :captured, now(), 'x', :part);
INSERT INTO redemption_cancellation VALUES (:cancelled, :dealer, :m, :restored, 1, 'r', now(), 'x');
INSERT INTO redemption_step VALUES (:m, :cancelled, 'cancelled', :dealer, now(), 'x');
INSERT INTO hold_purpose VALUES (:m, :part, :dealer, :papers, 1, NULL, NULL, 0, 'used'),
    (:m, :kept, :dealer, :papers, 2, NULL, NULL, 0, 'kept'),
    (:m, :back, :dealer, :papers, 1, NULL, NULL, 0, 'returned');
INSERT INTO reward_code (id, dealer_id, reward_id, sealed, code_index, state, member_id, hold_id,
    redemption_id, batch, uploaded_at, uploaded_by)
SELECT gen_random_uuid(), :dealer, :papers, ''::bytea, n::text::bytea, 'available', NULL::uuid,
    NULL::uuid, NULL::uuid, :papers, now(), 'x' FROM generate_series(1, 6) n
UNION ALL SELECT gen_random_uuid(), :dealer, :papers, '', n::text::bytea, 'held', :m, :kept,
    NULL, :papers, now(), 'x' FROM generate_series(7, 8) n
UNION ALL SELECT gen_random_uuid(), :dealer, :papers, '', n::text::bytea, 'issued', :m, NULL,
    CAST(CASE n WHEN 9 THEN :burn ELSE :captured END AS uuid), :papers, now(), 'x'
    FROM generate_series(9, 10) n
"""
