"""Households (同一家庭): the CRM's number of who lives together, kept as a keyed index only.

A reader would break this by storing the number: it would join people who never said they belong
together.
"""

from kernel.unit_of_work import UnitOfWork
from loyalty.formats import reference


def household_index(uow: UnitOfWork, household_ref: str | None) -> bytes | None:
    """What two people of one household have in common; None without a number.

    Raises RuleViolation `reference_invalid`.
    """
    if household_ref is None:
        return None
    return uow.blind(reference.canonical(household_ref), column="household")
