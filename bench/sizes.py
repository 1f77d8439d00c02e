"""How much of everything: a full run, and `--quick`, which has the same names in less time."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Members, rows, rounds and the seconds of a round."""

    rounds: int
    seconds: float
    pgbench_scale: int
    members: int
    rewards: int
    summary_owners: int
    summary_entries: int
    import_members: int
    import_documents: int
    import_rounds: int
    expiry_members: int
    expiry_rounds: int
    growth_small: int
    growth_large: int
    growth_rounds: int
    growth_seconds: float
    ocr_licences: int


FULL: Final = Sizes(
    rounds=5,
    seconds=10,
    pgbench_scale=20,
    members=20_000,
    rewards=200,
    summary_owners=400,
    summary_entries=10_000,
    import_members=20_000,
    import_documents=200_000,
    import_rounds=2,
    expiry_members=1_000_000,
    expiry_rounds=2,
    growth_small=10_000,
    growth_large=10_000_000,
    growth_rounds=5,
    growth_seconds=20,
    ocr_licences=15,
)
QUICK: Final = Sizes(
    rounds=3,
    seconds=2,
    pgbench_scale=20,
    members=4_000,
    rewards=200,
    summary_owners=400,
    summary_entries=10_000,
    import_members=2_000,
    import_documents=10_000,
    import_rounds=1,
    expiry_members=20_000,
    expiry_rounds=2,
    growth_small=10_000,
    growth_large=200_000,
    growth_rounds=3,
    growth_seconds=4,
    ocr_licences=3,
)
