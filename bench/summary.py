"""The summary against a bare answer of Flask on the same server, and a long history against none.

Every owner asks with a token of his own; the service counts, admits and logs as always.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final

import api.commands
from api.commands.token import token_for
from bench.client import Load, closed
from bench.figure import Figure
from bench.people import DEALER, Crowd, gather, member_id
from bench.rounds import alternated, ratio, spread
from bench.service import running, serving, settings
from bench.sizes import Sizes
from bench.stage import Stage
from kernel.settings import Settings
from loyalty.dealers.roles import Role

NAMES: Final = {
    "summary_vs_empty": 0.50,
    "summary_vs_empty_uncached": 0.50,
    "summary_history_growth": 1.10,
}
CONNECTIONS, WORKERS, THREADS = 8, 2, 4
LONG: Final = 20
"""How many owners have the long history."""
SHORT_ENTRIES: Final = 10
_PROGRAMME: Final = Path(api.commands.__file__).with_name("programme.json")
_ASKED: Final = (
    "GET /v1/members/{}/summary HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n"
)
_BARE: Final = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_SCHEME: Final = {
    "components": [
        {"code": "orders", "group": "life_cycle", "measure": "count", "kinds": ["service_order"],
         "window_days": 365, "weight": 100, "bands": [{"at_least": 1, "points": 50}],
         "grades": None, "otherwise": 0},
    ],
    "ladder": {
        "levels": [
            {"code": "base", "name_zh": "普通会员", "name_en": "Member", "at_least": 0,
             "by_model": None},
            {"code": "silver", "name_zh": "银卡", "name_en": "Silver", "at_least": 4000,
             "by_model": None},
            {"code": "gold", "name_zh": "金卡", "name_en": "Gold", "at_least": 9000,
             "by_model": None},
        ],
        "grace_days": 30, "step": "one", "period_end": "none",
    },
}  # fmt: skip


def measure(stage: Stage, sizes: Sizes, home: Path) -> list[Figure]:
    """The three figures, from rounds of one run."""
    crowd = Crowd(sizes.summary_owners, lots=4, spent=1)
    with stage.database("bench_summary") as database, ExitStack() as up:
        gather(stage, database, crowd)
        _give_tiers(stage, database)
        _promise(stage, database)
        _lengthen(stage, database, (sizes.summary_entries - SHORT_ENTRIES) // 4)
        stage.settle(database)
        told = settings(stage, database)
        short, long = (
            list(_requests(told, who)) for who in (range(LONG, crowd.members), range(LONG))
        )
        cached = up.enter_context(serving(stage, database, home, LOYALTY_SUMMARY_CACHE="on"))
        plain = up.enter_context(serving(stage, database, home, LOYALTY_SUMMARY_CACHE="off"))
        bare = up.enter_context(running(_bare(), dict(os.environ), home / "bare.log"))
        loads: list[Load] = []

        def rate(port: int, asked: Sequence[bytes]) -> Callable[[], float]:
            def once() -> float:
                load = closed(port, cycle(asked), connections=CONNECTIONS, seconds=sizes.seconds)
                loads.append(load)
                return load.rate

            return once

        measures = {
            "bare": rate(bare.port, [_BARE]),
            "cached": rate(cached.port, short),
            "plain": rate(plain.port, short),
            "long": rate(plain.port, long),
        }
        for warm_up in measures.values():
            warm_up()
        loads.clear()
        found = alternated(measures, sizes.rounds)
        return [figure.gated(_bad(loads)) for figure in _figures(found, loads)]


def _figures(found: dict[str, list[float]], loads: list[Load]) -> list[Figure]:
    def beside(above: str, below: str, nth: int) -> str:
        late = median(load.percentile(0.99) for load in loads[nth :: len(found)])
        return (
            f"{above} {spread(found[above])} /s, {below} {spread(found[below])} /s,"
            f" p99 {late:.1f} ms"
        )

    return [
        Figure(
            name, "ratio", ratio(found[above], found[below]), NAMES[name], at_most,
            beside(above, below, nth),
        )
        for name, above, below, at_most, nth in (
            ("summary_vs_empty", "cached", "bare", False, 1),
            ("summary_vs_empty_uncached", "plain", "bare", False, 2),
            ("summary_history_growth", "plain", "long", True, 3),
        )
    ]  # fmt: skip


def _bad(loads: list[Load]) -> list[str]:
    bad = {status for load in loads for status in load.statuses if status != 200}
    return [f"answers other than 200: {sorted(bad)}"] if bad else []


def _bare() -> list[str]:
    python = [sys.executable, "-m", "bench.bare"]
    return [*python, "--workers", str(WORKERS), "--threads", str(THREADS)]


def _requests(told: Settings, who: range) -> Iterator[bytes]:
    for number in who:
        owner = member_id(number + 1)
        token = token_for(told, role=Role.OWNER, dealer_id=DEALER, subject=owner)
        yield _ASKED.format(owner, token).encode()


def _give_tiers(stage: Stage, database: str) -> None:
    with stage.connect(database) as connection:
        for statement in _TIERS:
            connection.execute(statement, {"dealer": DEALER, "scheme": json.dumps(_SCHEME)})


def _promise(stage: Stage, database: str) -> None:
    """The benefits of the demonstration programme, since last year."""
    promised = json.loads(_PROGRAMME.read_text())["benefits"]
    with stage.connect(database) as connection:
        for code, body in promised.items():
            told = {"dealer": DEALER, "code": code, "body": json.dumps(body)}
            connection.execute(_BENEFIT, told)


def _lengthen(stage: Stage, database: str, pairs: int) -> None:
    """So many lots earned and spent long ago, four entries each, for the first owners."""
    with stage.connect(database) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        for statement in _PAST:
            connection.execute(statement, {"pairs": pairs, "last": member_id(LONG)})


_TIERS: Final = (
    """
    INSERT INTO tier_scheme
    VALUES (%(dealer)s, 'tiers', 1, gen_random_uuid(), 'published', %(scheme)s, current_date - 100,
            NULL, gen_random_uuid(), now(), gen_random_uuid(), now())
    """,
    """
    INSERT INTO tier_standing
    SELECT id, dealer_id, 'silver', 5000, current_date - 50, NULL, 1 FROM member
    """,
    """
    INSERT INTO member_tier (member_id, id, dealer_id, kind, tier, since_on, cause, score,
                             scheme_version, evidence, reason, set_by, set_at)
    SELECT id, gen_random_uuid(), dealer_id, 'earned', 'silver', current_date - 50, 'first', 5000,
           1, '[]', 'first', 'system', now()
    FROM member
    """,
)
_BENEFIT: Final = """
    INSERT INTO benefit
    VALUES (%(dealer)s, %(code)s, 1, gen_random_uuid(), 'published', %(body)s, current_date - 400,
            NULL, gen_random_uuid(), now(), gen_random_uuid(), now())
    """
_PAST: Final = (
    """
    CREATE TEMPORARY TABLE past ON COMMIT DROP AS
    SELECT id AS member_id, dealer_id, nth, gen_random_uuid() AS earned, gen_random_uuid() AS spent,
           gen_random_uuid() AS lot_id, now() - interval '900 days' + nth * interval '1 hour' AS at
    FROM member, generate_series(1, %(pairs)s::int) AS nth WHERE id <= %(last)s
    """,
    """
    INSERT INTO posting_set (
        member_id, id, dealer_id, account_version, kind, points, business_on, posted_at,
        source, source_key, rule_id, rule_version, honoured_by, actor_id, actor_role, request_id
    )
    SELECT member_id, earned, dealer_id, 8 + 2 * nth, 'accrual', 10, at::date, at, 'past',
           'earned-' || nth, 'standard_spend', 1, NULL, 'bench', 'system', 'bench' FROM past
    UNION ALL
    SELECT member_id, spent, dealer_id, 9 + 2 * nth, 'redemption', -10, at::date, at, 'past',
           'spent-' || nth, NULL, NULL, dealer_id, 'bench', 'system', 'bench' FROM past
    """,
    """
    INSERT INTO point_lot (
        member_id, id, dealer_id, issuer_id, posting_set_id, points, remaining, open, business_on,
        available_at, expires_at, rule_id, rule_version, unit_cost_fen
    )
    SELECT member_id, lot_id, dealer_id, dealer_id, earned, 10, 0, false, at::date, at,
           at + interval '2 years', 'standard_spend', 1, 1.0 FROM past
    """,
    """
    INSERT INTO point_entry (
        member_id, posting_set_id, line, dealer_id, side, account, issuer_id, lot_id, points
    )
    SELECT member_id, CASE WHEN sign > 0 THEN earned ELSE spent END, line, dealer_id,
           CASE line WHEN 1 THEN 'member' ELSE 'programme' END,
           CASE WHEN line = 1 THEN 'available' WHEN sign > 0 THEN 'issued' ELSE 'redeemed' END,
           dealer_id, CASE line WHEN 1 THEN lot_id END, sign * (3 - 2 * line) * 10
    FROM past, (VALUES (1), (-1)) AS ways (sign), (VALUES (1), (2)) AS both_sides (line)
    """,
    """
    UPDATE point_account SET version = 9 + 2 * %(pairs)s::int WHERE member_id <= %(last)s
    """,
)
