"""The door of the ledger, verb by verb: what each does at its edges, and what it refuses."""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kernel.errors import Conflict, DomainError, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger
from loyalty.points.ledger.calls import act_json, json_of
from tests.loyalty.books import Books, catch_up, doc, lots_of
from tests.support.shop import Shop


@pytest.fixture
def books(shop: Shop) -> Books:
    return Books(shop, members=2)


def refused(act: Callable[[], object]) -> tuple[type[DomainError], str]:
    with pytest.raises(DomainError) as found:
        act()
    return type(found.value), found.value.code


REFUSALS: list[tuple[str, Callable[[UnitOfWork, UUID], object], type[DomainError]]] = [
    (
        "points_out_of_range",
        lambda uow, who: ledger.burn(uow, who, 0, source=doc()),
        RuleViolation,
    ),
    (
        "points_out_of_range",
        lambda uow, who: ledger.burn(uow, who, -5, source=doc()),
        RuleViolation,
    ),
    (
        "points_out_of_range",
        lambda uow, who: ledger.burn(uow, who, ledger.MOST_POINTS + 1, source=doc()),
        RuleViolation,
    ),
    ("insufficient_points", lambda uow, who: ledger.burn(uow, who, 101, source=doc()), Conflict),
    (
        "member_not_found",
        lambda uow, who: ledger.burn(uow, uuid.uuid4(), 1, source=doc()),
        NotFound,
    ),
    ("member_not_found", lambda uow, who: ledger.lock(uow, [who, uuid.uuid4()]), NotFound),
    (
        "member_not_found",
        lambda uow, who: ledger.transfer(
            uow, from_member=who, to_member=who, points=1, source=doc()
        ),
        NotFound,
    ),
    ("hold_not_found", lambda uow, who: ledger.release(uow, who, uuid.uuid4()), NotFound),
    ("hold_not_found", lambda uow, who: ledger.capture(uow, who, uuid.uuid4(), 1), NotFound),
    (
        "posting_not_found",
        lambda uow, who: ledger.restore(uow, who, uuid.uuid4(), reason="x"),
        NotFound,
    ),
    (
        "lot_not_found",
        lambda uow, who: ledger.reinstate(
            uow, who, uuid.uuid4(), 1, source=doc(), reason="x", expires_at=uow.now
        ),
        NotFound,
    ),
    (
        "nothing_pending",
        lambda uow, who: ledger.begin(uow, who, uuid.uuid4(), event="delivered"),
        Conflict,
    ),
    (
        "member_not_found",
        lambda uow, who: ledger.set_frozen(uow, uuid.uuid4(), frozen=True),
        NotFound,
    ),
]


@pytest.mark.parametrize(("code", "act", "family"), REFUSALS)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(
    books: Books,
    code: str,
    act: Callable[[UnitOfWork, UUID], object],
    family: type[DomainError],
) -> None:
    books.earn(100)
    before = books.account()

    def attempt() -> None:
        with books.work() as uow:
            act(uow, books.member)

    assert refused(attempt) == (family, code)
    assert books.account() == before


@pytest.mark.parametrize("again", ["capture", "release"])
@pytest.mark.parametrize("first", ["capture", "release", "time"])
def test_a_hold_ends_once(books: Books, first: str, again: str) -> None:
    books.earn(100)
    key = books.hold(60, hours=1)

    def end(how: str) -> None:
        with books.work() as uow:
            if how == "capture":
                ledger.capture(uow, books.member, key, 60)
            else:
                ledger.release(uow, books.member, key)

    if first == "time":
        books.hour += 1
    else:
        end(first)
    assert refused(lambda: end(again)) == (Conflict, "hold_ended")
    assert books.spendable() == (40 if first == "capture" else 100)


