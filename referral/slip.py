"""What the consultant (销售顾问) reports before the sale, in the buyer's own words.

It is sealed, hashed and never changed: the licence check and the questions rest on it.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from kernel.unit_of_work import UnitOfWork
from referral.models import Referral


@dataclass(frozen=True, slots=True)
class Slip:
    """The four facts about the owner, when and how the buyer brought him up, and who he is."""

    owner_name: str
    owner_phone: str
    owner_model: str
    owner_colour: str
    mentioned_at: datetime
    how_helped: str
    relation: str | None
    buyer_occupation: str | None


def freeze(uow: UnitOfWork, slip: Slip, row: UUID) -> tuple[bytes, bytes]:
    """The sealed slip and the keyed hash that shows any change of it."""
    facts = asdict(slip) | {"mentioned_at": slip.mentioned_at.isoformat()}
    said = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return (
        uow.seal(said, column="referral.slip", row=row),
        uow.blind(said, column="referral.slip"),
    )


def thaw(uow: UnitOfWork, referral: Referral) -> Slip:
    """The slip as it was frozen."""
    facts = json.loads(uow.open(referral.slip, column="referral.slip", row=referral.id))
    facts["mentioned_at"] = datetime.fromisoformat(facts["mentioned_at"])
    return Slip(**facts)
