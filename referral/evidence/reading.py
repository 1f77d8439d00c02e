"""From lines of text to the fields of a vehicle licence (行驶证): by printed label, then by shape.

Whatever is not surely a licence says so; nothing here ever says that something matches.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from referral.evidence.fields import DOUBTFUL, REPAIRED, Read, Source, shaped
from referral.evidence.lines import LABELS, Line, Placed, beside, placed

TITLE: Final = "行驶证"
LEAST_LABELS: Final = 3
LEAST_CHARACTERS: Final = 12
SHORTEST_SIDE: Final = 300
_DECIDING: Final = ("vin", "plate_no", "owner_name")
_BY_SHAPE: Final = {
    "vin": re.compile("[A-Z0-9]{17}"),
    "plate_no": re.compile("[\u4e00-\u9fff][A-Z][A-Z0-9]{4}[A-Z0-9学警挂试超港澳][A-Z0-9]?"),
}


class Outcome(StrEnum):
    """What became of a photo."""

    READ = "read"
    UNREADABLE = "unreadable"
    NOT_A_LICENCE = "not_a_licence"
    REUSED = "reused"
    NOT_READ = "not_read"


class Cause(StrEnum):
    """Why a photo was not read."""

    TOO_SMALL = "too_small"
    NOTHING_FOUND = "nothing_found"
    FIELDS_NOT_FOUND = "fields_not_found"
    OCR_NOT_INSTALLED = "ocr_not_installed"
    OCR_BUSY = "ocr_busy"
    OCR_FAILED = "ocr_failed"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, by canonical name; without fields unless the outcome is `read`."""

    outcome: Outcome
    cause: Cause | None = None
    fields: Mapping[str, Read] = field(default_factory=dict)


def read(lines: Sequence[Line]) -> Reading:
    """The reading of one page that stands upright (formats.md, licence fields)."""
    found = placed(lines)
    labels = {hit.label for line in found for hit in line.hits}
    titled = any(TITLE in line.words for line in found)
    if not titled and len(labels) < LEAST_LABELS:
        if sum(len(line.words) for line in found) >= LEAST_CHARACTERS:
            return Reading(Outcome.NOT_A_LICENCE)
        return Reading(Outcome.UNREADABLE, Cause.NOTHING_FOUND)
    return judged(_by_shape(_by_label(found), found))


def judged(fields: Mapping[str, Read]) -> Reading:
    """`read`, if at least one of VIN, plate and owner has the shape it should have."""
    if any(name in fields and fields[name].confidence > DOUBTFUL for name in _DECIDING):
        return Reading(Outcome.READ, None, fields)
    return Reading(Outcome.UNREADABLE, Cause.FIELDS_NOT_FOUND)


def _by_label(found: Sequence[Placed]) -> dict[str, Read]:
    fields: dict[str, Read] = {}
    for name, words, score in _told(found):
        value = shaped(name, words, score=score, source=Source.OCR)
        if value and (name not in fields or value.confidence > fields[name].confidence):
            fields[name] = value
    return fields


def _told(found: Sequence[Placed]) -> Iterator[tuple[str, str, float]]:
    """Field, words and score for every label: what follows it in its line, else beside it."""
    for line in found:
        for place, hit in enumerate(line.hits):
            name, last = LABELS[hit.label], place == len(line.hits) - 1
            end = len(line.words) if last else line.hits[place + 1].start
            words, score = line.words[hit.end : end].strip(":"), line.score
            if last:
                more = beside(line, found)
                words += "".join(each.words for each in more)
                score = min([score, *(each.score for each in more)])
            if name and words:
                yield name, words, score


def _by_shape(fields: dict[str, Read], found: Sequence[Placed]) -> dict[str, Read]:
    """A VIN or a plate whose label was not read, if there is just one such thing on the page."""
    for name, pattern in _BY_SHAPE.items():
        if name in fields:
            continue
        seen = [(hit[0], line.score) for line in found for hit in pattern.finditer(line.words)]
        if len(seen) == 1:
            words, score = seen[0]
            value = shaped(name, words, score=score * REPAIRED, source=Source.OCR)
            if value and value.confidence > DOUBTFUL:
                fields[name] = value
    return fields
