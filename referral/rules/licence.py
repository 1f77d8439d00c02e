"""The vehicle licence (行驶证) against what we know, field by field, never one boolean.

A reader would break this by comparing a colour: a licence does not print one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kernel.errors import RuleViolation
from loyalty.formats import names, plate, text, vin
from referral.reasons import Reason


class FieldVerdict(StrEnum):
    MATCH = "match"
    MISMATCH = "mismatch"
    UNREADABLE = "unreadable"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceFields:
    """Fields by their canonical names (formats.md): 号牌号码, 所有人, 车辆识别代号, 使用性质,
    品牌型号, 注册日期, 发证日期. None is a field nobody gave; an empty text is one nobody could
    read.
    """

    plate_no: str | None = None
    owner_name: str | None = None
    vin: str | None = None
    use_nature: str | None = None
    brand_model: str | None = None
    register_date: date | None = None
    issue_date: date | None = None


_CANONICAL: dict[str, Callable[[str], str]] = {
    "plate_no": plate.canonical,
    "owner_name": names.canonical,
    "vin": vin.canonical,
    "use_nature": lambda value: text.simplified(text.compact(value)),
}
_DAYS = ("register_date", "issue_date")
_MISMATCH = {
    "vin": Reason.LICENCE_VIN_MISMATCH,
    "owner_name": Reason.LICENCE_OWNER_MISMATCH,
    "plate_no": Reason.LICENCE_PLATE_MISMATCH,
}
_NEEDED = ("vin", "owner_name")
_NOT_READ = (FieldVerdict.UNREADABLE, FieldVerdict.ABSENT)


def compare(*, seen: LicenceFields, known: LicenceFields) -> dict[str, FieldVerdict]:
    """A verdict per field of the licence seen, against the frozen report and the member's car.

    `absent`: one side has no such field; `unreadable`: one side is no value of that field
    (referral.md, section 2; formats.md).
    """
    texts = {
        field: _compare_text(getattr(seen, field), getattr(known, field), canonical)
        for field, canonical in _CANONICAL.items()
    }
    days = {field: _compare_day(getattr(seen, field), getattr(known, field)) for field in _DAYS}
    return texts | days


def outcome(verdicts: Mapping[str, FieldVerdict]) -> tuple[bool, Reason | None]:
    """Whether the check passes, and the reason if not (referral.md, section 2).

    VIN, owner or plate that differ fail, in this order; then VIN or owner that could not be
    compared, and a plate that could not be read. A licence without a plate may pass. Use
    nature and dates are shown to people and decide nothing.
    """
    for field, reason in _MISMATCH.items():
        if verdicts.get(field) == FieldVerdict.MISMATCH:
            return False, reason
    unread = any(verdicts.get(field, FieldVerdict.ABSENT) in _NOT_READ for field in _NEEDED)
    if unread or verdicts.get("plate_no") == FieldVerdict.UNREADABLE:
        return False, Reason.LICENCE_UNREADABLE
    return True, None


def _compare_text(
    seen: str | None, known: str | None, canonical: Callable[[str], str]
) -> FieldVerdict:
    if seen is None or known is None:
        return FieldVerdict.ABSENT
    if not seen.strip() or not known.strip():
        return FieldVerdict.UNREADABLE
    try:
        same = canonical(seen) == canonical(known)
    except RuleViolation:
        return FieldVerdict.UNREADABLE
    return FieldVerdict.MATCH if same else FieldVerdict.MISMATCH


def _compare_day(seen: date | None, known: date | None) -> FieldVerdict:
    if seen is None or known is None:
        return FieldVerdict.ABSENT
    return FieldVerdict.MATCH if seen == known else FieldVerdict.MISMATCH
