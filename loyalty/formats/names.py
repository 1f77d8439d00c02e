"""Names of people and companies (姓名, 名称): a key to compare by; what is shown stays as typed.

Equal keys are evidence, not identity: two people may well share a name.
"""

import re
import unicodedata
from typing import Final

from kernel.errors import RuleViolation
from loyalty.formats import text

MAX_LENGTH: Final = 100
_PUNCTUATION: Final = str.maketrans("", "", "'‘’()&,、")
_HAN: Final = (
    "\u3007\u3400-\u4dbf\u4e00-\u9fff\ufa0e-\ufa29\U00020000-\U0002fffd\U00030000-\U0003fffd"
)
_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f\u01cd-\u01dc\u1e00-\u1eff"
_NAME: Final = re.compile(f"[{_HAN}{_LATIN}0-9]*[{_HAN}{_LATIN}][{_HAN}{_LATIN}0-9]*")
_DOT_ABOVE: Final = "\u0307"  # left over when the Turkish capital I with a dot is case-folded


def canonical(value: str) -> str:
    """The comparison key: widths, script (繁体/简体), case, blanks, `·` and punctuation folded.

    Han with rare characters beyond the BMP, Latin letters and digits only, so a Cyrillic
    look-alike is refused. Raises RuleViolation `name_invalid` or `text_unusable` (formats.md).
    """
    name = text.simplified(text.compact(value).translate(_PUNCTUATION))
    if len(name) > MAX_LENGTH or not _NAME.fullmatch(name):
        raise RuleViolation("name_invalid", max_length=MAX_LENGTH)
    return unicodedata.normalize("NFKC", name.casefold().replace(_DOT_ABOVE, ""))


def display(value: str) -> str:
    """The name to show: as typed (script, width, `·`), less invisible characters and outer blanks.

    Raises what `canonical` raises, so whatever can be shown can also be compared.
    """
    canonical(value)
    return text.visible(value)
