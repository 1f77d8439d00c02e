"""How the draws of a month fell on buyers and owners, by agent, and how likely that is by chance.

A reader would break this by counting second calls: their party follows from the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select

from kernel.unit_of_work import UnitOfWork
from loyalty.finance.days import Month
from referral.call_models import Callback, Draw
from referral.draw_rules import PARTIES
from referral.rules.drawn import OTHER_PARTY

PPM: Final = 1_000_000
ALERT_BELOW_PPM: Final = 1_000
"""Of a fair coin a split this unlikely comes once in a thousand months of an agent."""


@dataclass(frozen=True, slots=True)
class Split:
    """So many draws fell on buyers, so many on owners; `agent_id` None is for all together.

    `chance_ppm`: how likely a fair draw is at least as uneven, to either side, in millionths,
    rounded down.
    """

    agent_id: UUID | None
    buyers: int
    owners: int

    @property
    def draws(self) -> int:
        return self.buyers + self.owners

    @property
    def chance_ppm(self) -> int:
        return chance_ppm(self.owners, self.draws)

    @property
    def alert(self) -> bool:
        return self.chance_ppm < ALERT_BELOW_PPM


@dataclass(frozen=True, slots=True)
class DrawSplit:
    month: str
    all: Split
    agents: list[Split]


def chance_ppm(count: int, total: int) -> int:
    """How likely a fair coin is at least so uneven, to either side: exact, in millionths.

    Rounded down; 1,000,000 for nothing thrown and for an even split.
    """
    ways, tail = 1, 0
    for thrown in range(min(count, total - count) + 1):
        tail += ways
        ways = ways * (total - thrown) // (thrown + 1)
    return min(PPM, 2 * tail * PPM >> total)


def split(month: str, counted: Iterable[tuple[UUID, str, int]]) -> DrawSplit:
    """The split of a month, given how many draws fell on each agent and party."""
    counts: dict[UUID, dict[str, int]] = {}
    for agent, party, count in counted:
        counts.setdefault(agent, dict.fromkeys(PARTIES, 0))[party] += count
    agents = [Split(agent, **_named(counts[agent])) for agent in sorted(counts)]
    whole: dict[str, int] = {
        party: sum(each[party] for each in counts.values()) for party in PARTIES
    }
    return DrawSplit(month, Split(None, **_named(whole)), agents)


def draw_split(uow: UnitOfWork, month: Month) -> DrawSplit:
    """The dealer's draws of a calendar month of his zone; the agent is whoever has the call now."""
    rows = uow.session.execute(
        select(Callback.agent_id, Draw.party, func.count())
        .join(
            Callback,
            and_(Callback.referral_id == Draw.referral_id, Callback.purpose == Draw.purpose),
        )
        .where(
            Draw.dealer_id == uow.dealer_id,
            Draw.purpose != OTHER_PARTY,
            Draw.drawn_at >= month.starts_at(uow.zone),
            Draw.drawn_at < month.ends_at(uow.zone),
        )
        .group_by(Callback.agent_id, Draw.party)
    )
    return split(month.name, rows)


def _named(counts: dict[str, int]) -> dict[str, int]:
    return {"buyers": counts["buyer"], "owners": counts["owner"]}
