"""Chinese mobile numbers (手机号) in E.164. Numbers are re-issued: an attribute, never identity.

The rule is a shape on purpose: a list of issued prefixes goes stale and refuses real people.
"""

import re
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

_MOBILE: Final = re.compile("(?:[+]86|0086|86)?(1[3-9][0-9]{9})")
_BRACKETS: Final = str.maketrans("", "", "()")


def canonical(value: str) -> str:
    """The number as "+86" and 11 digits, whatever prefix or grouping it was typed with.

    Raises RuleViolation `mobile_invalid` or `text_unusable` (formats.md).
    """
    typed = _MOBILE.fullmatch(text.compact(value).translate(_BRACKETS))
    if typed is None:
        raise RuleViolation("mobile_invalid")
    return f"+86{typed[1]}"