def test_a_frozen_member_spends_nothing_and_still_earns_and_expires(books: Books) -> None:
    other = books.members[1]
    books.earn(100, ends=2)
    books.earn(50, member=other)
    key = books.hold(10, hours=5)
    with books.work() as uow:
        assert ledger.set_frozen(uow, books.member, frozen=True)
        assert not ledger.set_frozen(uow, books.member, frozen=True)

    def capture() -> None:
        with books.work() as uow:
            ledger.capture(uow, books.member, key, 10)

    for act in (
        lambda: books.burn(1),
        lambda: books.hold(1, hours=1),
        capture,
        lambda: books.transfer(books.member, other, 1),
        lambda: books.transfer(other, books.member, 1),
    ):
        assert refused(act) == (Conflict, "account_frozen")
    books.earn(7)
    books.hour += 2
    books.night()
    assert books.spendable() == 7
    assert books.broken() == []


def test_the_rest_of_a_capture_pays_what_the_member_owes(books: Books) -> None:
    earned = books.earn(100)
    key = books.hold(100, hours=2)
    assert books.claw_back(70, undone=earned).owed == 70
    with books.work() as uow:
        assert ledger.capture(uow, books.member, key, 60).spendable == 0
    assert (books.account().available, books.account().arrears) == (0, 30)
    assert books.broken() == []


@pytest.mark.parametrize(
    ("late", "refusal"), [(0, None), (1, None), (2, "nothing_pending"), (3, "nothing_pending")]
)
def test_pending_points_begin_with_their_event_until_the_instant_they_are_cancelled(
    books: Books, late: int, refusal: str | None
) -> None:
    earned = books.earn(100, starts=None, awaits="delivered", cancel=2)
    books.hour += late

    def begin() -> int:
        with books.work() as uow:
            return ledger.begin(uow, books.member, earned, event="delivered")

    if refusal:
        assert refused(begin) == (Conflict, refusal)
        books.night()
        assert (books.account().pending, books.spendable()) == (0, 0)
    else:
        assert begin() == 100
        assert refused(begin) == (Conflict, "nothing_pending")


def test_another_event_begins_nothing(books: Books) -> None:
    earned = books.earn(100, starts=None, awaits="delivered")
    with pytest.raises(Conflict, match="nothing_pending"), books.work() as uow:
        ledger.begin(uow, books.member, earned, event="paid")


def test_an_event_that_comes_after_the_points_have_ended_begins_nothing(books: Books) -> None:
    earned = books.earn(100, starts=None, awaits="delivered", ends=2)
    books.hour += 2
    with pytest.raises(Conflict, match="nothing_pending"), books.work() as uow:
        ledger.begin(uow, books.member, earned, event="delivered")


@pytest.mark.parametrize("watched", [True, False], ids=["a night between", "no night between"])
@pytest.mark.parametrize(("ends", "cancel", "gone"), [(1, 2, "expired"), (2, 1, "reversed")])
def test_how_waiting_points_are_lost_does_not_depend_on_when_a_job_ran(
    books: Books, ends: int, cancel: int, gone: str, watched: bool
) -> None:
    books.earn(100, starts=None, awaits="delivered", ends=ends, cancel=cancel)
    books.hour += 1
    if watched:
        books.night()
    books.hour += 2
    books.night()
    assert books.books()[gone, books.own, None] == 100


SLEEPING: dict[str, Any] = {
    "business_on": date(2020, 1, 1),
    "inactivity_months": 1,
    "inactivity_round": "day",
}


def months_after(books: Books, months: int) -> datetime:
    """The end of a lot kept alive today, by the rule of F5: the day after, in the dealer's zone."""
    with books.work() as uow:
        found = uow.session.execute(
            text("SELECT point_lasts_until(:day, :months, 'day', 'Asia/Shanghai')"),
            {"day": uow.today, "months": months},
        )
        end: datetime = found.scalar_one()
    return end


def test_a_visit_that_earns_keeps_sleeping_points_alive(books: Books) -> None:
    earned = books.earn(100, ends=2, **SLEEPING)
    books.hour += 1
    books.earn(1, business_on=today(books))
    assert books.lot(earned).expires_at == months_after(books, 1)


def test_points_put_aside_are_kept_alive_as_those_beside_them(books: Books) -> None:
    earned = books.earn(100, ends=2, **SLEEPING)
    key = books.hold(100, hours=9)
    books.hour += 1
    books.earn(1, business_on=today(books))
    books.hour += 4
    with books.work() as uow:
        assert ledger.release(uow, books.member, key) == 101
    assert books.lot(earned).remaining == 100


