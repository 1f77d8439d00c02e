"""What counter codes are for, told by those who own it: this package imports neither benefits nor
rewards, it is handed one `Subjects` for each purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kernel.unit_of_work import UnitOfWork


class Purpose(StrEnum):
    BENEFIT = "benefit"
    REWARD = "reward"


@dataclass(frozen=True, slots=True)
class Handed:
    """What the desk gives, for its screen: never who the member is."""

    name_zh: str
    name_en: str
    quantity: int
    choice_zh: str | None = None
    choice_en: str | None = None


class Subjects(Protocol):
    """Things of one purpose: a reserved benefit (权益), a redeemed reward."""

    def owner_of(self, uow: UnitOfWork, subject_id: UUID) -> UUID:
        """The member it belongs to. Raises NotFound `subject_not_found`."""

    def check(self, uow: UnitOfWork, subject_id: UUID) -> None:
        """Let no code be made for what can no longer be given; the account stays locked.

        Raises Conflict as `act` would now.
        """

    def act(self, uow: UnitOfWork, subject_id: UUID, honoured_by: UUID | None) -> Handed:
        """Use it, or hand it over, once; `honoured_by` is a partner dealer (合作店) who gives it.

        Raises what the act itself raises; the code stays open then.
        """


Register = Mapping[Purpose, Subjects]
