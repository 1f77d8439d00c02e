"""Change what is known of a member. Each value is sealed anew, so no trace keeps the old one."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.errors import Conflict, NotFound, RuleViolation
from kernel.unit_of_work import UnitOfWork
from loyalty.formats import mobile, names, text
from loyalty.members.models import Member


@dataclass(frozen=True, slots=True)
class MemberChange:
    """The new values; None leaves what is known."""

    name: str | None = None
    phone: str | None = None
    occupation: str | None = None


def change_member(uow: UnitOfWork, member_id: UUID, change: MemberChange, *, version: int) -> None:
    """Change a member (老车主) whose record the caller has looked at; `version` is what he saw.

    Raises NotFound `member_not_found`, Conflict `version_changed`, RuleViolation
    `nothing_to_change`, and for unusable names and phones.
    """
    fields = [name for name, value in asdict(change).items() if value is not None]
    if not fields:
        raise RuleViolation("nothing_to_change")
    row = uow.session.scalar(select(Member).where(Member.id == member_id).with_for_update())
    if row is None:
        raise NotFound("member_not_found")
    if row.version != version:
        raise Conflict("version_changed")
    _apply(uow, row, change)
    row.version = version + 1
    uow.session.flush()
    uow.emit("member.changed", member_id, version=row.version)
    uow.audit("member.changed", member_id, fields=fields)


def _apply(uow: UnitOfWork, row: Member, change: MemberChange) -> None:
    if change.name is not None:
        names.canonical(change.name)
        row.name = uow.seal(change.name, column="member.name", row=row.id)
    if change.phone is not None:
        phone = mobile.canonical(change.phone)
        row.phone = uow.seal(phone, column="member.phone", row=row.id)
        row.phone_index = uow.blind(phone, column="phone")
    if change.occupation is not None:
        occupation = text.normalise(change.occupation)
        row.occupation = uow.seal(occupation, column="member.occupation", row=row.id)
