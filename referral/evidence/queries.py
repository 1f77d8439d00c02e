"""Reads of licence photos: what was read in them. Values are whole here; the API masks by role."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from referral.evidence.models import LicencePhoto, LicencePhotoImage
from referral.evidence.store import MOST_PHOTOS, values_of


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo: `fields` by name with confidence, source and whether a person must look."""

    id: UUID
    referral_id: UUID
    received_at: datetime
    uploaded_as: str
    outcome: str
    cause: str | None
    fields: dict[str, dict[str, Any]]
    values: dict[str, str] = field(repr=False)
    flags: list[str]
    reuse_of: UUID | None
    near_duplicate_of: UUID | None
    erased: bool


def get_photo(uow: UnitOfWork, photo_id: UUID) -> PhotoView:
    """One photo. Raises NotFound `licence_photo_not_found`."""
    row = uow.session.execute(_SELECT.where(LicencePhoto.id == photo_id)).first()
    if row is None:
        raise NotFound("licence_photo_not_found")
    return _view(uow, row[0], row[1])


def photos_of(uow: UnitOfWork, referral_id: UUID) -> list[PhotoView]:
    """Every photo of a referral, in the order they came."""
    rows = uow.session.execute(
        _SELECT.where(LicencePhoto.referral_id == referral_id)
        .order_by(LicencePhoto.id)
        .limit(MOST_PHOTOS)
    )
    return [_view(uow, photo, image) for photo, image in rows]


_SELECT = select(LicencePhoto, LicencePhotoImage.photo_id).outerjoin(
    LicencePhotoImage, LicencePhotoImage.photo_id == LicencePhoto.id
)


def _view(uow: UnitOfWork, row: LicencePhoto, image: UUID | None) -> PhotoView:
    return PhotoView(
        id=row.id,
        referral_id=row.referral_id,
        received_at=row.received_at,
        uploaded_as=row.uploaded_as,
        outcome=row.outcome,
        cause=row.cause,
        fields=row.fields,
        values=values_of(uow, row),
        flags=row.flags,
        reuse_of=row.reuse_of,
        near_duplicate_of=row.near_duplicate_of,
        erased=image is None,
    )
