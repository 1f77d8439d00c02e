"""Relatives (亲属) people of the staff declare: they decide nothing about them.

The number itself is not kept, only its blind index; a declaration is never taken back.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.directory import get_staff
from loyalty.formats import mobile
from referral.models import StaffRelative


def declare_relative(uow: UnitOfWork, staff_id: UUID, *, phone: str) -> None:
    """From now on this person takes no duty on a referral of who has this number; again is no harm.

    Raises NotFound `staff_not_found`, RuleViolation `mobile_invalid`.
    """
    person = get_staff(uow, staff_id)
    index = uow.blind(mobile.canonical(phone), column="phone")
    row = {
        "staff_id": person.id,
        "phone_index": index,
        "dealer_id": uow.dealer_id,
        "declared_at": uow.now,
        "declared_by": uow.actor.id,
    }
    wanted = insert(StaffRelative).values(row)
    uow.session.execute(wanted.on_conflict_do_nothing(constraint="pk_staff_relative"))
    uow.audit("relative.declared", person.id)
