"""Any run of verbs does to the ledger what it does to a plain model of its rules.

`LOYALTY_LONG=1` plays far longer games than the suite has time for.
"""

import os
import uuid
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kernel.database import owner_session
from kernel.errors import DomainError
from kernel.unit_of_work import UnitOfWork
from loyalty.points import ledger, queries
from loyalty.points.proof import prove
from tests.loyalty.books import (
    Books,
    accounts_of,
    books_of,
    broken,
    catch_up,
    doc,
    lots_of,
)
from tests.loyalty.model import Hold, Lot, Programme, RefusedError
from tests.support.shop import Shop

LONG = bool(os.environ.get("LOYALTY_LONG"))
GAMES, STEPS = (200, 50) if LONG else (16, 30)
MEMBERS = 3
WHO = st.integers(0, MEMBERS - 1)
PICK = st.integers(0, 40)
AMOUNT = st.sampled_from(["all", "all", "one more", "one less", "half", "few"])
"""Amounts cluster round what there is: limits break at their edge."""

TERMS = st.one_of(
    st.fixed_dictionaries({"starts": st.integers(-1, 2), "ends": st.sampled_from([None, 1, 2, 3])}),
    st.fixed_dictionaries(
        {
            "starts": st.none(),
            "ends": st.sampled_from([None, 2, 3]),
            "awaits": st.sampled_from(["delivered", "paid"]),
            "cancel": st.sampled_from([None, 1, 2, 3]),
        }
    ),
)
CREDITS = st.lists(st.tuples(st.integers(1, 120), st.booleans(), TERMS), min_size=1, max_size=3)


