"""Pictures of licences are erased 180 days after the referral ended; what was read stays sealed."""

from datetime import timedelta

from sqlalchemy import delete, func, select

from kernel.unit_of_work import UnitOfWork
from referral.evidence.models import LicencePhoto, LicencePhotoImage
from referral.lifecycle import TERMINAL
from referral.models import Referral, ReferralTransition

KEPT_FOR = timedelta(days=180)


def erase_old_photos(uow: UnitOfWork, *, limit: int) -> int:
    """Erase at most `limit` pictures whose time is over; how many were. Call it until 0."""
    ended = (
        select(func.max(ReferralTransition.at))
        .where(ReferralTransition.referral_id == Referral.id)
        .scalar_subquery()
    )
    over = (
        select(LicencePhotoImage.photo_id)
        .join(LicencePhoto, LicencePhoto.id == LicencePhotoImage.photo_id)
        .join(Referral, Referral.id == LicencePhoto.referral_id)
        .where(Referral.state.in_(sorted(TERMINAL)), ended <= uow.now - KEPT_FOR)
        .order_by(LicencePhotoImage.photo_id)
        .limit(limit)
    )
    gone = uow.session.scalars(
        delete(LicencePhotoImage)
        .where(LicencePhotoImage.photo_id.in_(over))
        .returning(LicencePhotoImage.photo_id)
        .execution_options(synchronize_session=False)
    ).all()
    for photo_id in gone:
        uow.audit("licence_photo.erased", photo_id)
    return len(gone)