@pytest.mark.parametrize(
    ("hours", "kind", "day"),
    [(2, "accrual", None), (1, "adjustment", None), (1, "accrual", date(2020, 1, 1))],
    ids=["too late", "not a visit", "a visit of long ago"],
)
def test_nothing_else_moves_the_end_of_points(
    books: Books, hours: int, kind: str, day: date | None
) -> None:
    earned = books.earn(100, ends=2, **SLEEPING)
    end = books.lot(earned).expires_at
    books.hour += hours
    terms = books.terms(business_on=day or today(books))
    with books.work() as uow:
        part = ledger.Credit(1, books.own, terms)
        ledger.credit(uow, books.member, [part], source=doc(), kind=kind, reason="test")
    assert books.lot(earned).expires_at == end


def today(books: Books) -> date:
    with books.work() as uow:
        return uow.today


def test_a_cancelled_burn_of_points_past_their_date_gives_nothing_back(books: Books) -> None:
    earned = books.earn(100, ends=1)
    burnt = books.burn(100)
    books.hour += 1
    with books.work() as uow:
        assert ledger.restore(uow, books.member, burnt, reason="x").spendable == 0
    lot = books.lot(earned)
    assert (lot.remaining, lot.expired) == (0, 100)
    assert books.books() == Counter(
        {("issued", books.own, None): -100, ("expired", books.own, None): 100}
    )


def test_a_transfer_keeps_issuer_cost_rule_and_dates(books: Books) -> None:
    giver, taker = books.members
    earned = books.earn(
        100, issuer=books.partner, starts=-1, ends=4, inactivity_months=3, inactivity_round="month"
    )
    made = books.transfer(giver, taker, 30)
    books.transfer(taker, giver, 30)
    kept = (
        "issuer_id, available_at, expires_at, rule_id, rule_version, unit_cost_fen,"
        " inactivity_months, inactivity_round, business_on"
    )
    with books.work() as uow:
        rows = uow.session.execute(
            text(f"SELECT DISTINCT {kept} FROM point_lot WHERE member_id = ANY (:members)"),
            {"members": books.members},
        ).all()
        assert len(rows) == 1
        assert rows[0].unit_cost_fen == 1
    assert books.lot(made, taker).origin == books.lot(earned, giver).id


def test_a_debt_to_one_issuer_paid_with_points_of_another_is_owed_to_the_first(
    books: Books,
) -> None:
    earned = books.earn(100)
    books.burn(100)
    books.claw_back(100, undone=earned)
    books.earn(60, issuer=books.partner)
    assert (books.spendable(), books.account().arrears) == (0, 40)
    found = books.books()
    assert found["payable", books.partner, books.own] == 60
    assert found["recovered", books.own, None] == -60
    assert books.broken() == []


def test_a_burn_says_lot_by_lot_who_owes_whom_and_its_cancellation_takes_it_back(
    books: Books,
) -> None:
    books.earn(30, issuer=books.partner, ends=1)
    books.earn(70, ends=2)
    burnt = books.burn(100, honoured_by=books.own)
    found = books.books()
    assert found["payable", books.partner, books.own] == 30
    assert found["redeemed", books.own, None] == 70
    with books.work() as uow:
        ledger.restore(uow, books.member, burnt, reason="x")
    after = books.books()
    assert after["payable", books.partner, books.own] == after["redeemed", books.own, None] == 0


def test_points_that_expired_are_not_owed_again_when_the_goods_come_back(books: Books) -> None:
    earned = books.earn(100, ends=1)
    books.burn(20)
    books.hour += 1
    back = books.claw_back(100, undone=earned)
    assert (back.taken, back.owed, back.written_off) == (0, 20, 0)
    assert books.broken() == []


def test_what_was_clawed_back_after_its_end_cannot_be_reinstated(books: Books) -> None:
    earned = books.earn(100, ends=1)
    books.hour += 1
    books.claw_back(60, undone=earned)
    lot = books.lot(earned)
    assert lot.expired == 40

    def reinstate() -> None:
        with books.work() as uow:
            ledger.reinstate(
                uow, books.member, lot.id, 41, source=doc(), reason="x", expires_at=books.at(9)
            )

    assert refused(reinstate) == (Conflict, "reinstatement_exceeds_expired")


