"""The licence (行驶证) to compare: what the manager typed, else what the photo surely says."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from uuid import UUID

from kernel.clock import business_day
from kernel.unit_of_work import UnitOfWork
from referral.evidence.signals import Signal, printed_signals
from referral.evidence.store import PhotoEvidence, licence_fields
from referral.rules.licence import LicenceFields

_PRINTED = {Signal.DATES_IMPOSSIBLE, Signal.ISSUED_AFTER_REPORT, Signal.USE_NATURE_OTHER}


@dataclass(frozen=True, slots=True)
class Presented:
    """The fields to compare, which of them were typed, and what people should look at."""

    fields: LicenceFields = field(repr=False)
    typed: list[str]
    reused: bool
    flags: list[str]


def presented(
    uow: UnitOfWork,
    referral_id: UUID,
    *,
    typed: LicenceFields,
    photo_id: UUID | None,
    reported_at: datetime,
) -> Presented:
    """What was typed goes before what was read. Raises NotFound `licence_photo_not_found`."""
    photo = PhotoEvidence(LicenceFields(), False, [])
    if photo_id is not None:
        photo = licence_fields(uow, photo_id, referral_id=referral_id)
    names = sorted(each.name for each in fields(typed) if getattr(typed, each.name) is not None)
    merged = replace(photo.fields, **{name: getattr(typed, name) for name in names})
    printed = printed_signals(
        use_nature=merged.use_nature,
        register_date=merged.register_date,
        issue_date=merged.issue_date,
        reported_on=business_day(reported_at, uow.zone),
        today=uow.today,
    )
    of_photo = [flag for flag in photo.flags if flag not in _PRINTED]
    # Dates that cannot be true on the photo stay suspicious, whatever is typed over them.
    if Signal.DATES_IMPOSSIBLE in photo.flags and Signal.DATES_IMPOSSIBLE not in printed:
        of_photo.append(Signal.DATES_IMPOSSIBLE)
    flags = [str(flag) for flag in (*of_photo, *printed)]
    return Presented(merged, names, photo.reused, flags)
