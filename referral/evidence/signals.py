"""What a licence (行驶证) shows that people should look at. A signal decides nothing by itself."""

from datetime import date
from enum import StrEnum

from loyalty.formats import text


class Signal(StrEnum):
    """Signals of a photo or a check, as codes (formats.md, licence fields; referral.md 6.9)."""

    DATES_IMPOSSIBLE = "licence_dates_impossible"
    ISSUED_AFTER_REPORT = "issued_after_report"
    USE_NATURE_OTHER = "use_nature_other"
    NEAR_DUPLICATE = "near_duplicate"
    LICENCE_OF_ANOTHER_OWNER = "licence_of_another_owner"
    MODEL_MISMATCH = "licence_model_mismatch"
    PHOTO_NOT_A_LICENCE = "photo_not_a_licence"
    PHOTO_UNREADABLE = "photo_unreadable"


PRIVATE_USE = "非营运"


def printed_signals(
    *,
    use_nature: str | None,
    register_date: date | None,
    issue_date: date | None,
    reported_on: date,
    today: date,
) -> list[Signal]:
    """Signals in what is printed: registration <= issue <= today does not hold; issued after
    the report; a use (使用性质) other than 非营运. What is not known signals nothing."""
    days = [day for day in (register_date, issue_date) if day is not None]
    found = []
    if sorted(days) != days or any(day > today for day in days):
        found.append(Signal.DATES_IMPOSSIBLE)
    if issue_date is not None and issue_date > reported_on:
        found.append(Signal.ISSUED_AFTER_REPORT)
    if use_nature and text.simplified(text.compact(use_nature)) != PRIVATE_USE:
        found.append(Signal.USE_NATURE_OTHER)
    return found
