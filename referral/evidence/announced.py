"""From the announced model (公告型号) that a licence prints to the name the car is sold by.

The table is a beginning that a dealer corrects; a model that is not in it is unreadable, no more.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from loyalty.formats import text
from referral.questions.facts import canonical
from referral.rules.licence import FieldVerdict

_CODE: Final = re.compile(r"[A-Z]{2,4}[0-9]{3,6}[A-Z0-9/()]*")
SHIPPED: Final[Mapping[str, str]] = MappingProxyType(
    json.loads(files(__package__).joinpath("announced.json").read_text("utf-8"))
)
"""The beginning of a model's code to its trade name; the longest beginning counts."""


def trade_name(brand_model: str, table: Mapping[str, str] = SHIPPED) -> str | None:
    """速腾 of 大众牌FV7146BBDBG; None when the table has no beginning of the code."""
    code = _CODE.search(text.compact(brand_model))
    if code is None:
        return None
    known = [start for start in table if code[0].startswith(start)]
    return table[max(known, key=len)] if known else None


def compare_model(
    brand_model: str | None, known: str, table: Mapping[str, str] = SHIPPED
) -> FieldVerdict:
    """The licence's 品牌型号 against the model on record. A mismatch goes to review and never
    fails a check (referral.md, section 2)."""
    if brand_model is None:
        return FieldVerdict.ABSENT
    sold_as = trade_name(brand_model, table)
    if sold_as is None:
        return FieldVerdict.UNREADABLE
    same = canonical("model", sold_as) == canonical("model", known)
    return FieldVerdict.MATCH if same else FieldVerdict.MISMATCH
