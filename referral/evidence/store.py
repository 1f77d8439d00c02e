"""Keep a licence photo (行驶证照片): who sent it for which referral, what was read, where it was
seen before. A reader would break this by letting a photo decide: people and the check decide.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.clock import business_day
from kernel.errors import Conflict, NotFound
from kernel.ids import new_id
from kernel.unit_of_work import UnitOfWork
from referral.evidence.fields import DOUBTFUL, FIELDS, Read
from referral.evidence.models import LicencePhoto, LicencePhotoImage, LicencePhotoView
from referral.evidence.photo import Picture
from referral.evidence.reading import Cause, Outcome, Reading
from referral.evidence.reuse import Before, Identity, seen_before
from referral.evidence.signals import Signal, printed_signals
from referral.lifecycle import TERMINAL, State
from referral.moves import one_at_a_time
from referral.queries import Filter, ReferralView, get_referral
from referral.rules.licence import LicenceFields

MOST_PHOTOS = 20
IMAGE = "licence_photo_image.sealed"
VALUES = "licence_photo.sealed"
_DATES = ("register_date", "issue_date")


@dataclass(frozen=True, slots=True)
class PhotoEvidence:
    """What a licence check may take from a photo: a field nobody could surely read is empty."""

    fields: LicenceFields = field(repr=False)
    reused: bool
    flags: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture shown once, and the record of it."""

    view: LicencePhotoView
    jpeg: bytes = field(repr=False)


def worth_reading(
    uow: UnitOfWork, referral_id: UUID, upload_hash: bytes, *, seen_by: Filter
) -> bool:
    """Whether this upload would be kept as a new photo: else nobody need read it.

    Raises NotFound `referral_not_found`.
    """
    referral = get_referral(uow, referral_id, seen_by)
    known = select(LicencePhoto.id).where(
        LicencePhoto.referral_id == referral_id, LicencePhoto.upload_hash == upload_hash
    )
    return State(referral.state) not in TERMINAL and uow.session.scalar(known) is None


def take_photo(
    uow: UnitOfWork,
    referral_id: UUID,
    picture: Picture,
    reading: Reading | None,
    *,
    seen_by: Filter,
) -> tuple[LicencePhoto, bool]:
    """Keep the picture with its reading; and whether this referral had it already.

    Raises NotFound `referral_not_found`, Conflict `referral_over`, `licence_photos_enough`.
    """
    referral = get_referral(uow, referral_id, seen_by)
    one_at_a_time(uow, "licence-photos")
    first = _here_already(uow, referral_id, picture)
    if first is not None:
        return first, True
    if State(referral.state) in TERMINAL:
        raise Conflict("referral_over", state=referral.state)
    _refuse_crowd(uow, referral_id)
    photo = _record(uow, referral, picture, reading or Reading(Outcome.NOT_READ, Cause.OCR_BUSY))
    uow.session.add(photo)
    uow.session.flush()
    sealed = uow.vault.seal_bytes(picture.jpeg, column=IMAGE, row=photo.id, dealer=uow.dealer_id)
    uow.session.add(LicencePhotoImage(photo_id=photo.id, dealer_id=uow.dealer_id, sealed=sealed))
    uow.audit("licence_photo.received", photo.id, outcome=photo.outcome, flags=photo.flags)
    uow.emit("licence_photo.received", referral_id, outcome=photo.outcome, flags=photo.flags)
    return photo, False


def licence_fields(uow: UnitOfWork, photo_id: UUID, *, referral_id: UUID) -> PhotoEvidence:
    """What the photo says for a check of this very referral: surely read values, empty texts
    for the others. Raises NotFound `licence_photo_not_found`.
    """
    photo = uow.session.scalar(
        select(LicencePhoto).where(
            LicencePhoto.id == photo_id, LicencePhoto.referral_id == referral_id
        )
    )
    if photo is None:
        raise NotFound("licence_photo_not_found")
    told = values_of(uow, photo)
    sure = {name: told[name] for name, each in photo.fields.items() if not each["needs_person"]}
    flags = list(photo.flags)
    if photo.outcome == Outcome.NOT_A_LICENCE:
        flags.append(Signal.PHOTO_NOT_A_LICENCE)
    if photo.outcome == Outcome.UNREADABLE:
        flags.append(Signal.PHOTO_UNREADABLE)
    fields = LicenceFields(
        plate_no=sure.get("plate_no", ""),
        owner_name=sure.get("owner_name", ""),
        vin=sure.get("vin", ""),
        use_nature=sure.get("use_nature", ""),
        brand_model=sure.get("brand_model", ""),
        register_date=_day(sure.get("register_date")),
        issue_date=_day(sure.get("issue_date")),
    )
    return PhotoEvidence(fields, photo.outcome == Outcome.REUSED, flags)


