"""Dealers, members and a ledger made set-based, as rows the ledger's own functions would have left.

The rules of the door are mirrored row by row: a posting set with two entries and one event for
every lot, a posting set that spends a lot wholly for every spent one, accounts that add up. Never
trust it: the gate proves it like any other ledger. Triggers are off while the rows go in.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from bench.stage import Stage

DEALER: Final = UUID("0193a000-0000-7000-8000-000000000000")
CODE: Final = "bench"
PRICE: Final = 100


def member_id(number: int) -> UUID:
    """The member of this number, from 1."""
    return UUID(f"0193a000-0000-7000-8000-{number:012x}")


def reward_id(number: int) -> UUID:
    """The reward of this number, from 1."""
    return UUID(f"0193a000-0000-7001-8000-{number:012x}")


def desk_id(number: int) -> UUID:
    """A duty manager, by number from 1."""
    return UUID(f"0193a000-0000-7002-8000-{number:012x}")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many members with how many lots of how many points; `spent` of them redeemed wholly.

    With `expired`, the lots ended yesterday and nobody has noticed yet.
    """

    members: int
    lots: int = 1
    spent: int = 0
    points: int = 1_000
    expired: bool = False

    @property
    def entries(self) -> int:
        """How many entries they have together."""
        return self.members * 2 * (self.lots + self.spent)


def open_dealer(connection: psycopg.Connection[Any], *, rewards: int = 1, desks: int = 64) -> None:
    """A dealer with duty managers and rewards of 100 points each, with stock without end."""
    values = {"dealer": DEALER, "rewards": rewards, "desks": desks, "price": PRICE}
    for statement in _DEALER:
        connection.execute(statement, values)


def gather(stage: Stage, database: str, crowd: Crowd, *, rewards: int = 1) -> None:
    """Open the dealer in this database and put the members and their ledger there."""
    with stage.connect(database) as connection:
        open_dealer(connection, rewards=rewards)
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("SET LOCAL synchronous_commit = off")
            values = {
                "dealer": DEALER,
                "members": crowd.members,
                "lots": crowd.lots,
                "spent": crowd.spent,
                "points": crowd.points,
                "ends": "-1 day" if crowd.expired else "2 years",
            }
            for statement in _MEMBERS:
                connection.execute(statement, values)
            for nth in range(crowd.lots):
                for statement in _EARNED:
                    connection.execute(statement, values | {"nth": nth})
            for nth in range(crowd.spent):
                for statement in _SPENT:
                    connection.execute(statement, values | {"nth": nth})