def amount(said: str, there: int) -> int:
    """A number of points as seen from what there is."""
    found = {"all": there, "one more": there + 1, "one less": there - 1, "half": there // 2}
    return max(1, found.get(said, 7))


def model_lots(books: Books, parts: list[tuple[int, bool, dict[str, Any]]]) -> list[Lot]:
    """The lots of a credit, as the model has them."""
    made = []
    for points, foreign, said in parts:
        terms = books.terms(**said)
        made.append(
            Lot(
                id=uuid.uuid4(),
                issuer=books.partner if foreign else books.own,
                points=points,
                available_at=terms.available_at,
                expires_at=terms.expires_at,
                awaits=terms.awaits,
                cancel_at=terms.cancel_at,
            )
        )
    return made


def door_credits(books: Books, lots: list[Lot]) -> list[ledger.Credit]:
    """The same lots, as the door is told of them."""
    return [
        ledger.Credit(
            lot.points,
            lot.issuer,
            ledger.Terms(
                rule_id="test",
                rule_version=1,
                business_on=books.now.date(),
                available_at=lot.available_at,
                expires_at=lot.expires_at,
                unit_cost_fen=books.terms().unit_cost_fen,
                awaits=lot.awaits,
                cancel_at=lot.cancel_at,
            ),
            lot.id,
        )
        for lot in lots
    ]


def seen(uow: UnitOfWork, members: list[UUID]) -> dict[str, Any]:
    """Accounts, lots and the programme's books, as the database has them."""
    return {
        "accounts": {
            key: (row.spendable, row.available, row.pending, row.held, row.arrears)
            for key, row in accounts_of(uow, members).items()
        },
        "lots": {
            (row.member_id, row.id): (
                row.issuer_id,
                row.remaining,
                row.held,
                row.expired,
                row.reinstated,
                row.activated,
                row.available_at,
                row.expires_at,
            )
            for row in lots_of(uow, members)
        },
        "books": books_of(uow, members),
    }


def expected(model: Programme, books: Books) -> dict[str, Any]:
    """The same, as the model has them."""
    return {
        "accounts": {
            key: (
                model.spendable(key, books.now),
                who.available,
                who.pending,
                who.held,
                who.arrears,
            )
            for key, who in model.members.items()
        },
        "lots": {
            (key, lot.id): (
                lot.issuer,
                lot.remaining,
                lot.held,
                lot.expired,
                lot.reinstated,
                lot.activated,
                lot.available_at,
                lot.expires_at,
            )
            for key, who in model.members.items()
            for lot in who.lots.values()
        },
        "books": Counter({line: points for line, points in model.books.items() if points}),
    }


class LedgerMachine(RuleBasedStateMachine):
    """Three members, two issuers, whole hours: lots and holds end in the same instants."""

    shop: Shop

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(self.shop, MEMBERS)
        self.model = Programme(self.books.members)
        self.earned: list[tuple[UUID, UUID, list[Lot]]] = []
        self.burnt: list[tuple[UUID, UUID]] = []

    def play(self, act: Callable[[UnitOfWork], Any], told: Callable[[Programme, Any], None]) -> Any:
        """The act on the ledger and the same on the model: both do it, or refuse it alike."""
        answer, refusals = None, []
        try:
            with self.books.work() as uow:
                answer = act(uow)
        except DomainError as error:
            refusals.append(error.code)
        after = deepcopy(self.model)
        try:
            told(after, answer)
            self.model = after
        except RefusedError as error:
            refusals.append(error.code)
        assert refusals in ([], refusals[:1] * 2)
        return answer

    def member(self, pick: int) -> UUID:
        return self.books.members[pick % MEMBERS]

    def issuer(self, foreign: bool) -> UUID:
        return self.books.partner if foreign else self.books.own

    def hold_of(self, pick: int) -> tuple[UUID, Hold | None]:
        every = [(key, hold) for key, who in self.model.members.items() for hold in _of(who)]
        return every[pick % len(every)] if every else (self.books.member, None)

    @rule(who=WHO, parts=CREDITS)
    def earn(self, who: int, parts: list[tuple[int, bool, dict[str, Any]]]) -> None:
        member, lots = self.member(who), model_lots(self.books, parts)
        opened = door_credits(self.books, lots)
        posted = self.play(
            lambda uow: ledger.credit(uow, member, opened, source=doc()),
            lambda model, _: model.credit(member, deepcopy(lots), self.books.now),
        )
        self.earned.append((member, posted.posting_set_id, lots))

    @rule(who=WHO, said=AMOUNT, foreign=st.booleans())
    def burn(self, who: int, said: str, foreign: bool) -> None:
        member, honoured_by, now = self.member(who), self.issuer(foreign), self.books.now
        points = amount(said, self.model.spendable(member, now))
        posted = self.play(
            lambda uow: ledger.burn(uow, member, points, source=doc(), honoured_by=honoured_by),
            lambda model, made: model.burn(member, _set(made), points, honoured_by, now),
        )
        if posted:
            self.burnt.append((member, posted.posting_set_id))

    @rule(who=WHO, said=AMOUNT, hours=st.integers(1, 3))
    def hold(self, who: int, said: str, hours: int) -> None:
        member, key, now = self.member(who), uuid.uuid4(), self.books.now
        points, ends = amount(said, self.model.spendable(member, now)), self.books.at(hours)
        self.play(
            lambda uow: ledger.hold(uow, member, points, hold_id=key, expires_at=ends),
            lambda model, _: model.hold(member, key, points, ends, now),
        )

    @rule(pick=PICK, said=AMOUNT, foreign=st.booleans())
    def capture(self, pick: int, said: str, foreign: bool) -> None:
        member, hold = self.hold_of(pick)
        key, points = (hold.id, amount(said, hold.points)) if hold else (uuid.uuid4(), 1)
        honoured_by, now = self.issuer(foreign), self.books.now
        posted = self.play(
            lambda uow: ledger.capture(uow, member, key, points, honoured_by=honoured_by),
            lambda model, made: model.capture(member, key, _set(made), points, honoured_by, now),
        )
        if posted:
            self.burnt.append((member, posted.posting_set_id))

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        member, hold = self.hold_of(pick)
        key, now = hold.id if hold else uuid.uuid4(), self.books.now
        self.play(
            lambda uow: ledger.release(uow, member, key),
            lambda model, _: model.release(member, key, now),
        )

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        every = self.burnt + [(member, key) for member, key, _ in self.earned]
        if every:
            member, key = every[-1 - pick % len(every)]
            self.play(
                lambda uow: ledger.restore(uow, member, key, reason="changed his mind"),
                lambda model, _: model.restore(member, key, self.books.now),
            )

    @rule(pick=PICK, said=AMOUNT, foreign=st.booleans(), arrears=st.booleans())
    def claw_back(self, pick: int, said: str, foreign: bool, arrears: bool) -> None:
        if not self.earned:
            return
        member, undone, lots = self.earned[-1 - pick % len(self.earned)]
        points = amount(said, sum(lot.points for lot in lots))
        own, issuer, now = [lot.id for lot in lots], self.issuer(foreign), self.books.now
        policy = ledger.DebtPolicy.ARREARS if arrears else ledger.DebtPolicy.CLAMP

        def told(model: Programme, made: ledger.ClawedBack) -> None:
            parts = model.claw_back(member, points, own, issuer, now, arrears=arrears)
            assert parts == (made.taken, made.owed, made.written_off)

        self.play(
            lambda uow: ledger.claw_back(
                uow,
                member,
                points,
                undone=undone,
                lots=own,
                issuer_id=issuer,
                policy=policy,
                source=doc(),
                reason="the goods came back",
            ),
            told,
        )

    @rule(who=WHO, pick=PICK, said=AMOUNT, hours=st.integers(1, 3))
    def reinstate(self, who: int, pick: int, said: str, hours: int) -> None:
        member, now, ends = self.member(who), self.books.now, self.books.at(hours)
        known = list(self.model.members[member].lots.values())
        expired = [lot for lot in known if lot.expired > lot.reinstated] or known
        old = expired[pick % len(expired)] if expired else Lot(uuid.uuid4(), member, 0, now, now)
        points = amount(said, old.expired - old.reinstated)

        def act(uow: UnitOfWork) -> UUID:
            made = ledger.reinstate(
                uow, member, old.id, points, source=doc(), reason="goodwill", expires_at=ends
            )
            return _opened(uow, member, made.posting_set_id)[old.id]

        self.play(
            act,
            lambda model, key: model.reinstate(
                member, old.id, Lot(key, old.issuer, points, now, ends), now
            ),
        )

    @rule(giver=WHO, taker=WHO, said=AMOUNT)
    def transfer(self, giver: int, taker: int, said: str) -> None:
        one, other, now = self.member(giver), self.member(taker), self.books.now
        points = amount(said, self.model.spendable(one, now))

        def act(uow: UnitOfWork) -> dict[UUID, UUID]:
            _, made = ledger.transfer(
                uow, from_member=one, to_member=other, points=points, source=doc()
            )
            return _opened(uow, other, made)

        self.play(act, lambda model, ids: model.transfer(one, other, points, ids or {}, now))

    @rule(who=WHO, said=AMOUNT, up=st.booleans())
    def adjust(self, who: int, said: str, up: bool) -> None:
        member, now, key = self.member(who), self.books.now, uuid.uuid4()
        points = amount(said, self.model.spendable(member, now))
        terms = self.books.terms(ends=3)

        def act(uow: UnitOfWork) -> UUID:
            delta = points if up else -points
            made = ledger.adjust(uow, member, delta, source=doc(), reason="typo", terms=terms)
            return _opened(uow, member, made.posting_set_id).get(None, key)

        def told(model: Programme, lot: UUID) -> None:
            if up:
                made = Lot(lot, self.books.own, points, now, terms.expires_at)
                model.credit(member, [made], now, against="adjusted")
            else:
                model.take(member, points, now)

        self.play(act, told)

    @rule(who=WHO, frozen=st.sampled_from([True, False, False]))
    def freeze(self, who: int, frozen: bool) -> None:
        member = self.member(who)

        def told(model: Programme, changed: bool) -> None:
            assert changed == (model.members[member].frozen != frozen)
            model.members[member].frozen = frozen

        self.play(lambda uow: ledger.set_frozen(uow, member, frozen=frozen), told)

    @rule(pick=PICK, event=st.sampled_from(["delivered", "paid"]))
    def begin(self, pick: int, event: str) -> None:
        waiting = [each for each in self.earned if any(lot.awaits for lot in each[2])]
        if waiting:
            member, key, lots = waiting[-1 - pick % len(waiting)]
            own, now = [lot.id for lot in lots], self.books.now
            self.play(
                lambda uow: ledger.begin(uow, member, key, event=event),
                lambda model, _: model.begin(member, own, event, now),
            )

    @rule()
    def night(self) -> None:
        def told(model: Programme, _: object) -> None:
            for member in self.books.members:
                model.catch_up(member, self.books.now)

        self.play(lambda uow: catch_up(uow, self.books.members), told)
        assert not any(self.books.night())

    @rule(hours=st.integers(1, 2))
    def wait(self, hours: int) -> None:
        self.books.hour += hours

    @invariant()
    def books_agree(self) -> None:
        with self.books.work() as uow:
            assert broken(uow, self.books.members) == []
            assert seen(uow, self.books.members) == expected(self.model, self.books)
            shown = {who: queries.balance(uow, who).available for who in self.books.members}
        said = {who: self.model.spendable(who, self.books.now) for who in shown}
        assert shown == said
        assert said == self.spendable_after_the_night()

    def spendable_after_the_night(self) -> dict[UUID, int]:
        """The night writes down what time has done; it never changes what can be spent (F6)."""
        night = deepcopy(self.model)
        for member in night.members:
            night.catch_up(member, self.books.now)
        return {who: night.spendable(who, self.books.now) for who in night.members}


def _set(made: ledger.Posted | None) -> UUID:
    return made.posting_set_id if made else uuid.uuid4()


def _of(who: Any) -> list[Hold]:
    return list(who.holds.values())


def _opened(uow: UnitOfWork, member: UUID, posting_set: UUID) -> dict[Any, UUID]:
    """The lots a posting set opened, by the lot they come from."""
    lots = lots_of(uow, [member])
    return {lot.origin: lot.id for lot in lots if lot.set_id == posting_set}


def play(shop: Shop, machine: type[RuleBasedStateMachine], games: int, steps: int) -> None:
    run_state_machine_as_test(
        type("Played", (machine,), {"shop": shop}),
        settings=settings(
            max_examples=games,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with owner_session(shop.service.settings.database_url, read_only=True) as session:
        assert [found for found in prove(session) if found.count] == []


def test_any_run_of_verbs_keeps_the_ledger_equal_to_the_plain_model(shop: Shop) -> None:
    play(shop, LedgerMachine, GAMES, STEPS)