def test_a_hold_saves_no_points_from_a_return_that_writes_off(books: Books) -> None:
    earned = books.earn(100)
    kept = books.hold(100, hours=5)
    books.claw_back(100, undone=earned, policy="clamp")
    with books.work() as uow:
        ledger.release(uow, books.member, kept)
    assert (books.spendable(), books.broken()) == (0, [])


def test_what_was_written_off_because_it_was_spent_is_owed_when_it_comes_back(
    books: Books,
) -> None:
    earned = books.earn(100)
    spent = books.burn(100)
    books.claw_back(60, undone=earned, policy="clamp")
    with books.work() as uow:
        ledger.restore(uow, books.member, spent, reason="x")
    assert (books.spendable(), books.broken()) == (40, [])


@pytest.mark.parametrize("first", ["cancelled", "returned"])
def test_nobody_owes_for_points_that_came_back_dead_whatever_came_first(
    shop: Shop, first: str
) -> None:
    books = Books(shop)
    earned = books.earn(100, ends=1)
    spent = books.burn(100)
    books.hour += 2

    def cancel() -> None:
        with books.work() as uow:
            ledger.restore(uow, books.member, spent, reason="x")

    for act in ("cancelled", "returned") if first == "cancelled" else ("returned", "cancelled"):
        if act == "cancelled":
            cancel()
        else:
            books.claw_back(100, undone=earned)
    assert (books.account().arrears, books.spendable(), books.broken()) == (0, 0, [])


@pytest.mark.parametrize("parts", [(100,), (50, 50)])
def test_returns_that_write_off_owe_no_more_than_the_hold_keeps(
    shop: Shop, parts: tuple[int, ...]
) -> None:
    books = Books(shop)
    earned = books.earn(100)
    books.burn(50)
    kept = books.hold(50, hours=5)
    for part in parts:
        books.claw_back(part, undone=earned, policy="clamp")
    with books.work() as uow:
        ledger.release(uow, books.member, kept)
    assert (books.account().arrears, books.spendable(), books.broken()) == (0, 0, [])


def test_a_cancelled_capture_pays_its_own_debt_and_no_write_off_of_another(books: Books) -> None:
    earned = books.earn(100)
    books.burn(40)
    kept = books.hold(60, hours=5)
    books.claw_back(100, undone=earned, policy="clamp")
    with books.work() as uow:
        captured = ledger.capture(uow, books.member, kept, 60).posting_set_id
    with books.work() as uow:
        ledger.restore(uow, books.member, captured, reason="x")
    assert (books.account().arrears, books.spendable(), books.broken()) == (0, 0, [])


def test_a_debt_is_paid_by_a_lot_that_began_and_ended_whether_or_not_anybody_looked(
    shop: Shop,
) -> None:
    seen = []
    for looked in (True, False):
        books = Books(shop)
        books.claw_back(50, undone=(books.earn(50), books.burn(50))[0], policy="arrears")
        books.earn(60, starts=1, ends=2)
        books.hour += 1
        if looked:
            books.night()
        books.hour += 1
        books.earn(30)
        books.night()
        seen.append(books.spendable())
        assert books.broken() == []
    assert seen == [30, 30]


PLAN = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(
            st.tuples(st.integers(1, 50), st.integers(-1, 1), st.sampled_from([None, -1, 1, 2])),
            min_size=1,
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=PLAN, owing=st.sampled_from([0, 40]))
def test_credits_in_one_call_do_what_the_same_credits_do_one_by_one(
    shop: Shop, plan: list[tuple[int, list[tuple[int, int, int | None]]]], owing: int
) -> None:
    """Without debts everything is the same, lot by lot; with a debt the same points pay it, of
    whichever lots end soonest once all are there."""
    one_by_one, at_once = Books(shop, members=3), Books(shop, members=3)
    ledgers = one_by_one, at_once
    for books in ledgers:
        if owing:
            books.claw_back(owing, undone=books.earn(1), policy="arrears")
        with books.work() as uow:
            rows = list(credits_of(books, plan))
            groups = [rows] if books is at_once else [[row] for row in rows]
            for group in groups:
                assert credit_all(uow, [lot for credit in group for lot in credit])
        assert books.broken() == []
        if owing:
            books.night()
    looks = [state(books, lots=not owing) for books in ledgers]
    assert looks[0] == looks[1]
    for books in ledgers:
        books.hour += 1
        books.night()
    if not owing:
        assert state(one_by_one, lots=True) == state(at_once, lots=True)


