"""Pools of voucher codes (券码池, F36): uploaded, counted, never shown.

A reader would break this by adding codes without the pieces of stock they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from loyalty.rewards.code_models import RewardCode
from loyalty.rewards.models import Reward, RewardStock

COLUMN: Final = "reward_code.code"
MOST_AT_ONCE: Final = 1_000
_SHAPE: Final = re.compile(r"[!-~]{4,100}")


class Outcome(StrEnum):
    """What became of an uploaded code; KNOWN are those the dealer has, for whatever reward."""

    NEW = "new"
    KNOWN = "known"
    INVALID = "invalid"


class Fault(StrEnum):
    """Why a code is invalid."""

    MALFORMED = "code_malformed"
    ENDED = "code_ended"


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code as its issuer wrote it, and its own last day."""

    code: str = field(repr=False)
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one uploaded code; `other_day` when a known one was given another last day
    now than when it came: the first stands."""

    outcome: Outcome
    fault: Fault | None = None
    other_day: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """How many codes of a reward are in which state; `next_end_on` is the soonest end of those
    available."""

    reward_id: UUID
    available: int
    held: int
    issued: int
    void: int
    next_end_on: date | None


def fault_of(new: NewCode, *, today: date) -> Fault | None:
    """Why a code cannot be taken: 4 to 100 visible ASCII characters, its day not past. What the
    issuer wrote is the code: nothing is folded, for another spelling may be another code."""
    if not _SHAPE.fullmatch(new.code.strip()):
        return Fault.MALFORMED
    return Fault.ENDED if new.ends_on is not None and new.ends_on < today else None


def add_codes(
    uow: UnitOfWork, reward_id: UUID, codes: Sequence[NewCode], *, batch: UUID
) -> list[Result]:
    """Put up to 1,000 codes into a reward's pool and as many pieces into its stock (F36); what
    became of each, in their order. Told again, they are known.

    Raises NotFound `reward_not_found`, Conflict `reward_has_stock` for one with pieces that no
    code is of.
    """
    _lock_pool(uow, reward_id)
    faults = [fault_of(each, today=uow.today) for each in codes]
    indexes = [uow.blind(each.code.strip(), column=COLUMN) for each in codes]
    first: dict[bytes, NewCode] = {}
    for new, index, fault in zip(codes, indexes, faults, strict=True):
        if fault is None:
            first.setdefault(index, new)
    left = _insert(uow, reward_id, first, batch)
    count = len(left)
    uow.session.execute(
        update(RewardStock)
        .where(RewardStock.reward_id == reward_id)
        .values(received=RewardStock.received + count, available=RewardStock.available + count)
        .execution_options(synchronize_session=False)
    )
    days = _days_of(uow, set(first) if len(left) < len(codes) else set())
    results = [
        _result(index, fault, left, days.get(index) != new.ends_on)
        for new, index, fault in zip(codes, indexes, faults, strict=True)
    ]
    told = {each.value: sum(r.outcome is each for r in results) for each in Outcome}
    other_day = sum(result.other_day for result in results)
    uow.audit(
        "reward.codes_uploaded", reward_id, batch=str(batch), **told, known_other_day=other_day
    )
    if count:
        uow.emit("reward.codes_uploaded", reward_id, new=count)
    return results


def pool_of(uow: UnitOfWork, reward_id: UUID) -> Pool:
    """What a reward's pool holds; nothing for a reward without one.

    Raises NotFound `reward_not_found`.
    """
    if uow.session.get(Reward, reward_id) is None:
        raise NotFound("reward_not_found")
    counted = select(RewardCode.state, func.count(), func.min(RewardCode.ends_on)).where(
        RewardCode.reward_id == reward_id
    )
    rows = uow.session.execute(counted.group_by(RewardCode.state)).all()
    counts: dict[str, int] = {state: count for state, count, _ in rows}
    available, held, issued, void = (
        counts.get(state, 0) for state in ("available", "held", "issued", "void")
    )
    ends = next((soonest for state, _, soonest in rows if state == "available"), None)
    return Pool(reward_id, available, held, issued, void, next_end_on=ends)


def reward_by_code(uow: UnitOfWork, code: str) -> UUID:
    """The reward of this code in the catalogue. Raises NotFound `reward_not_found`."""
    found = uow.session.scalar(select(Reward.id).where(Reward.code == code))
    if found is None:
        raise NotFound("reward_not_found")
    return found


def _lock_pool(uow: UnitOfWork, reward_id: UUID) -> None:
    """One upload to a pool at a time; pieces without codes would be handed out without one."""
    wanted = select(RewardStock.received, RewardStock.codes)
    row = uow.session.execute(
        wanted.where(RewardStock.reward_id == reward_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound("reward_not_found")
    if row.codes is None and row.received > 0:
        raise Conflict("reward_has_stock", pieces=row.received)


def _insert(
    uow: UnitOfWork, reward_id: UUID, codes: dict[bytes, NewCode], batch: UUID
) -> set[bytes]:
    """The indexes of those that were new; in one order, so that no two uploads wait crosswise."""
    if not codes:
        return set()
    rows = [_row(uow, reward_id, index, codes[index], batch) for index in sorted(codes)]
    put = insert(RewardCode).values(rows).on_conflict_do_nothing()
    return set(uow.session.scalars(put.returning(RewardCode.code_index)))


def _row(
    uow: UnitOfWork, reward_id: UUID, index: bytes, new: NewCode, batch: UUID
) -> dict[str, Any]:
    key = new_id()
    return {
        "id": key,
        "dealer_id": uow.dealer_id,
        "reward_id": reward_id,
        "sealed": uow.seal(new.code.strip(), column=COLUMN, row=key),
        "code_index": index,
        "state": "available",
        "ends_on": new.ends_on,
        "batch": batch,
        "uploaded_at": uow.now,
        "uploaded_by": uow.actor.id,
    }


def _days_of(uow: UnitOfWork, indexes: set[bytes]) -> dict[bytes, date | None]:
    """The last days these codes have, by their indexes."""
    found = select(RewardCode.code_index, RewardCode.ends_on).where(
        RewardCode.dealer_id == uow.dealer_id, RewardCode.code_index.in_(indexes)
    )
    return {row.code_index: row.ends_on for row in uow.session.execute(found)} if indexes else {}


def _result(index: bytes, fault: Fault | None, left: set[bytes], other_day: bool) -> Result:
    """Of a new code named twice the first is new; `left` are those not yet told of."""
    if fault is not None:
        return Result(Outcome.INVALID, fault)
    if index not in left:
        return Result(Outcome.KNOWN, other_day=other_day)
    left.discard(index)
    return Result(Outcome.NEW)
