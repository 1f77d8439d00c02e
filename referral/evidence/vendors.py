"""What public OCR services call the fields of a vehicle licence (行驶证), as one reading.

Only names are known here; nobody is called. An address (住址) is never taken over.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from kernel.errors import RuleViolation
from referral.evidence.fields import Read, Source, shaped
from referral.evidence.lines import LABELS
from referral.evidence.reading import Reading, judged

UNSAID: Final = 0.9
"""How sure a value is whose service tells no probability."""


class Vendor(StrEnum):
    BAIDU = "baidu"
    TENCENT = "tencent"
    ALIYUN = "aliyun"
    WEIXIN = "weixin"


_TENCENT: Final = {
    "PlateNo": "plate_no",
    "VehicleType": "vehicle_type",
    "Owner": "owner_name",
    "UseCharacter": "use_nature",
    "Model": "brand_model",
    "Vin": "vin",
    "EngineNo": "engine_no",
    "RegisterDate": "register_date",
    "IssueDate": "issue_date",
}
_ALIYUN: Final = {
    "licensePlateNumber": "plate_no",
    "vehicleType": "vehicle_type",
    "owner": "owner_name",
    "useNature": "use_nature",
    "model": "brand_model",
    "vinCode": "vin",
    "engineNumber": "engine_no",
    "registrationDate": "register_date",
    "issueDate": "issue_date",
}
_WEIXIN: Final = {
    "plate_num_b": "plate_no",
    "vehicle_type": "vehicle_type",
    "owner": "owner_name",
    "use_character": "use_nature",
    "model": "brand_model",
    "vin": "vin",
    "engine_num": "engine_no",
    "register_date": "register_date",
    "issue_date": "issue_date",
}
_PLACES: Final[Mapping[Vendor, tuple[tuple[str, ...], Mapping[str, str]]]] = {
    Vendor.BAIDU: (("words_result",), {label: name for label, name in LABELS.items() if name}),
    Vendor.TENCENT: (("Response", "FrontInfo"), _TENCENT),
    Vendor.ALIYUN: (("data", "face"), _ALIYUN),
    Vendor.WEIXIN: ((), _WEIXIN),
}


def from_vendor(payload: Mapping[str, Any], vendor: Vendor) -> Reading:
    """The reading a vendor's answer holds: value, confidence and source per field (formats.md).

    Raises RuleViolation `vendor_answer_unknown` when the answer has not the vendor's shape.
    """
    path, names = _PLACES[vendor]
    place = _below(payload, path)
    sure = _probabilities(place) if vendor is Vendor.ALIYUN else {}
    values = _below(place, ("data",)) if vendor is Vendor.ALIYUN else place
    fields: dict[str, Read] = {}
    for theirs, ours in names.items():
        said, score = _said(values.get(theirs), sure.get(theirs, UNSAID))
        value = shaped(ours, said, score=score, source=Source.VENDOR) if said else None
        if value:
            fields[ours] = value
    return judged(fields)


def _below(payload: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
    for name in path:
        payload = payload.get(name) if isinstance(payload, Mapping) else None
    if not isinstance(payload, Mapping):
        raise RuleViolation("vendor_answer_unknown")
    return payload


def _said(value: Any, score: float) -> tuple[str, float]:
    """The words, and the probability beside them where the vendor tells one."""
    if isinstance(value, Mapping):
        told = value.get("probability")
        average = told.get("average") if isinstance(told, Mapping) else None
        score = _share(average, 1) if average is not None else score
        value = value.get("words")
    return (value, score) if isinstance(value, str) else ("", 0.0)


def _probabilities(face: Mapping[str, Any]) -> dict[str, float]:
    """Aliyun's percentages, field by field."""
    rows = face.get("prism_keyValueInfo")
    return {
        str(row["key"]): _share(row.get("valueProb"), 100)
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, Mapping) and "key" in row
    }


def _share(value: Any, whole: int) -> float:
    usable = isinstance(value, int | float) and 0 <= value <= whole
    return value / whole if usable else 0.0