_DEALER: Final = (
    "INSERT INTO dealer VALUES (%(dealer)s::uuid, 'bench', '测速店', 'Asia/Shanghai')",
    """
    INSERT INTO staff (id, dealer_id, staff_no, name, roles, team, active, version, created_at)
    SELECT ('0193a000-0000-7002-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(dealer)s::uuid,
           'desk-' || n, '', '{duty_manager}', 'desk', true, 1, now()
    FROM generate_series(1, %(desks)s::int) AS n
    """,
    """
    INSERT INTO reward (id, dealer_id, code, name_zh, name_en, points, created_at)
    SELECT ('0193a000-0000-7001-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(dealer)s,
           'G-' || n, '洗车', 'A wash', %(price)s::bigint, now()
    FROM generate_series(1, %(rewards)s::int) AS n
    """,
    """
    INSERT INTO reward_stock (reward_id, dealer_id, received, available)
    SELECT id, dealer_id, 1000000000, 1000000000 FROM reward
    """,
)
_MEMBERS: Final = (
    """
    INSERT INTO member (
        id, dealer_id, source, external_id, name, phone, phone_index, joined_on, version, created_at
    )
    SELECT ('0193a000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(dealer)s, 'crm',
           'M' || lpad(n::text, 7, '0'), '', '', sha256(n::text::bytea),
           current_date - 1000, 1, now()
    FROM generate_series(1, %(members)s::int) AS n
    """,
    """
    INSERT INTO point_account (member_id, dealer_id, available, pending, held, arrears, version)
    SELECT id, dealer_id, %(points)s::bigint * (%(lots)s::int - %(spent)s::int), 0, 0, 0,
           1 + %(lots)s::int + %(spent)s::int
    FROM member ORDER BY id
    """,
)
_SET: Final = """
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, rule_id, rule_version, honoured_by, actor_id, actor_role, request_id
    )
    SELECT id, ('0193b%(mark)s' || lpad(to_hex(%%(nth)s::int), 2, '0') || '-0000-7000'
                || right(id::text, 18))::uuid,
           dealer_id, %(version)s + %%(nth)s::int, '%(kind)s', %(sign)s * %%(points)s::bigint,
           current_date - 400, now() - interval '400 days', 'bench',
           '%(kind)s-' || %%(nth)s::int || '-' || right(id::text, 12), %(rule)s, %(honoured)s,
           'bench', 'system', 'bench'
    FROM member ORDER BY id
"""
_ENTRIES: Final = """
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
    )
    SELECT id, ('0193b%(mark)s' || lpad(to_hex(%%(nth)s::int), 2, '0') || '-0000-7000'
                || right(id::text, 18))::uuid,
           line, dealer_id, side, account, dealer_id,
           CASE WHEN side = 'member' THEN ('0193b0' || lpad(to_hex(%%(nth)s::int), 2, '0')
                || '-0000-7001' || right(id::text, 18))::uuid END,
           sign * %%(points)s::bigint
    FROM member, (VALUES (1, 'member', 'available', %(sign)s), (2, 'programme', '%(against)s',
                 -(%(sign)s))) AS both_sides (line, side, account, sign)
    ORDER BY id, line
"""
_EVENT: Final = """
    INSERT INTO outbox_event (dealer_id, kind, subject_id, data, occurred_at, request_id)
    SELECT dealer_id, 'points.%(told)s', id,
           jsonb_build_object('posting_set_id',
               ('0193b%(mark)s' || lpad(to_hex(%%(nth)s::int), 2, '0') || '-0000-7000'
                || right(id::text, 18))::uuid,
               'points', %(sign)s * %%(points)s::bigint),
           now() - interval '400 days', 'bench'
    FROM member ORDER BY id
"""
_LOT: Final = """
    INSERT INTO point_lot (
        member_id, id, dealer_id, issuer_id, posting_set_id, points, remaining, open, business_on,
        available_at, expires_at, rule_id, rule_version, unit_cost_fen
    )
    SELECT id, ('0193b0' || lpad(to_hex(%(nth)s::int), 2, '0') || '-0000-7001'
                || right(id::text, 18))::uuid,
           dealer_id, dealer_id,
           ('0193b0' || lpad(to_hex(%(nth)s::int), 2, '0') || '-0000-7000'
            || right(id::text, 18))::uuid,
           %(points)s::bigint,
           CASE WHEN %(nth)s::int < %(spent)s::int THEN 0 ELSE %(points)s::bigint END,
           %(nth)s::int >= %(spent)s::int, current_date - 400, now() - interval '400 days',
           now() + %(ends)s::interval + %(nth)s::int * interval '10 days',
           'standard_spend', 1, 1.0
    FROM member ORDER BY id
"""
_CREDIT: Final = {
    "mark": "0", "version": "2", "kind": "accrual", "sign": "1", "rule": "'standard_spend', 1",
    "honoured": "NULL", "against": "issued", "told": "accrued",
}  # fmt: skip
_DEBIT: Final = {
    "mark": "1", "version": "2 + %(lots)s::int", "kind": "redemption", "sign": "-1",
    "rule": "NULL, NULL", "honoured": "dealer_id", "against": "redeemed", "told": "redeemed",
}  # fmt: skip
_EARNED: Final = (_SET % _CREDIT, _LOT, _ENTRIES % _CREDIT, _EVENT % _CREDIT)
_SPENT: Final = (_SET % _DEBIT, _ENTRIES % _DEBIT, _EVENT % _DEBIT)
