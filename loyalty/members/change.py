"""Change what is known of a member. Each value is sealed anew, so no trace keeps the old one."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import names, text
from loyalty.members.household import household_index
from loyalty.members.models import Member
from loyalty.members.phones import change_phone


@dataclass(frozen=True, slots=True)
class MemberChange:
    """The new values; None leaves what is known."""

    name: str | None = None
    phone: str | None = None
    occupation: str | None = None
    household_ref: str | None = None


def change_member(
    uow: UnitOfWork, member_id: UUID, change: MemberChange, *, version: int, cooling_days: int
) -> None:
    """Change a member (老车主) whose record the caller has looked at; `version` is what he saw.

    For `cooling_days` a new phone verifies nothing (loyalty/members/phones.py). Raises NotFound
    `member_not_found`, Conflict `version_changed`, RuleViolation `nothing_to_change`, and for
    unusable names and phones.
    """
    fields = [name for name, value in asdict(change).items() if value is not None]
    if not fields:
        raise RuleViolation("nothing_to_change")
    row = uow.session.scalar(select(Member).where(Member.id == member_id).with_for_update())
    if row is None:
        raise NotFound("member_not_found")
    if row.version != version:
        raise Conflict("version_changed")
    _apply(uow, row, change, cooling_days)
    row.version = version + 1
    uow.session.flush()
    uow.emit("member.changed", member_id, version=row.version)
    uow.audit("member.changed", member_id, fields=fields)


def _apply(uow: UnitOfWork, row: Member, change: MemberChange, cooling_days: int) -> None:
    if change.name is not None:
        names.canonical(change.name)
        row.name = uow.seal(change.name, column="member.name", row=row.id)
    if change.phone is not None:
        change_phone(uow, row, change.phone, cooling_days=cooling_days)
    if change.occupation is not None:
        occupation = text.normalise(change.occupation)
        row.occupation = uow.seal(occupation, column="member.occupation", row=row.id)
    if change.household_ref is not None:
        row.household_index = household_index(uow, change.household_ref)
