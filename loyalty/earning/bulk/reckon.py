"""What each document of a chunk earns, by the pure engine, with what the rows before it used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from kernel.errors import RuleViolation
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk import found
from loyalty.earning.bulk.rows import Ready
from loyalty.earning.bulk.usage import RunningUsage
from loyalty.earning.rule_book import rules_of_days
from loyalty.earning.rules.amounts import Facts
from loyalty.earning.rules.rule import Rule
from loyalty.earning.weigh import Known, Weighed, weigh
from loyalty.points.ledger import MOST_POINTS
from loyalty.tiers.queries import histories
from loyalty.tiers.rules.history import History


@dataclass(frozen=True, slots=True)
class Taken:
    """A new document: its row to be, and the posting set if it earned anything."""

    id: UUID
    ready: Ready
    weighed: Weighed
    posting_set_id: UUID | None


@dataclass(slots=True)
class Reckoner:
    """The chunk as far as it is reckoned. Made under the locks of its accounts."""

    uow: UnitOfWork
    rules: dict[date, list[Rule]]
    usage: RunningUsage
    tiers: Mapping[UUID, History]
    vehicles: dict[bytes, found.Vehicle]
    taken: list[Taken] = field(default_factory=list)

    def reckon(self, row: Ready) -> Taken:
        """The next document in the order of the file. Raises RuleViolation
        `points_out_of_range`, and then nothing of it counts for the rows after it."""
        document = row.document
        member, day = document.member_id, document.occurred_on
        rules = self.rules[day]
        weighed = weigh(
            document,
            self._known(row),
            rules,
            self.usage.of(member, day, rules),
            zone=self.uow.zone,
            now=self.uow.now,
        )
        if any(lot.terms.points > MOST_POINTS for lot in weighed.lots):
            raise RuleViolation("points_out_of_range", most=MOST_POINTS)
        self.usage.add(member, day, weighed)
        taken = Taken(new_id(), row, weighed, new_id() if weighed.lots else None)
        self.taken.append(taken)
        return taken

    def _known(self, row: Ready) -> Known:
        tier = self.tiers[row.document.member_id].on(row.document.occurred_on)
        car = self.vehicles.get(row.vin_index) if row.vin_index else None
        if car is None:
            return Known(Facts(tier=tier))
        return Known(Facts(tier=tier, model=car.model), car.id)


def reckoner(uow: UnitOfWork, rows: Sequence[Ready]) -> Reckoner:
    """Everything the rules ask about these rows, in a handful of statements."""
    members = {row.document.member_id for row in rows}
    rules = rules_of_days(uow, {row.document.occurred_on for row in rows})
    return Reckoner(
        uow=uow,
        rules=rules,
        usage=RunningUsage(uow, members, rules),
        tiers=histories(uow, members),
        vehicles=found.vehicles_by(uow, {row.vin_index for row in rows if row.vin_index}),
    )
