"""What is used twice: one number behind several people, one licence behind several owners.

A reader would break this by counting the owner's own earlier referrals against him.
"""

from uuid import UUID

from sqlalchemy import func, select, union

from kernel.unit_of_work import UnitOfWork
from loyalty.members import lookup, phones
from loyalty.members import queries as members
from referral.evidence.models import LicencePhoto
from referral.models import LicenceCheck, Referral
from referral.risk.neighbours import MONTHS_BACK
from referral.rules.risk import is_virtual


def phones_shared(uow: UnitOfWork, referral: Referral, owner: UUID) -> dict[str, int]:
    """How many use the owner's number, and where the buyer's number was reported before."""
    who = members.get_member(uow, owner)
    buyer_phone = uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
    buyer_index = referral.buyer_phone_index
    using = lookup.using_phones(uow, {who.phone_index, buyer_index})
    by_buyer = [each.member_id for each in using if each.phone_index == buyer_index]
    since = referral.submitted_at - MONTHS_BACK
    as_owner = select(func.count()).where(
        Referral.owner_id.in_(by_buyer),
        Referral.submitted_at >= since,
        Referral.submitted_at < referral.submitted_at,
    )
    reports = select(func.count()).where(
        Referral.buyer_phone_index == buyer_index,
        Referral.submitted_at >= since,
        Referral.id != referral.id,
    )
    row = uow.session.execute(select(as_owner.scalar_subquery(), reports.scalar_subquery())).one()
    return {
        "owner_phone_members": sum(each.phone_index == who.phone_index for each in using),
        "owner_phone_changes": int(phones.changed_lately(uow, owner)),
        "virtual_numbers": is_virtual(who.phone) + is_virtual(buyer_phone),
        "buyer_phone_as_owner": row[0],
        "buyer_phone_reports": row[1],
    }


def licence_reused(uow: UnitOfWork, referral: Referral, owner: UUID) -> dict[str, int]:
    """The licence (行驶证) and its photos in referrals of other owners, and remarks on them."""
    checks = uow.session.execute(
        select(LicenceCheck.vehicle_id, LicenceCheck.flags)
        .where(LicenceCheck.referral_id == referral.id)
        .order_by(LicenceCheck.attempt)
    ).all()
    cars = [row.vehicle_id for row in checks if row.vehicle_id]
    photos = select(LicencePhoto).where(LicencePhoto.referral_id == referral.id)
    mine = uow.session.scalars(photos).all()
    seen = {key for photo in mine for key in (photo.reuse_of, photo.near_duplicate_of) if key}
    numbers = {photo.vin_index for photo in mine if photo.vin_index}
    by_car = select(Referral.owner_id).join(LicenceCheck, LicenceCheck.referral_id == Referral.id)
    by_photo = select(Referral.owner_id).join(LicencePhoto, LicencePhoto.referral_id == Referral.id)
    others = union(
        by_car.where(LicenceCheck.vehicle_id.in_(cars), Referral.owner_id != owner),
        by_photo.where(LicencePhoto.vin_index.in_(numbers), Referral.owner_id != owner),
    ).subquery()
    of_others = by_photo.where(LicencePhoto.id.in_(seen), Referral.owner_id != owner).subquery()
    row = uow.session.execute(
        select(
            select(func.count()).select_from(others).scalar_subquery(),
            select(func.count()).select_from(of_others).scalar_subquery(),
        )
    ).one()
    return {
        "licence_other_owners": row[0],
        "photos_seen_before": row[1],
        "licence_flags": len(checks[-1].flags or ()) if checks else 0,
    }
