"""What a counter code can be for: the one place where codes meet benefits and rewards."""

from types import MappingProxyType
from typing import Final
from uuid import UUID

from kernel.errors import Conflict, NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.benefits.queries import get_usage, member_of
from loyalty.benefits.reserve import locked
from loyalty.benefits.use import reserved, use_reserved
from loyalty.counter.subjects import Handed, Purpose, Register
from loyalty.rewards.fulfil import State, course_of, hand_over
from loyalty.rewards.queries import get_redemption
from loyalty.rewards.rules.terms import Fulfilment


class Reserved:
    """Units of a benefit that were reserved (权益预约): a partner is paid for those he honours."""

    def owner_of(self, uow: UnitOfWork, subject_id: UUID) -> UUID:
        """Who reserved it. Raises NotFound `subject_not_found`."""
        try:
            return member_of(uow, subject_id)
        except NotFound as error:
            raise NotFound("subject_not_found") from error

    def check(self, uow: UnitOfWork, subject_id: UUID) -> None:
        """Raises Conflict `reservation_ended`."""
        reserved(locked(uow, self.owner_of(uow, subject_id), usage_id=subject_id), subject_id)

    def act(self, uow: UnitOfWork, subject_id: UUID, honoured_by: UUID | None) -> Handed:
        """Use it up. Raises as `use_reserved`."""
        use_reserved(uow, self.owner_of(uow, subject_id), subject_id, honoured_by=honoured_by)
        used = get_usage(uow, subject_id)
        choice_zh, choice_en = None, None
        if used.choice:
            choice_zh, choice_en = used.choice.name_zh, used.choice.name_en
        return Handed(used.name_zh, used.name_en, 1, choice_zh, choice_en)


class Redeemed:
    """Redeemed rewards waiting at the counter: at a partner's, those he was named for."""

    def owner_of(self, uow: UnitOfWork, subject_id: UUID) -> UUID:
        """Who redeemed it. Raises NotFound `subject_not_found`."""
        try:
            return get_redemption(uow, subject_id).member_id
        except NotFound as error:
            raise NotFound("subject_not_found") from error

    def check(self, uow: UnitOfWork, subject_id: UUID) -> None:
        """Raises Conflict `redemption_cancelled`, `redemption_not_for_counter` and
        `handed_over_already`."""
        course = course_of(uow, subject_id, locked=True)
        if course.has(State.CANCELLED):
            raise Conflict("redemption_cancelled")
        if course.fulfilment is not Fulfilment.COUNTER:
            raise Conflict("redemption_not_for_counter")
        if course.has(State.HANDED_OVER):
            raise Conflict("handed_over_already")

    def act(self, uow: UnitOfWork, subject_id: UUID, honoured_by: UUID | None) -> Handed:
        """Hand it over. Raises as `hand_over`."""
        hand_over(uow, subject_id, honoured_by=honoured_by)
        given = get_redemption(uow, subject_id)
        return Handed(given.reward_name_zh, given.reward_name_en, given.quantity)


SUBJECTS: Final[Register] = MappingProxyType(
    {Purpose.BENEFIT: Reserved(), Purpose.REWARD: Redeemed()}
)
