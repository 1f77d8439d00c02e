"""Whether a picture, or the licence on it, was sent for another referral before.

Near pictures alone are only a signal: licences are one printed form. The same bytes or pixels, or
a near picture of the same plate or VIN, is the same picture again.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import aliased

from kernel.unit_of_work import UnitOfWork
from referral.evidence.models import LicencePhoto
from referral.evidence.near import NEAR
from referral.evidence.photo import Picture
from referral.models import Referral


@dataclass(frozen=True, slots=True)
class Before:
    """The photo this one repeats, the nearest that is only like it, and another owner's use."""

    reuse_of: UUID | None
    near_duplicate_of: UUID | None
    of_another_owner: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Blind indexes of the VIN and the plate read, where they were."""

    vin_index: bytes | None
    plate_index: bytes | None


def seen_before(
    uow: UnitOfWork, referral_id: UUID, owner_id: UUID | None, picture: Picture, who: Identity
) -> Before:
    """What earlier photos of this dealer's other referrals say (referral.md, section 6, 9)."""
    elsewhere = LicencePhoto.referral_id != referral_id
    same_bytes = or_(
        LicencePhoto.upload_hash == picture.upload_hash,
        LicencePhoto.pixel_hash == picture.pixel_hash,
    )
    same_licence = _same_licence(who)
    bits = _distance(picture)
    near = bits <= NEAR
    reuse = uow.session.scalar(
        select(LicencePhoto.id)
        .where(elsewhere, or_(same_bytes, near & same_licence))
        .order_by(same_bytes.desc(), bits, LicencePhoto.id)
        .limit(1)
    )
    nearest = uow.session.scalar(
        select(LicencePhoto.id).where(elsewhere, near).order_by(bits, LicencePhoto.id).limit(1)
    )
    other = uow.session.scalar(
        select(LicencePhoto.id)
        .join(Referral, Referral.id == LicencePhoto.referral_id)
        .where(elsewhere, same_licence, Referral.owner_id != owner_id)
        .limit(1)
    )
    return Before(reuse, None if reuse else nearest, owner_id is not None and other is not None)


def sent_for_another_owner(uow: UnitOfWork, photo_id: UUID, owner_id: UUID | None) -> bool:
    """Whether the photo this one repeats was sent for a referral of another owner: an owner's own
    picture, sent again with his next friend, is no fake."""
    repeated = aliased(LicencePhoto)
    found = (
        select(LicencePhoto.id)
        .join(repeated, repeated.id == LicencePhoto.reuse_of)
        .join(Referral, Referral.id == repeated.referral_id)
        .where(LicencePhoto.id == photo_id, Referral.owner_id.is_distinct_from(owner_id))
    )
    return uow.session.scalar(found) is not None


def _same_licence(who: Identity) -> ColumnElement[bool]:
    """Whether VIN or plate is the same; what was not read equals nothing."""
    return or_(
        LicencePhoto.vin_index == bindparam("vin_index", who.vin_index, unique=True),
        LicencePhoto.plate_index == bindparam("plate_index", who.plate_index, unique=True),
    )


def _distance(picture: Picture) -> ColumnElement[int]:
    """How many of the 128 bits of both hashes differ."""
    return _bits(LicencePhoto.gradient_hash, picture.gradient_hash) + _bits(
        LicencePhoto.frequency_hash, picture.frequency_hash
    )


def _bits(column: object, value: int) -> ColumnElement[int]:
    return func.bit_count(cast(column.op("#")(cast(value, BigInteger)), BIT(64)))  # type: ignore[attr-defined]