def credits_of(
    books: Books, plan: list[tuple[int, list[tuple[int, int, int | None]]]]
) -> list[list[dict[str, object]]]:
    made, number = [], 0
    for who, lots in plan:
        posting_set, source = uuid.uuid4(), doc()
        credit = []
        for points, starts, ends in lots:
            number += 1
            credit.append(
                {
                    "ordinal": number,
                    "member_id": books.members[who],
                    "set_id": posting_set,
                    "kind": "accrual",
                    "source": source.name,
                    "source_key": source.key,
                    "business_on": books.now.date(),
                    "against": "issued",
                    "lot_id": uuid.UUID(int=uuid.uuid4().int % 2**64 + number * 2**64),
                    "issuer_id": books.own,
                    "points": points,
                    "rule_id": "test",
                    "rule_version": 1,
                    "unit_cost_fen": 1,
                    "available_at": books.at(starts),
                    "expires_at": None if ends is None else books.at(ends),
                }
            )
        made.append(credit)
    return made


def credit_all(uow: UnitOfWork, parts: list[dict[str, object]]) -> bool:
    statement = text(
        "SELECT point_credit_all(jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb)),"
        " (SELECT array_agg(c) FROM jsonb_populate_recordset(NULL::point_credit,"
        " CAST(:credits AS jsonb)) c))"
    )
    arguments = {"act": act_json(uow, doc(), None), "credits": json_of(parts)}
    return bool(uow.session.execute(statement, arguments).scalar_one())


def state(books: Books, *, lots: bool) -> list[object]:
    """Accounts and lots of the members in their order; `lots` False leaves single lots out."""
    found: list[object] = []
    for member in books.members:
        account = books.account(member)
        found.append(tuple(account)[1:])
        with books.work() as uow:
            found.extend(
                (lot.points, lot.remaining, lot.expired, lot.activated, lot.expires_at)
                for lot in (lots_of(uow, [member]) if lots else [])
            )
    return found


def test_a_credit_to_somebody_unknown_credits_nobody(books: Books) -> None:
    with books.work() as uow:
        (one,), (other,) = credits_of(books, [(0, [(5, 0, None)]), (1, [(5, 0, None)])])
        assert not credit_all(uow, [one, other | {"member_id": uuid.uuid4()}])
    assert books.spendable() == 0


def test_one_posting_cannot_be_written_twice_for_a_document(books: Books) -> None:
    source = ledger.Source("test", "the same")
    with books.work() as uow:
        ledger.accrue(uow, books.member, 5, issuer_id=books.own, source=source, terms=books.terms())
    with pytest.raises(Exception, match="uq_posting_set_source"), books.work() as uow:
        ledger.accrue(uow, books.member, 5, issuer_id=books.own, source=source, terms=books.terms())
    assert books.spendable() == 5


def test_the_night_of_many_members_is_the_night_of_each(shop: Shop) -> None:
    books = Books(shop, members=3)
    for member in books.members[:2]:
        books.earn(10, member=member, ends=1)
        books.earn(20, member=member, starts=1, ends=3)
    books.hour += 1
    assert books.night() == (0, 2, 0, 2, 0)
    assert books.night() == (0, 0, 0, 0, 0)
    assert [books.spendable(member) for member in books.members] == [20, 20, 0]
    with books.work() as uow:
        assert catch_up(uow, books.members[:1]) == (0, 0, 0, 0, 0)


def test_what_the_database_itself_makes_has_an_id_in_order_of_time(books: Books) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with books.work() as uow:
        ids = [
            uow.session.execute(
                text("SELECT point_new_id(:now)"), {"now": moment + timedelta(milliseconds=step)}
            ).scalar_one()
            for step in range(20)
        ]
    assert ids == sorted(ids)
    assert {(each.version, each.variant) for each in ids} == {(7, uuid.RFC_4122)}
