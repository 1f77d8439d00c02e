"""Draft, publish and end the terms of a reward (F21, F35): a life of `versions` for each reward.

A reader would break this by publishing terms without telling the reward that it has some.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from json import dumps, loads
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty import versions
from loyalty.earning.rules.standard import UNIT_COST_FEN
from loyalty.rewards.models import Reward, RewardTerms
from loyalty.rewards.rules.terms import Terms, dump, parse
from loyalty.tiers.known import refuse_unknown_tiers

PLAIN_FEN_A_POINT: Final = math.ceil(UNIT_COST_FEN)
"""What a missing point costs where no terms say it: what the programme pays for one (F37)."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Terms with the number of their version."""

    row: RewardTerms
    terms: Terms

    @property
    def version(self) -> int:
        return self.row.version


def draft_terms(
    uow: UnitOfWork,
    *,
    reward_id: UUID,
    body: Mapping[str, Any],
    effective_from: date,
    effective_until: date | None,
) -> RewardTerms:
    """Write down the next version for a reward; it counts for nothing yet.

    Raises NotFound `reward_not_found`, RuleViolation `rule_invalid`,
    `effective_until_not_after_from`.
    """
    code = uow.session.scalar(select(Reward.code).where(Reward.id == reward_id))
    if code is None:
        raise NotFound("reward_not_found")
    return versions.draft(
        uow,
        RewardTerms,
        code=code,
        body=dump(parse(body)),
        effective_from=effective_from,
        effective_until=effective_until,
    )


def publish_terms(uow: UnitOfWork, terms_id: UUID) -> RewardTerms:
    """Let them count from their first day on; until then the reward is as it was. What was drafted
    long ago is read anew: it may name a tier that is no more.

    Raises as `versions.publish`; RuleViolation `rule_invalid` and `tier_unknown`.
    """
    row = versions.publish(uow, RewardTerms, terms_id)
    terms = parse(row.body)
    refuse_unknown_tiers(uow, terms.tiers or (), "/body/tiers")
    refuse_unknown_tiers(uow, terms.prices, "/body/prices")
    uow.session.execute(
        update(Reward)
        .where(Reward.code == row.code, Reward.termed.is_(False))
        .values(termed=True)
        .execution_options(synchronize_session=False)
    )
    return row


def end_terms(uow: UnitOfWork, terms_id: UUID, *, effective_until: date) -> RewardTerms:
    """The first day without them: anybody may redeem the reward for its plain price then. Raises
    as `versions.end`."""
    return versions.end(uow, RewardTerms, terms_id, effective_until=effective_until)


def terms_in_force(uow: UnitOfWork, code: str | None = None) -> dict[str, InForce]:
    """The terms that count today, by the code of their reward; of all rewards, or of one."""
    found = versions.in_force(uow, RewardTerms, uow.today, code=code)
    return {row.code: _read(row) for row in found}


def unseen(termed: Mapping[str, InForce], day: date) -> list[str]:
    """The codes of the rewards that owners do not see on a business day (F35)."""
    return [code for code, known in termed.items() if not known.terms.visible.holds(day)]


def terms_of(uow: UnitOfWork, reward_id: UUID, version: int) -> Terms:
    """What a version of a reward's terms says, such as the one of a redemption.

    Raises NotFound `rule_not_found`.
    """
    row = uow.session.scalar(
        select(RewardTerms)
        .join(Reward, Reward.code == RewardTerms.code)
        .where(Reward.id == reward_id, RewardTerms.version == version)
    )
    if row is None:
        raise NotFound("rule_not_found")
    return said_by(row)


def said_by(row: RewardTerms) -> Terms:
    """What this version says."""
    return _terms(dumps(row.body))


def _read(row: RewardTerms) -> InForce:
    return InForce(row, said_by(row))


@lru_cache(maxsize=4096)
def _terms(said: str) -> Terms:
    """Bodies never change, and reading one costs more than fetching it."""
    return parse(loads(said))
