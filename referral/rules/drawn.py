"""What was written down of a draw: all that its recomputation needs, and no personal data.

Pure. A reader would break this by adding a fact, an answer or a name: it leaves in the export.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kernel.clock import business_day

BEFORE_PROMISES: Final = "1"
"""The selector of releases before 0.4: no day's secret was promised then, no agent committed."""
CALLBACK: Final = "callback"
OTHER_PARTY: Final = "other_party"
JUDGES: Final = "judges"


@dataclass(frozen=True, slots=True)
class Trail:
    """What the audit trail says, by place in its chain; None for what is not chained there."""

    promised_at: datetime | None
    promise_seq: int | None
    commitment_seq: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw with what it was drawn from and the call that followed.

    `secret` of the day is None while it is not told, `trail` outside of the database; before
    release 0.4 `entropy_hash` is empty and so are the plans, the sample and the agents.
    """

    dealer_id: str
    zone: ZoneInfo
    referral_id: str
    purpose: str
    parties: tuple[str, ...]
    catalogue_hash: str
    selector_version: str
    wanted_plan: str | None
    sample_percent: int
    agents: tuple[str, ...]
    drawn_at: datetime
    entropy_on: date
    entropy_hash: bytes
    secret: bytes | None = field(repr=False)
    promised_at: datetime | None
    commitment: bytes
    seed: bytes
    party: str
    plan: str | None
    sampled: bool
    called_party: str | None
    first_agent: str | None
    trail: Trail | None = None

    @property
    def old(self) -> bool:
        return self.selector_version == BEFORE_PROMISES

    @property
    def promised_before(self) -> bool:
        """Whether the day's secret was promised before that day began in the dealer's zone."""
        at = self.promised_at
        return at is not None and business_day(at, self.zone) < self.entropy_on
