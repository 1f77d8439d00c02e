"""The ledger's door with hours that stand still, and a look into the books of a few members."""

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from api.commands.work import unit_of_work
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.members.enroll import Enrolment, enroll
from loyalty.points import ledger
from loyalty.points.ledger.calls import act_json
from tests.support.shop import Shop


class Books:
    """Members of a shop; `hour` is counted from one instant, so that ends are met exactly."""

    def __init__(self, shop: Shop, members: int = 1) -> None:
        self.shop, self.partner, self.hour = shop, uuid.uuid4(), 0
        self.start = shop.service.clock().replace(minute=0, second=0, microsecond=0)
        with self.work() as uow:
            self.members = [enroll(uow, _person(uow)) for _ in range(members)]

    @property
    def member(self) -> UUID:
        return self.members[0]

    @property
    def own(self) -> UUID:
        return self.shop.dealer_id

    @property
    def now(self) -> datetime:
        return self.at(0)

    def at(self, hours: int) -> datetime:
        """So many hours from now."""
        return self.start + timedelta(hours=self.hour + hours)

    def work(self) -> AbstractContextManager[UnitOfWork]:
        now = self.now
        return unit_of_work(self.shop.service, self.own, role=Role.SYSTEM, client="test", now=now)

    def terms(
        self,
        *,
        starts: int | None = 0,
        ends: int | None = None,
        awaits: str | None = None,
        cancel: int | None = None,
        **more: Any,
    ) -> ledger.Terms:
        """Terms of a lot in hours from now; a lot that starts never waits for its event."""
        return ledger.Terms(
            rule_id="test",
            rule_version=1,
            business_on=more.pop("business_on", self.now.date()),
            available_at=None if starts is None else self.at(starts),
            expires_at=None if ends is None else self.at(ends),
            unit_cost_fen=Decimal(1),
            awaits=awaits,
            cancel_at=None if cancel is None else self.at(cancel),
            **more,
        )

    def earn(
        self,
        points: int,
        *,
        member: UUID | None = None,
        issuer: UUID | None = None,
        lot: UUID | None = None,
        **terms: Any,
    ) -> UUID:
        """A credit in a transaction of its own; the id of its posting set."""
        part = ledger.Credit(points, issuer or self.own, self.terms(**terms), lot)
        with self.work() as uow:
            return ledger.credit(uow, member or self.member, [part], source=doc()).posting_set_id

    def burn(
        self, points: int, *, member: UUID | None = None, honoured_by: UUID | None = None
    ) -> UUID:
        with self.work() as uow:
            who = member or self.member
            return ledger.burn(
                uow, who, points, source=doc(), honoured_by=honoured_by
            ).posting_set_id

    def hold(self, points: int, *, hours: int) -> UUID:
        key = uuid.uuid4()
        with self.work() as uow:
            ledger.hold(uow, self.member, points, hold_id=key, expires_at=self.at(hours))
        return key

    def claw_back(
        self, points: int, *, undone: UUID, policy: str = "arrears", issuer: UUID | None = None
    ) -> ledger.ClawedBack:
        with self.work() as uow:
            return ledger.claw_back(
                uow,
                self.member,
                points,
                undone=undone,
                lots=[lot.id for lot in lots_of(uow, [self.member]) if lot.set_id == undone],
                issuer_id=issuer or self.own,
                policy=ledger.DebtPolicy(policy),
                source=doc(),
                reason="the goods came back",
            )

    def transfer(self, giver: UUID, taker: UUID, points: int) -> UUID:
        """Between members; the id of the receiver's posting set."""
        with self.work() as uow:
            return ledger.transfer(
                uow, from_member=giver, to_member=taker, points=points, source=doc()
            )[1]

    def night(self) -> tuple[int, ...]:
        """Members by what the night did: released, activated, cancelled, expired, settled."""
        with self.work() as uow:
            return catch_up(uow, self.members)

    def spendable(self, member: UUID | None = None) -> int:
        with self.work() as uow:
            found = uow.session.execute(
                text("SELECT point_spendable(:member, :now)"),
                {"member": member or self.member, "now": uow.now},
            )
            return int(found.scalar_one())

    def lot(self, posting_set: UUID, member: UUID | None = None) -> Any:
        """The one lot a posting set opened."""
        with self.work() as uow:
            (found,) = (
                lot for lot in lots_of(uow, [member or self.member]) if lot.set_id == posting_set
            )
        return found

    def account(self, member: UUID | None = None) -> Any:
        with self.work() as uow:
            return accounts_of(uow, [member or self.member])[member or self.member]

    def books(self) -> Counter[tuple[str, UUID, UUID | None]]:
        with self.work() as uow:
            return books_of(uow, self.members)

    def broken(self) -> list[str]:
        with self.work() as uow:
            return broken(uow, self.members)


