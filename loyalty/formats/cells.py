"""Cells for spreadsheets: `inert` keeps one from being run as a formula, `plain` undoes it.

A blank before the formula does not disarm it, and full-width signs start one too.
"""

import re
from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BLANKS: Final = " \u00a0\u3000\ufeff"
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def inert(cell: str) -> str:
    """The cell as a spreadsheet shows it without running it; a plain number stays a number."""
    return f"'{cell}" if _starts_formula(cell) and not _NUMBER.fullmatch(cell) else cell


def plain(cell: str) -> str:
    """The cell before `inert`, so that a corrected file of faults can itself be imported."""
    return cell[1:] if cell.startswith("'") and _starts_formula(cell[1:]) else cell


def _starts_formula(cell: str) -> bool:
    return cell.lstrip(_BLANKS).startswith(_FORMULA_STARTS)
