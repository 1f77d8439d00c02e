"""An operator who imports files of the CRM feed into a shop, and looks at what became of them."""

import csv
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from click.testing import CliRunner, Result
from sqlalchemy import text

from api.commands.feed import import_
from api.commands.work import unit_of_work
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.feed.rows import COLUMNS
from loyalty.members.queries import find_reference, get_member
from loyalty.points.queries import balance
from tests.support.shop import Shop

HEADER = {kind.value: ",".join(columns) for kind, columns in COLUMNS.items()}
TABLES = "member", "point_account", "vehicle", "ownership", "source_document", "posting_set"
TRACES = "point_lot", "point_entry", "outbox_event", "audit_event", "import_run", "import_error"
AnswerT = TypeVar("AnswerT")


class Desk:
    """An operator of the shop, with a folder of files."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder, self._numbers = shop, folder, count(1)

    def file(self, kind: str, *lines: str, encoding: str = "utf-8", more: str = "") -> Path:
        path = self.folder / f"{kind}-{next(self._numbers)}.csv"
        path.write_bytes("\n".join([HEADER[kind] + more, *lines, ""]).encode(encoding))
        return path

    def run(self, kind: str, file: Path, *options: str) -> Result:
        dealer = f"t-{self.shop.dealer_id.hex}"
        return CliRunner().invoke(import_, [kind, str(file), "--dealer", dealer, *options])

    def take(self, kind: str, *lines: str) -> Result:
        return self.run(kind, self.file(kind, *lines))

    def read(self, question: Callable[[UnitOfWork], AnswerT]) -> AnswerT:
        service, dealer_id = self.shop.service, self.shop.dealer_id
        with unit_of_work(service, dealer_id, role=Role.CRM, client="import") as uow:
            return question(uow)

    def counts(self) -> dict[str, int]:
        """How many rows the dealer has in every table the feed writes."""
        return {table: self.number(f"SELECT count(*) FROM {table}") for table in TABLES + TRACES}

    def rows(self, table: str) -> list[Any]:
        return self.read(lambda uow: list(uow.session.execute(text(f"SELECT * FROM {table}"))))

    def number(self, sql: str) -> int:
        return int(self.read(lambda uow: uow.session.scalar(text(sql))) or 0)

    def points(self, reference: str) -> int:
        return self.read(lambda uow: balance(uow, self.member(uow, reference)).available)

    def member(self, uow: UnitOfWork, reference: str, source: str = "crm") -> UUID:
        return find_reference(uow.session, self.shop.dealer_id, source, reference)

    def people(self, *references: str, source: str = "crm") -> list[tuple[Any, ...]]:
        def ask(uow: UnitOfWork) -> list[tuple[Any, ...]]:
            found = [get_member(uow, self.member(uow, each, source)) for each in references]
            return [(m.name, m.phone, m.occupation, m.joined_on.isoformat()) for m in found]

        return self.read(ask)


def faults_of(file: Path) -> list[dict[str, str]]:
    path = file.with_name(f"{file.name}.errors.csv")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))