def doc() -> ledger.Source:
    """A document nobody has sent before."""
    return ledger.Source("test", uuid.uuid4().hex)


def catch_up(uow: UnitOfWork, members: Sequence[UUID]) -> tuple[int, ...]:
    ledger.lock(uow, members)
    statement = text(
        "SELECT released, activated, cancelled, expired, settled FROM point_catch_up("
        "jsonb_populate_record(NULL::point_act, CAST(:act AS jsonb)), :members)"
    )
    act = act_json(uow, ledger.Source("nightly", "nightly"), None)
    return tuple(uow.session.execute(statement, {"act": act, "members": list(members)}).one())


def lots_of(uow: UnitOfWork, members: Sequence[UUID]) -> Sequence[Any]:
    statement = text(
        "SELECT member_id, id, issuer_id, posting_set_id AS set_id, points, remaining, held,"
        " expired, reinstated, activated, available_at, expires_at, origin_lot_id AS origin"
        " FROM point_lot WHERE member_id = ANY (:members) ORDER BY id"
    )
    return uow.session.execute(statement, {"members": list(members)}).all()


def accounts_of(uow: UnitOfWork, members: Sequence[UUID]) -> dict[UUID, Any]:
    statement = text(
        "SELECT member_id, available, pending, held, arrears, frozen,"
        " point_spendable(member_id, :now) AS spendable"
        " FROM point_account WHERE member_id = ANY (:members)"
    )
    rows = uow.session.execute(statement, {"members": list(members), "now": uow.now})
    return {row.member_id: row for row in rows}


def books_of(uow: UnitOfWork, members: Sequence[UUID]) -> Counter[tuple[str, UUID, UUID | None]]:
    """What each account of the programme gained, by issuer and by whom a payable is owed to."""
    statement = text(
        "SELECT account, issuer_id, counterparty_id, sum(points) FROM point_entry"
        " WHERE member_id = ANY (:members) AND side = 'programme' GROUP BY 1, 2, 3"
    )
    rows = uow.session.execute(statement, {"members": list(members)})
    return Counter({(row[0], row[1], row[2]): int(row[3]) for row in rows if row[3]})


