"""The proof against planted damage: a check that finds nothing proves nothing."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.service import Service
from kernel.database import owner_session
from loyalty.points.proof import CHECKS, Check, prove, settled_checks
from tests.support.benefits import UNITS
from tests.support.books import HOUR, PAPERS, Books, full_books
from tests.support.shop import open_shop

DAMAGE = {
    "the entries of a posting set sum to zero for each issuer": (
        "UPDATE point_entry SET issuer_id = :m WHERE posting_set_id = :dated AND side = 'member'"
    ),
    "all entries together sum to zero": (
        "UPDATE point_entry SET points = 9 WHERE posting_set_id = :dated AND side = 'member'"
    ),
    "points given to other members all arrived": (
        "UPDATE point_entry SET account = 'issued' WHERE posting_set_id = :in AND points < 0"
    ),
    "a posting set has the entries of its points": (
        "UPDATE posting_set SET points = -points WHERE id = :dated"
    ),
    "the stored balance is the sum of the entries": (
        "UPDATE point_account SET arrears = arrears + 1 WHERE member_id = :m"
    ),
    "the stored balance is the sum of the lots": (
        "UPDATE point_lot SET activated = true, available_at = now() WHERE id = :pending_lot"
    ),
    "what is left of a lot is what its entries left": (
        "UPDATE point_entry SET lot_id = :foreign_lot WHERE posting_set_id = :given"
        " AND side = 'member'"
    ),
    "no running balance was ever below zero, and no debt above": (
        "ALTER TABLE posting_set DROP CONSTRAINT uq_posting_set_account_version;"
        " UPDATE posting_set SET account_version = 6 - account_version"
        " WHERE member_id = :m AND account_version IN (2, 4)"
    ),
    "the acts on an account are numbered without a gap": (
        "UPDATE posting_set SET account_version = 100 WHERE id = :pending"
    ),
    "a posting set has exactly one event": (
        "DELETE FROM outbox_event WHERE (data ->> 'posting_set_id')::uuid = :burn"
    ),
    "the dealer is the same along every relation": (
        "UPDATE point_hold SET dealer_id = :m WHERE id = :back"
    ),
    "what an account has held is in its open holds": (
        "UPDATE point_hold SET state = 'released', ended_at = now() WHERE id = :kept"
    ),
    "a hold put its points aside": "UPDATE point_hold SET points = 11 WHERE id = :back",
    "a hold has exactly one end": (
        "UPDATE point_hold SET state = 'expired', captured = NULL WHERE id = :part;"
        " DELETE FROM posting_set WHERE kind = 'release' AND source_key = (:part)::text"
    ),
    "each lot expires once": "UPDATE posting_set SET kind = 'expiry' WHERE id = :burn",
    "a lot expired by the posting it names, at its end and not before": (
        "UPDATE posting_set SET posted_at = posted_at - interval '1 day'"
        " WHERE member_id = :m AND kind = 'expiry'"
    ),
    "what expired of the lots is what was posted as expired": (
        "UPDATE point_lot SET expired = expired - 1 WHERE id = :dated_lot"
    ),
    "what was reinstated of a lot is in lots of its own, and no more than expired": (
        "UPDATE point_lot SET reinstated = reinstated - 1 WHERE id = :dated_lot"
    ),
    "a document has one posting set, of its points": (
        "UPDATE source_document SET posting_set_id = NULL WHERE id = :lasting"
    ),
    "a return took back what it says": (
        "UPDATE source_document SET points = -99 WHERE id = :clawback"
    ),
    "all returns of a document together are no more than it earned": (
        "UPDATE source_document SET points = 99 WHERE id = :lasting"
    ),
    "no issuer takes back more of a document than he gave for it": (
        "UPDATE point_entry SET issuer_id = gen_random_uuid()"
        " WHERE member_id = :m AND account = 'reversed' AND posting_set_id IN ("
        " SELECT s.id FROM posting_set s JOIN source_document d"
        " ON d.member_id = s.member_id AND d.posting_set_id = s.reverses"
        " WHERE s.member_id = :m AND s.kind = 'clawback')"
    ),
    "a document is credited once, to one member": (
        "UPDATE posting_set SET source_key = (SELECT source_key FROM posting_set"
        " WHERE id = :dated) WHERE id = :given"
    ),
    "a document's points are what the rules granted": "DELETE FROM rule_grant WHERE member_id = :m",
    "each grant is a lot of its rule": (
        "UPDATE point_lot SET rule_version = 2 WHERE id = :dated_lot"
    ),
    "what a budget has given is what was granted from it": (
        "UPDATE rule_budget SET granted = 99 WHERE dealer_id = :dealer"
    ),
    "a transfer took from one what it gave the other": (
        "UPDATE point_transfer SET points = 16 WHERE id = :papers"
    ),
    "a rule was published by another than its author": (
        "ALTER TABLE earning_rule DROP CONSTRAINT ck_earning_rule_two_people;"
        " UPDATE earning_rule SET publisher_id = author_id WHERE dealer_id = :dealer"
    ),
    "an adjustment had two people, or one and was small; it posted its points": (
        "ALTER TABLE point_adjustment DROP CONSTRAINT ck_point_adjustment_two_people;"
        " UPDATE point_adjustment SET single_handed = false WHERE id = :papers"
    ),
    "a freeze was lifted by another than who froze": (
        "ALTER TABLE account_freeze DROP CONSTRAINT ck_account_freeze_two_people;"
        " UPDATE account_freeze SET lifted_by = frozen_by WHERE id = :papers"
    ),
    "stock left, redeemed and kept is the stock received": (
        "UPDATE reward_stock SET available = available - 1 WHERE reward_id = :papers"
    ),
    "a redemption took the points it cost": "UPDATE redemption SET points = 31 WHERE id = :burn",
    "a cancellation gave back what it says, of its own redemption": (
        "UPDATE redemption_cancellation SET posting_set_id = :burn WHERE dealer_id = :dealer"
    ),
    "the stock a hold kept went the way of its points": (
        "UPDATE hold_purpose SET stock = 'used' WHERE hold_id = :kept"
    ),
    "the codes a pool has left are its pieces in stock": (
        "UPDATE reward_stock SET codes = codes - 1 WHERE reward_id = :papers"
    ),
    "a redemption of a pool has a code for each piece, until it is cancelled": (
        "UPDATE reward_code SET redemption_id = :cancelled WHERE redemption_id = :burn"
    ),
    "a hold over a pool keeps a code for each piece": (
        "UPDATE reward_code SET hold_id = :back WHERE hold_id = :kept"
    ),
    "no code is handed out twice": (
        "ALTER TABLE reward_code DROP CONSTRAINT uq_reward_code_index;"
        " UPDATE reward_code SET code_index = '9' WHERE redemption_id = :captured"
    ),
    "what was handed over was not cancelled": (
        "UPDATE redemption_step SET step = 'handed_over' WHERE redemption_id = :cancelled"
    ),
    "a cancelled redemption has the step that says so, and no other has it": (
        "DELETE FROM redemption_step WHERE redemption_id = :cancelled"
    ),
    "a hold whose order was let go was not captured": (
        "UPDATE hold_purpose SET live = false WHERE hold_id = :part"
    ),
    "a lot of a benefit is the sum of its entries": (
        "UPDATE benefit_grant SET granted = granted + 1 WHERE id = :dated"
    ),
    "no more of a benefit is taken than was granted, and a closed lot has nothing left": (
        "ALTER TABLE benefit_grant DROP CONSTRAINT ck_benefit_grant_closed;"
        " UPDATE benefit_grant SET granted = granted + 1 WHERE id = :lasting"
    ),
    "what a lot of a benefit keeps and used is in its reservations": (
        "UPDATE benefit_usage SET grant_id = :lasting WHERE id = :kept"
    ),
    "a reservation went from step to step, each once": (
        "DELETE FROM benefit_entry WHERE usage_id = :burn AND kind = 'use'"
    ),
    "what was carried over left the lot it came from": (
        "UPDATE benefit_entry SET lapsed = 1 WHERE member_id = :m AND kind = 'carry'"
    ),
    "a use is owed to whoever honoured it": (
        "ALTER TABLE benefit_usage DROP CONSTRAINT ck_benefit_usage_used;"
        " UPDATE benefit_usage SET honoured_by = NULL WHERE id = :burn"
    ),
    "a member stands where the latest word about his score put him": (
        "INSERT INTO tier_standing VALUES (:m, :dealer, 'silver', 5000, '2026-03-01', NULL, 1);"
        " INSERT INTO member_tier (member_id, id, dealer_id, tier, since_on, reason, set_by,"
        " set_at, kind, cause, score, scheme_version, evidence) SELECT :m, id::uuid, :dealer, tier,"
        " '2026-03-01', cause, 'system', now(), 'earned', cause, 5000, 1, '[]' FROM (VALUES"
        " ('00000000-0000-7000-8000-000000000002', 'base', 'first'),"
        " ('00000000-0000-7000-8000-000000000001', 'silver', 'promoted')) said (id, tier, cause)"
    ),
}


@pytest.fixture(scope="module")
def books(app: Flask, service: Service) -> Books:
    return full_books(open_shop(app, service))


@pytest.fixture
def owners(books: Books, service: Service) -> Iterator[Session]:
    """The owner of the tables with those books; whatever is done is rolled back."""
    with owner_session(service.settings.database_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        _run(session, PAPERS, books)
        _run(session, UNITS, books)
        yield session
        session.rollback()


def _run(session: Session, statements: str, books: Books) -> None:
    for statement in statements.split(";"):
        values = {name: key for name, key in books.ids.items() if f":{name}" in statement}
        session.connection().execute(text(statement), values)


def _broken(session: Session, checks: tuple[Check, ...] = CHECKS) -> list[str]:
    return [finding.says for finding in prove(session, checks) if finding.count]


def test_books_in_which_everything_happened_once_hold(owners: Session) -> None:
    assert _broken(owners) == []


def test_no_check_is_without_its_planted_damage() -> None:
    assert set(DAMAGE) == {check.says for check in CHECKS}


@pytest.mark.parametrize("says", DAMAGE)
def test_the_proof_finds_planted_damage(books: Books, owners: Session, says: str) -> None:
    checks = tuple(check for check in CHECKS if check.says == says)
    assert _broken(owners, checks) == []
    _run(owners, DAMAGE[says], books)
    assert _broken(owners, checks) == [says]


def test_a_finding_counts_the_broken_rows_and_names_one(books: Books, owners: Session) -> None:
    members = [books.ids["m"], books.ids["n"]]
    _run(owners, "UPDATE point_account SET held = held + 1 WHERE dealer_id = :dealer", books)
    found = next(finding for finding in prove(owners) if finding.count)
    assert (found.number, found.count) == ("I2", 2)
    assert uuid.UUID(found.example) in members


@pytest.mark.parametrize(("hours", "left"), [(99, 0), (100, 2), (150, 3)])
def test_what_a_night_should_have_done_and_has_not_is_found(
    books: Books, owners: Session, hours: int, left: int
) -> None:
    """Points pending and a hold until the hundredth hour; a lot that ends in the 150th."""
    checks = settled_checks(books.start + hours * HOUR)
    ours = "SELECT * FROM ({}) found WHERE member_id IN ('{m}', '{n}')"
    narrowed = tuple(replace(c, breaks=ours.format(c.breaks, **books.ids)) for c in checks)
    assert len(_broken(owners, narrowed)) == left
