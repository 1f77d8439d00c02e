"""What a counter code can be for: the one place where codes meet benefits and rewards."""

from types import MappingProxyType
from typing import Final
from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.counter.subjects import Handed, Purpose, Register


class Nothing:
    """A purpose of which there is nothing yet."""

    def owner_of(self, uow: UnitOfWork, subject_id: UUID) -> UUID:
        """Raises NotFound `subject_not_found`."""
        raise NotFound("subject_not_found")

    def act(self, uow: UnitOfWork, subject_id: UUID, honoured_by: UUID | None) -> Handed:
        """Raises NotFound `subject_not_found`."""
        raise NotFound("subject_not_found")


SUBJECTS: Final[Register] = MappingProxyType(
    {Purpose.BENEFIT: Nothing(), Purpose.REWARD: Nothing()}
)
