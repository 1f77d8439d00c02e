"""A night of tiers over all members, against pure SQL with the same scheme written out by hand.

Everybody has stood since yesterday; a day later windows have moved on, and some move with them. The
job is the night's own code; both must leave every member standing at the same place.
"""

import time
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from api.commands.work import unit_of_work
from api.service import build_service
from bench.figure import Figure
from bench.gate import Gate
from bench.people import DEALER, Crowd, gather
from bench.rounds import ratio, spread
from bench.service import settings
from bench.sizes import Sizes
from bench.stage import Stage
from bench.watch import LockWatch
from loyalty.dealers.roles import Role
from loyalty.tiers.nightly import assess_all

NAMES: Final = {"tiers_1m_vs_sql": 1.1, "tiers_longest_page_ms": 250.0}
SCRIPT: Final = Path(__file__).with_name("tiers.sql")
FACTS_A_MEMBER: Final = 8


def _component(code: str, measure: str, window: int, weight: int, *bands: int, **more: Any) -> Any:
    pairs = zip(bands[::2], bands[1::2], strict=True)
    return {
        "code": code,
        "group": "loyalty",
        "measure": measure,
        "window_days": window,
        "weight": weight,
        "bands": [{"at_least": least, "points": points} for least, points in pairs],
    } | more


SCHEME: Final = {
    "components": [
        _component("orders", "count", 365, 30, 1, 40, 2, 70, 4, 100, kinds=["service_order"]),
        _component("paid", "sum", 365, 25, 100_000, 60, 500_000, 100, kinds=["service_order"]),
        _component(
            "away", "days_since", 730, 15, 0, 100, 90, 50, 365, 0, kinds=["visit", "service_order"]
        ),
        _component(
            "marks", "average", 730, 20, 60, 50, 90, 100, kinds=["satisfaction"], otherwise=30
        ),
        _component("complaints", "count", 365, 10, 0, 100, 1, 50, 2, 0, kinds=["complaint"]),
    ],
    "ladder": {
        "levels": [
            {"code": "base", "name_zh": "普通", "name_en": "Base", "at_least": 0},
            {"code": "silver", "name_zh": "银卡", "name_en": "Silver", "at_least": 4500},
            {"code": "gold", "name_zh": "金卡", "name_en": "Gold", "at_least": 7500},
        ],
        "grace_days": 30,
        "step": "one",
    },
}


def measure(stage: Stage, sizes: Sizes, _: Path) -> list[Figure]:
    """Both figures, from rounds A B A B on fresh copies of one database."""
    jobs: list[float] = []
    plain: list[float] = []
    longest: list[float] = []
    broken: list[str] = []
    moved = 0
    with stage.database("bench_tiers") as original:
        gather(stage, original, Crowd(sizes.expiry_members, lots=0))
        today = _live(stage, original)
        stage.settle(original)
        for number in range(sizes.expiry_rounds):
            with ExitStack() as round_:
                job = round_.enter_context(stage.database("bench_tiers_job", template=original))
                sql = round_.enter_context(stage.database("bench_tiers_sql", template=original))
                gate = Gate(stage, job)
                seconds, lock_ms, moved = _job(stage, job)
                jobs.append(seconds)
                longest.append(lock_ms)
                plain.append(_plain(stage, sql, today))
                broken += _differences(stage, job, sql)
                broken += gate.close() if number == sizes.expiry_rounds - 1 else ()
    beside = (
        f"night {spread(jobs, 1)} s, SQL {spread(plain, 1)} s, {sizes.expiry_members:,} members,"
        f" {moved:,} moved, {sizes.expiry_members / min(jobs):,.0f}/s"
    )
    value = ratio(jobs, plain)
    return [
        Figure("tiers_1m_vs_sql", "ratio", value, NAMES["tiers_1m_vs_sql"], True, beside).gated(
            tuple(broken)
        ),
        Figure(
            "tiers_longest_page_ms",
            "ms",
            max(longest),
            NAMES["tiers_longest_page_ms"],
            True,
            "the longest that a transaction of the night held its locks",
        ),
    ]