_ENTRIES = "FROM point_entry WHERE member_id = ANY (:members)"
_RUNNING = (
    "SELECT account, sum(points) OVER (PARTITION BY member_id, account ORDER BY account_version)"
    " AS level FROM (SELECT e.member_id, e.account, s.account_version, sum(e.points) AS points"
    " FROM point_entry e JOIN posting_set s ON s.member_id = e.member_id"
    " AND s.id = e.posting_set_id WHERE e.member_id = ANY (:members) AND e.side = 'member'"
    " GROUP BY 1, 2, 3) step"
)
_BREAKS = {
    "I1 a posting set sums to zero per issuer": (
        f"SELECT {_ENTRIES} GROUP BY member_id, posting_set_id, issuer_id HAVING sum(points) <> 0"
    ),
    "I1 a posting set has the points of its member entries": (
        "SELECT FROM posting_set s WHERE member_id = ANY (:members) AND points <> (SELECT"
        " COALESCE(sum(points), 0) FROM point_entry e WHERE e.member_id = s.member_id"
        " AND e.posting_set_id = s.id AND side = 'member')"
    ),
    "I1 what leaves by transfer arrives": (
        f"SELECT {_ENTRIES} AND account = 'transferred' GROUP BY issuer_id HAVING sum(points) <> 0"
    ),
    "I2 the account is the sum of its entries": (
        "SELECT FROM point_account a WHERE member_id = ANY (:members) AND"
        " (available, pending, held, -arrears) <> (SELECT"
        " COALESCE(sum(points) FILTER (WHERE account = 'available'), 0),"
        " COALESCE(sum(points) FILTER (WHERE account = 'pending'), 0),"
        " COALESCE(sum(points) FILTER (WHERE account = 'held'), 0),"
        " COALESCE(sum(points) FILTER (WHERE account = 'arrears'), 0)"
        " FROM point_entry e WHERE e.member_id = a.member_id)"
    ),
    "I2 the account is the sum of its lots": (
        "SELECT FROM point_account a WHERE member_id = ANY (:members) AND"
        " (available, pending, held) <> (SELECT"
        " COALESCE(sum(remaining) FILTER (WHERE activated), 0),"
        " COALESCE(sum(remaining) FILTER (WHERE NOT activated), 0), COALESCE(sum(held), 0)"
        " FROM point_lot l WHERE l.member_id = a.member_id)"
    ),
    "I2 a lot has what its entries left": (
        "SELECT FROM point_lot l WHERE member_id = ANY (:members) AND (remaining, held) <>"
        " (SELECT COALESCE(sum(points) FILTER (WHERE account IN ('available', 'pending')), 0),"
        " COALESCE(sum(points) FILTER (WHERE account = 'held'), 0) FROM point_entry e"
        " WHERE e.member_id = l.member_id AND e.lot_id = l.id AND e.side = 'member')"
    ),
    "I3 no account was ever below its floor": (
        f"SELECT FROM ({_RUNNING}) walk WHERE CASE account WHEN 'arrears' THEN level > 0"
        " ELSE level < 0 END"
    ),
    "I3 the acts of a member are counted without a gap": (
        "SELECT FROM point_account a JOIN (SELECT member_id, count(*) AS acts,"
        " min(account_version) AS first, max(account_version) AS last FROM posting_set"
        " WHERE member_id = ANY (:members) GROUP BY 1) s USING (member_id)"
        " WHERE (s.first, s.last, a.version) <> (2, s.acts + 1, s.acts + 1)"
    ),
    "I6 what is held is what open holds keep": (
        "SELECT FROM point_account a WHERE member_id = ANY (:members) AND held <> (SELECT"
        " COALESCE(sum(points), 0) FROM point_hold h WHERE h.member_id = a.member_id"
        " AND state = 'open')"
    ),
    "I8 a posting set has exactly one event": (
        "SELECT FROM posting_set s LEFT JOIN outbox_event o ON o.dealer_id = s.dealer_id"
        " AND o.subject_id = s.member_id AND o.data ->> 'posting_set_id' = s.id::text"
        " WHERE s.member_id = ANY (:members) GROUP BY s.id HAVING count(o.id) <> 1"
    ),
    "I13 a lot expires once, and not before its end": (
        "SELECT FROM point_lot l JOIN point_entry e ON e.member_id = l.member_id"
        " AND e.lot_id = l.id AND e.side = 'member' JOIN posting_set s"
        " ON s.member_id = e.member_id AND s.id = e.posting_set_id AND s.kind = 'expiry'"
        " WHERE l.member_id = ANY (:members) GROUP BY l.id, l.expires_at"
        " HAVING count(*) > 1 OR min(s.posted_at) < l.expires_at"
    ),
    "no posting is without entries": (
        "SELECT FROM posting_set s WHERE member_id = ANY (:members) AND NOT EXISTS (SELECT"
        " FROM point_entry e WHERE e.member_id = s.member_id AND e.posting_set_id = s.id)"
    ),
}
_ALL = text(
    " UNION ALL ".join(f"SELECT '{says}' WHERE EXISTS ({query})" for says, query in _BREAKS.items())
)


def broken(uow: UnitOfWork, members: Sequence[UUID]) -> list[str]:
    """The invariants of ledger.md that do not hold for these members."""
    return list(uow.session.scalars(_ALL, {"members": list(members)}))


def _person(uow: UnitOfWork) -> Enrolment:
    return Enrolment("test", uuid.uuid4().hex, "张三", "13800138000", uow.today)
