"""Dates as people and driving licences (行驶证) write them.

A missing date stays missing: nothing here supplies a default.
"""

import re
from datetime import date
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

_YEAR: Final = "(?:19|20)[0-9]{2}"
_SHAPES: Final = re.compile(
    f"({_YEAR})-([0-9]{{2}})-([0-9]{{2}})|({_YEAR})([0-9]{{2}})([0-9]{{2}})"
    f"|({_YEAR})[.]([0-9]{{1,2}})[.]([0-9]{{1,2}})|({_YEAR})年([0-9]{{1,2}})月([0-9]{{1,2}})日"
)


def canonical(value: str) -> date:
    """The day meant by YYYY-MM-DD, YYYYMMDD, YYYY.MM.DD or YYYY年MM月DD日, years 1900-2099.

    Raises RuleViolation `date_invalid` (also for 30 February) or `text_unusable` (formats.md).
    """
    written = _SHAPES.fullmatch("".join(text.normalise(value).split()))
    if written is None:
        raise RuleViolation("date_invalid")
    year, month, day = (int(part) for part in written.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError as impossible:
        raise RuleViolation("date_invalid") from impossible