def _live(stage: Stage, database: str) -> date:
    """Facts of two years, the scheme, and where everybody stood yesterday; today's date."""
    with stage.connect(database) as connection:
        for statement in _FACTS:
            connection.execute(statement, {"dealer": DEALER, "facts": FACTS_A_MEMBER})
        connection.execute(_SCHEME, {"dealer": DEALER, "body": Jsonb(SCHEME)})
        row = connection.execute("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date").fetchone()
        assert row is not None
        today: date = row[0]
        _run(connection, today - timedelta(days=1))
    return today


def _job(stage: Stage, database: str) -> tuple[float, float, int]:
    """Seconds of the night, the longest its locks were held in ms, and how many moved."""
    stage.settle()
    service = build_service(settings(stage, database))
    entered = partial(unit_of_work, service, DEALER, role=Role.SYSTEM, client="nightly")
    try:
        with LockWatch(stage, database) as watch:
            began = time.perf_counter()
            moved = assess_all(entered, [], as_of=service.clock())
            seconds = time.perf_counter() - began
    finally:
        service.database.dispose()
    return seconds, watch.longest_ms, moved


def _plain(stage: Stage, database: str, on: date) -> float:
    stage.settle()
    with stage.connect(database) as connection:
        began = time.perf_counter()
        _run(connection, on)
        return time.perf_counter() - began


def _run(connection: psycopg.Connection[Any], on: date) -> None:
    """The yardstick for a day, as one transaction."""
    said = SCRIPT.read_text("utf-8")
    said = said.replace(":on", f"DATE '{on}'").replace(":dealer", f"'{DEALER}'::uuid")
    connection.execute(f"BEGIN; {said}; COMMIT".encode(), prepare=False)


def _differences(stage: Stage, job: str, sql: str) -> list[str]:
    """Nothing, if both left everybody at the same place by the same moves."""
    found = []
    for what, statement in _LEFT.items():
        rows = []
        for database in (job, sql):
            with stage.connect(database) as connection:
                rows.append(connection.execute(statement).fetchone())
        if rows[0] != rows[1]:
            found.append(f"{what} differ from the yardstick's")
    return found


_LEFT: Final = {
    "standings": "SELECT count(*), sum(hashtextextended((member_id, tier, score, since_on,"
    " below_since)::text, 0)) FROM tier_standing",
    "moves": "SELECT count(*), sum(hashtextextended((member_id, tier, cause, previous,"
    " score)::text, 0)) FROM member_tier",
}
_SCHEME: Final = """
    INSERT INTO tier_scheme (
        dealer_id, code, version, id, state, body, effective_from, author_id, created_at,
        publisher_id, published_at
    ) VALUES (
        %(dealer)s, 'tiers', 1, gen_random_uuid(), 'published', %(body)s, current_date - 900,
        gen_random_uuid(), now(), gen_random_uuid(), now()
    )
"""
_FACTS: Final = (
    """
    INSERT INTO value_fact (
        member_id, happened_on, id, dealer_id, kind, amount, corrects, recorded_at, recorded_by
    )
    SELECT id, current_date - (dice %% 760)::int, gen_random_uuid(), %(dealer)s,
           (ARRAY['service_order', 'service_order', 'service_order', 'visit', 'visit', 'visit',
                  'satisfaction', 'complaint'])[nth],
           CASE WHEN nth <= 3 THEN dice %% 400000 WHEN nth = 7 THEN 40 + dice %% 61 ELSE 0 END,
           false, now(), 'bench'
    FROM (
        SELECT member.id, nth, abs(hashtextextended(member.id::text, nth)) AS dice
        FROM member, generate_series(1, %(facts)s::int) AS nth
    ) AS thrown
    WHERE nth < 8 OR dice %% 5 = 0
    ORDER BY id
    """,
)
