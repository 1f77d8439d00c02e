"""What a counter code can be for: the one place where codes meet benefits and rewards."""

from types import MappingProxyType
from typing import Final
from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.queries import get_usage, member_of
from loyalty.benefits.use import use_reserved
from loyalty.counter.subjects import Handed, Purpose, Register


class Reserved:
    """Units of a benefit that were reserved (权益预约): a partner is paid for those he honours."""

    def owner_of(self, uow: UnitOfWork, subject_id: UUID) -> UUID:
        """Who reserved it. Raises NotFound `subject_not_found`."""
        try:
            return member_of(uow, subject_id)
        except NotFound as error:
            raise NotFound("subject_not_found") from error

    def act(self, uow: UnitOfWork, subject_id: UUID, honoured_by: UUID | None) -> Handed:
        """Use it up. Raises as `use_reserved`."""
        use_reserved(uow, self.owner_of(uow, subject_id), subject_id, honoured_by=honoured_by)
        used = get_usage(uow, subject_id)
        choice_zh, choice_en = None, None
        if used.choice:
            choice_zh, choice_en = used.choice.name_zh, used.choice.name_en
        return Handed(used.name_zh, used.name_en, 1, choice_zh, choice_en)


class Nothing:
    """A purpose of which there is nothing yet."""

    def owner_of(self, _uow: UnitOfWork, _subject_id: UUID) -> UUID:
        """Raises NotFound `subject_not_found`."""
        raise NotFound("subject_not_found")

    def act(self, _uow: UnitOfWork, _subject_id: UUID, _honoured_by: UUID | None) -> Handed:
        """Raises NotFound `subject_not_found`."""
        raise NotFound("subject_not_found")


SUBJECTS: Final[Register] = MappingProxyType(
    {Purpose.BENEFIT: Reserved(), Purpose.REWARD: Nothing()}
)
