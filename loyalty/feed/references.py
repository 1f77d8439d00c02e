"""Which members the rows of a page name: one query a page, never one a row."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from kernel.unit_of_work import UnitOfWork
from loyalty.members.models import Member


def members_named(uow: UnitOfWork, source: str, references: Collection[str]) -> dict[str, UUID]:
    """The members known under these CRM references, by reference; unknown ones are left out."""
    found = uow.session.execute(
        select(Member.external_id, Member.id).where(
            Member.dealer_id == uow.dealer_id,
            Member.source == source,
            Member.external_id.in_(references),
        )
    )
    return {row.external_id: row.id for row in found}
