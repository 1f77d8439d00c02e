"""A draw as one JSON object of the export: ids, hashes and times, no personal data, no answers.

Pure. A reader would break this by reading leniently: what was exported has exactly one form.
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loyalty.formats.reading import Fields, below, choice, integer, listing, refuse, text, uuid
from referral.rules.calls import Plan
from referral.rules.drawn import BEFORE_PROMISES, CALLBACK, JUDGES, OTHER_PARTY, Drawn

_BYTES: Final = re.compile(r"[0-9a-f]{64}")
_SINCE_PROMISES: Final = (
    *("wanted_plan", "sample_percent", "agents", "entropy_hash", "plan", "sampled"),
)
_KEYS: Final = {
    *("dealer_id", "timezone", "referral_id", "purpose", "parties", "catalogue_hash"),
    *("selector_version", "entropy_on", "secret", "promised_at", "promised_before"),
    *("commitment", "drawn_at", "seed", "party", "called_party", "first_agent"),
    *_SINCE_PROMISES,
}


class _Purpose(StrEnum):
    CALLBACK = CALLBACK
    OTHER_PARTY = OTHER_PARTY
    JUDGES = JUDGES


class _Party(StrEnum):
    BUYER = "buyer"
    OWNER = "owner"


def written(draw: Drawn) -> dict[str, Any]:
    """The draw as the export says it; what draws before release 0.4 lack is null."""
    said = {
        "dealer_id": draw.dealer_id,
        "timezone": draw.zone.key,
        "referral_id": draw.referral_id,
        "purpose": draw.purpose,
        "parties": list(draw.parties),
        "catalogue_hash": draw.catalogue_hash,
        "selector_version": draw.selector_version,
        "wanted_plan": draw.wanted_plan,
        "sample_percent": draw.sample_percent,
        "agents": list(draw.agents),
        "commitment": draw.commitment.hex(),
        "entropy_on": draw.entropy_on.isoformat(),
        "entropy_hash": draw.entropy_hash.hex(),
        "promised_at": _at(draw.promised_at),
        "promised_before": draw.promised_before,
        "secret": draw.secret and draw.secret.hex(),
        "drawn_at": _at(draw.drawn_at),
        "seed": draw.seed.hex(),
        "party": draw.party,
        "plan": draw.plan,
        "sampled": draw.sampled,
        "called_party": draw.called_party,
        "first_agent": draw.first_agent,
    }
    return said | (dict.fromkeys(_SINCE_PROMISES) if draw.old else {})


def read(said: Any) -> Drawn:
    """The draw that one object of the export tells of. Raises RuleViolation `rule_invalid`."""
    fields = Fields(said, "", _KEYS)
    called = fields.get("called_party", choice(_Party))
    agent = fields.get("first_agent", _id)
    draw = Drawn(
        dealer_id=fields.need("dealer_id", _id),
        zone=fields.need("timezone", _zone),
        referral_id=fields.need("referral_id", _id),
        purpose=fields.need("purpose", choice(_Purpose)).value,
        parties=tuple(each.value for each in fields.need("parties", listing(choice(_Party)))),
        catalogue_hash=fields.need("catalogue_hash", text),
        selector_version=fields.need("selector_version", text),
        drawn_at=fields.need("drawn_at", _instant),
        entropy_on=fields.need("entropy_on", _day),
        secret=fields.get("secret", _bytes),
        promised_at=fields.get("promised_at", _instant),
        commitment=fields.need("commitment", _bytes),
        seed=fields.need("seed", _bytes),
        party=fields.need("party", choice(_Party)).value,
        called_party=called and called.value,
        first_agent=agent,
        **_since_promises(fields),
    )
    if fields.need("promised_before", _switch) is not draw.promised_before:
        refuse("/promised_before", "malformed")
    return draw


def _since_promises(fields: Fields) -> dict[str, Any]:
    if fields.need("selector_version", text) == BEFORE_PROMISES:
        return absent()
    return {
        "wanted_plan": fields.need("wanted_plan", choice(Plan)).value,
        "sample_percent": fields.need("sample_percent", integer(0, 100)),
        "agents": fields.need("agents", _ids),
        "entropy_hash": fields.need("entropy_hash", _bytes),
        "plan": fields.need("plan", choice(Plan)).value,
        "sampled": fields.need("sampled", _switch),
    }


def absent() -> dict[str, Any]:
    """What a draw before release 0.4 has in place of all that was not kept then."""
    return {
        "wanted_plan": None,
        "sample_percent": 0,
        "agents": (),
        "entropy_hash": b"",
        "plan": None,
        "sampled": False,
    }


def _at(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat() if instant else None


def _id(value: Any, pointer: str) -> str:
    return str(uuid(value, pointer))


def _ids(value: Any, pointer: str) -> tuple[str, ...]:
    """As many as there were agents."""
    if not isinstance(value, list):
        refuse(pointer, "not_list")
    return tuple(_id(each, below(pointer, index)) for index, each in enumerate(value))


def _instant(value: Any, pointer: str) -> datetime:
    try:
        read = datetime.fromisoformat(text(value, pointer))
    except ValueError:
        refuse(pointer, "malformed")
    if read.utcoffset() is None or _at(read) != value:
        refuse(pointer, "malformed")
    return read


def _day(value: Any, pointer: str) -> date:
    try:
        read = date.fromisoformat(text(value, pointer))
    except ValueError:
        refuse(pointer, "malformed")
    if read.isoformat() != value:
        refuse(pointer, "malformed")
    return read


def _zone(value: Any, pointer: str) -> ZoneInfo:
    try:
        return ZoneInfo(text(value, pointer))
    except (ZoneInfoNotFoundError, ValueError):
        refuse(pointer, "unknown_choice")


def _bytes(value: Any, pointer: str) -> bytes:
    if not isinstance(value, str) or not _BYTES.fullmatch(value):
        refuse(pointer, "malformed")
    return bytes.fromhex(value)


def _switch(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        refuse(pointer, "malformed")
    return value
