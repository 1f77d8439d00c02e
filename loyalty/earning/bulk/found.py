"""What is known before a chunk is reckoned: a statement for each kind of fact, not for each row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from kernel.unit_of_work import UnitOfWork
from loyalty.earning.bulk.rows import Draft, Reference

_BY_ID: Final = text("SELECT id FROM member WHERE id = ANY (:ids)")
_BY_REFERENCE: Final = text(
    "SELECT external_id, id FROM member"
    " WHERE dealer_id = :dealer AND source = :source AND external_id = ANY (:ids)"
)
_DOCUMENTS: Final = text(
    "SELECT source_event_id, id, points, fingerprint FROM source_document"
    " WHERE dealer_id = :dealer AND source = :source AND source_event_id = ANY (:ids)"
)
_VEHICLES: Final = text(
    "SELECT vin_index, id, model FROM vehicle WHERE dealer_id = :dealer AND vin_index = ANY (:ids)"
)


class Known(NamedTuple):
    """A document taken before, in this chunk or long ago."""

    id: UUID
    points: int
    fingerprint: bytes


class Vehicle(NamedTuple):
    """The car a document names by its VIN (车架号)."""

    id: UUID
    model: str


def members_of(uow: UnitOfWork, drafts: Sequence[Draft]) -> dict[UUID | Reference, UUID]:
    """The members that exist, by what the rows call them."""
    ids = {draft.member for draft in drafts if isinstance(draft.member, UUID)}
    found: dict[UUID | Reference, UUID] = {row.id: row.id for row in _ask(uow, _BY_ID, ids)}
    named: dict[str, list[Reference]] = defaultdict(list)
    for reference in {draft.member for draft in drafts if isinstance(draft.member, Reference)}:
        named[reference.source].append(reference)
    for source, references in named.items():
        rows = _ask(uow, _BY_REFERENCE, {each.id for each in references}, source=source)
        by_id: dict[str, UUID] = {row.external_id: row.id for row in rows}
        found |= {each: by_id[each.id] for each in references if each.id in by_id}
    return found


def documents_of(
    uow: UnitOfWork, references: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """Documents taken before, by source and reference; looked for after the locks are held."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for source, key in references:
        by_source[source].add(key)
    return {
        (source, row.source_event_id): Known(row.id, row.points, row.fingerprint)
        for source, keys in by_source.items()
        for row in _ask(uow, _DOCUMENTS, keys, source=source)
    }


def vehicles_by(uow: UnitOfWork, indexes: Collection[bytes]) -> dict[bytes, Vehicle]:
    """The cars known by these blind indexes; an unknown VIN is no error."""
    rows = _ask(uow, _VEHICLES, indexes)
    return {bytes(row.vin_index): Vehicle(row.id, row.model) for row in rows}


def _ask(
    uow: UnitOfWork, question: TextClause, ids: Collection[object], **more: object
) -> Sequence[Row[Any]]:
    if not ids:
        return []
    return uow.session.execute(question, {"ids": list(ids), "dealer": uow.dealer_id, **more}).all()
