"""Tables of licence photos (行驶证照片). The picture lies apart: it alone is ever erased.

Values read are sealed as one; `fields` names them with their confidence and never holds one.
"""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Instant, Key


class LicencePhoto(Base):
    """One picture sent for one referral, with what was read in it; append-only."""

    __tablename__ = "licence_photo"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    uploaded_by: Mapped[str]
    uploaded_as: Mapped[str]
    received_at: Mapped[Instant]
    upload_hash: Mapped[bytes]
    pixel_hash: Mapped[bytes]
    gradient_hash: Mapped[int]
    frequency_hash: Mapped[int]
    outcome: Mapped[str]
    cause: Mapped[str | None]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    flags: Mapped[list[str]] = mapped_column(JSONB)
    sealed: Mapped[bytes]
    vin_index: Mapped[bytes | None]
    plate_index: Mapped[bytes | None]
    reuse_of: Mapped[UUID | None]
    near_duplicate_of: Mapped[UUID | None]


class LicencePhotoImage(Base):
    """The re-encoded picture, sealed; gone when its time is over."""

    __tablename__ = "licence_photo_image"

    photo_id: Mapped[UUID] = mapped_column(primary_key=True)
    dealer_id: Mapped[UUID]
    sealed: Mapped[bytes]


class LicencePhotoView(Base):
    """Somebody looked at a picture."""

    __tablename__ = "licence_photo_view"

    id: Mapped[Key]
    dealer_id: Mapped[UUID]
    photo_id: Mapped[UUID]
    viewed_by: Mapped[str]
    viewed_as: Mapped[str]
    viewed_at: Mapped[Instant]