def values_of(uow: UnitOfWork, photo: LicencePhoto) -> dict[str, str]:
    """The values read, by canonical name."""
    told: dict[str, str] = json.loads(uow.open(photo.sealed, column=VALUES, row=photo.id))
    return told


def show(uow: UnitOfWork, photo_id: UUID) -> Shown:
    """The picture, and the record that this person saw it.

    Raises NotFound `licence_photo_not_found`, Conflict `licence_photo_erased`.
    """
    if uow.session.get(LicencePhoto, photo_id) is None:
        raise NotFound("licence_photo_not_found")
    image = uow.session.get(LicencePhotoImage, photo_id)
    if image is None:
        raise Conflict("licence_photo_erased")
    view = LicencePhotoView(
        id=new_id(),
        dealer_id=uow.dealer_id,
        photo_id=photo_id,
        viewed_by=uow.actor.id,
        viewed_as=uow.actor.role,
        viewed_at=uow.now,
    )
    uow.session.add(view)
    uow.audit("licence_photo.viewed", photo_id, view=str(view.id))
    place = {"column": IMAGE, "row": photo_id, "dealer": uow.dealer_id}
    return Shown(view, uow.vault.open_bytes(image.sealed, **place))  # type: ignore[arg-type]


def _record(
    uow: UnitOfWork, referral: ReferralView, picture: Picture, reading: Reading
) -> LicencePhoto:
    who = _identity(uow, reading.fields)
    before = seen_before(uow, referral.id, referral.owner_id, picture, who)
    flags = _flags(uow, referral, reading.fields, before)
    photo_id = new_id()
    told = {name: each.value for name, each in reading.fields.items()}
    return LicencePhoto(
        id=photo_id,
        dealer_id=uow.dealer_id,
        referral_id=referral.id,
        uploaded_by=uow.actor.id,
        uploaded_as=uow.actor.role,
        received_at=uow.now,
        upload_hash=picture.upload_hash,
        pixel_hash=picture.pixel_hash,
        gradient_hash=picture.gradient_hash,
        frequency_hash=picture.frequency_hash,
        outcome=Outcome.REUSED if before.reuse_of else reading.outcome,
        cause=reading.cause,
        fields=_without_values(reading.fields, doubted=Signal.DATES_IMPOSSIBLE in flags),
        flags=flags,
        sealed=uow.seal(json.dumps(told, ensure_ascii=False), column=VALUES, row=photo_id),
        vin_index=who.vin_index,
        plate_index=who.plate_index,
        reuse_of=before.reuse_of,
        near_duplicate_of=before.near_duplicate_of,
    )


def _without_values(fields: Mapping[str, Read], *, doubted: bool) -> dict[str, object]:
    """Confidence and source by name; dates that cannot be true need a person however clear."""
    return {
        name: {
            "confidence": fields[name].confidence,
            "source": fields[name].source,
            "needs_person": fields[name].needs_person or (doubted and name in _DATES),
        }
        for name in FIELDS
        if name in fields
    }


def _identity(uow: UnitOfWork, fields: Mapping[str, Read]) -> Identity:
    def index(name: str, column: str) -> bytes | None:
        seen = fields.get(name)
        if seen is None or seen.confidence <= DOUBTFUL:
            return None
        return uow.blind(seen.value, column=column)

    return Identity(index("vin", "vin"), index("plate_no", "plate"))


def _flags(
    uow: UnitOfWork, referral: ReferralView, fields: Mapping[str, Read], before: Before
) -> list[str]:
    told = {name: each.value for name, each in fields.items() if not each.needs_person}
    found = printed_signals(
        use_nature=told.get("use_nature"),
        register_date=_day(told.get("register_date")),
        issue_date=_day(told.get("issue_date")),
        reported_on=business_day(referral.submitted_at, uow.zone),
        today=uow.today,
    )
    if before.near_duplicate_of:
        found.append(Signal.NEAR_DUPLICATE)
    if before.of_another_owner:
        found.append(Signal.LICENCE_OF_ANOTHER_OWNER)
    return [str(each) for each in found]


def _here_already(uow: UnitOfWork, referral_id: UUID, picture: Picture) -> LicencePhoto | None:
    return uow.session.scalar(
        select(LicencePhoto)
        .where(
            LicencePhoto.referral_id == referral_id,
            or_(
                LicencePhoto.upload_hash == picture.upload_hash,
                LicencePhoto.pixel_hash == picture.pixel_hash,
            ),
        )
        .order_by(LicencePhoto.id)
        .limit(1)
    )


def _refuse_crowd(uow: UnitOfWork, referral_id: UUID) -> None:
    sent = uow.session.scalar(select(func.count()).where(LicencePhoto.referral_id == referral_id))
    if (sent or 0) >= MOST_PHOTOS:
        raise Conflict("licence_photos_enough", limit=MOST_PHOTOS)


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None
