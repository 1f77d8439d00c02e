"""References (单号, 客户编号): the names other systems gave their documents, members and staff.

One document, one spelling: a second spelling would earn a second time.
"""

import re
import unicodedata
from typing import Final

from kernel.errors import RuleViolation

_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fffd\U00030000-\U0003fffd"
_REFERENCE: Final = re.compile(f"[!-~{_HAN}]+(?: [!-~{_HAN}]+)*")


def canonical(value: str) -> str:
    """The reference with widths folded (NFKC) and no outer blanks; capitals stay capitals.

    Printable ASCII, Han and single blanks between them: whatever else may look like one of
    these (promises.md P19) is refused. Raises RuleViolation `reference_invalid`.
    """
    folded = unicodedata.normalize("NFKC", value).strip()
    if not _REFERENCE.fullmatch(folded):
        raise RuleViolation("reference_invalid")
    return folded
