"""The import of documents against a bare COPY of the same file: what do all the rules cost?

The dealer has three rules of its own besides the standard one: a yearly cap per member, a
cooldown and a budget. The file holds what a CRM sends: some lines earn nothing, members repeat.
"""

import io
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

import api.app  # noqa: F401 (first: api.document_lines and api.v1 import each other)
from api.commands.feed import import_file
from api.service import Service, build_service
from bench.figure import Figure
from bench.gate import Gate
from bench.people import CODE, DEALER, Crowd, desk_id, gather
from bench.rounds import alternated, ratio, spread
from bench.service import settings
from bench.sizes import Sizes
from bench.stage import Stage
from loyalty.feed.rows import COLUMNS, FeedKind

NAMES: Final = {"import_vs_copy": 0.08}
BLOCK: Final = 1 << 20
DAYS: Final = 300
KINDS: Final = ("service_order", "accessory_sale", "insurance_renewal")
OF_A_HUNDRED: Final = (70, 20, 10)
RULES: Final[dict[str, dict[str, Any]]] = {
    "big_order": {
        "kinds": ["service_order"],
        "award": {"flat": 50},
        "minimum_fen": 100_000,
        "caps": {"per_member": {"points": 200, "period": "year"}},
    },
    "accessories": {
        "kinds": ["accessory_sale"],
        "award": {"per_yuan": {"points": 1, "per_fen": 200}},
        "cooldown_days": 7,
    },
    "renewal": {
        "kinds": ["insurance_renewal"],
        "award": {"flat": 300},
        "caps": {"budget": 100_000_000},
    },
}


def measure(stage: Stage, sizes: Sizes, _: Path) -> list[Figure]:
    """Documents a second by `import_file`, and rows a second by COPY, of the same files."""
    with (
        stage.database("bench_import") as database,
        tempfile.TemporaryDirectory() as folder,
    ):
        gather(stage, database, Crowd(sizes.import_members, lots=0))
        _publish(stage, database)
        stage.settle(database)
        gate = Gate(stage, database)
        service = build_service(settings(stage, database))
        try:
            files = _Files(Path(folder), sizes)
            measures: dict[str, Callable[[], float]] = {
                "copy": lambda: _copy(stage, database, files.next(), sizes.import_documents),
                "import": lambda: _import(service, files.present, sizes.import_documents),
            }
            found = alternated(measures, sizes.import_rounds)
        finally:
            service.database.dispose()
        beside = (
            f"import {spread(found['import'])} documents/s, copy {spread(found['copy'])} rows/s,"
            f" {sizes.import_documents:,} a file"
        )
        value = ratio(found["import"], found["copy"])
        (name, target), *_rest = NAMES.items()
        return [Figure(name, "ratio", value, target, beside=beside).gated(gate.close())]


class _Files:
    """A new file for each round: the same members, other documents."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self._folder = folder
        self._sizes = sizes
        self._round = 0
        self.present = folder

    def next(self) -> Path:
        """Write the file of the next round."""
        self._round += 1
        self.present = self._folder / f"documents-{self._round}.csv"
        dice = random.Random(self._round)
        today = date.today()  # noqa: DTZ011 (a day in the past 300 whatever the zone)
        with self.present.open("w", encoding="utf-8") as file:
            file.write(",".join(COLUMNS[FeedKind.DOCUMENTS]) + "\n")
            for number in range(self._sizes.import_documents):
                member = dice.randint(1, self._sizes.import_members)
                kind = dice.choices(KINDS, OF_A_HUNDRED)[0]
                day = today - timedelta(days=dice.randint(2, DAYS))
                payer = "warranty" if dice.random() < 0.1 else "customer"
                fen = dice.randint(5_000, 300_000)
                file.write(
                    f"M{member:07d},D{self._round}-{number},{kind},{day},{payer},"
                    f"{fen // 100}.{fen % 100:02d}\n"
                )
        return self.present


def _publish(stage: Stage, database: str) -> None:
    with stage.connect(database) as connection:
        for code, body in RULES.items():
            connection.execute(
                "INSERT INTO earning_rule (dealer_id, code, version, id, state, body,"
                " effective_from, author_id, created_at, publisher_id, published_at)"
                " VALUES (%s, %s, 1, gen_random_uuid(), 'published', %s, current_date - 1000,"
                " %s, now(), %s, now())",
                (DEALER, code, Jsonb(body), desk_id(1), desk_id(2)),
            )
            if budget := body.get("caps", {}).get("budget"):
                connection.execute(
                    "INSERT INTO rule_budget VALUES (%s, %s, 1, %s, 0)", (DEALER, code, budget)
                )


def _copy(stage: Stage, database: str, file: Path, rows: int) -> float:
    """Rows a second into a plain table without an index; one transaction, on disk when it ends."""
    with stage.connect(database) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_plain")
        connection.execute(
            "CREATE TABLE bench_plain (member_external_id text, document_id text, kind text,"
            " occurred_on date, payer text, amount_yuan numeric)"
        )
        began = time.perf_counter()
        with (
            file.open("rb") as content,
            connection.cursor() as cursor,
            cursor.copy("COPY bench_plain FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while block := content.read(BLOCK):
                copy.write(block)
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE bench_plain")
    return rows / seconds


def _import(service: Service, file: Path, rows: int) -> float:
    said = io.StringIO()
    began = time.perf_counter()
    with redirect_stdout(said), redirect_stderr(said):
        summary = import_file(service, kind="documents", file=file, dealer=CODE)
    seconds = time.perf_counter() - began
    if summary.failed or summary.rows != rows or summary.new != rows:
        raise RuntimeError(f"the import did not take every row: {summary}")
    return rows / seconds
