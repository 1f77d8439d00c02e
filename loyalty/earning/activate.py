"""The event that a document's pending points wait for has come (F4)."""

from dataclasses import dataclass
from uuid import UUID

from kernel.errors import Conflict
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.queries import get_document
from loyalty.points import ledger


@dataclass(frozen=True, slots=True)
class Activated:
    """`available` is what the member can spend now."""

    document_id: UUID
    member_id: UUID
    event: str
    available: int


def activate(uow: UnitOfWork, document_id: UUID, *, event: str) -> Activated:
    """Let the points of a document that wait for this event be spendable.

    Raises NotFound `document_not_found`, Conflict `nothing_pending`: also for a second time, and
    after the day on which they were cancelled.
    """
    document = get_document(uow, document_id)
    if document.posting_set_id is None or document.returns_id is not None:
        raise Conflict("nothing_pending")
    available = ledger.begin(uow, document.member_id, document.posting_set_id, event=event)
    uow.audit("document.activated", document.id, name=event)
    return Activated(document.id, document.member_id, event, available)
