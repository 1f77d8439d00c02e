"""What a paper still earns after partial returns (部分退货): never more than it earned.

Each return is reckoned on all that is left, never on its own share, so that rounding
cannot leak a point, whichever way one return is split into many.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kernel.errors import RuleViolation
from loyalty.earning.rules.amounts import Facts, Paper, has_line, meets_minimum, raw_points
from loyalty.earning.rules.rule import PerYuan, Rule
from loyalty.earning.rules.standard import Line


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """A part of a line given back: the line's index in the paper, and how many fen."""

    line: int
    amount_fen: int


def remaining_lines(
    lines: Sequence[Line], returned: Sequence[Sequence[ReturnedLine]]
) -> list[Line]:
    """What is left of the lines after all returns so far, the present one last.

    A line given back whole is gone, and with the last paid line those worth nothing are too.
    Raises RuleViolation `return_exceeds_line` for more than a line is worth or a line that is
    not there, `negative_amount`; the pointer tells the entry within its own return.
    """
    left = [line.amount_fen for line in lines]
    touched: set[int] = set()
    for each in returned:
        for position, part in enumerate(each):
            _check(part, left, pointer=f"/lines/{position}")
            left[part.line] -= part.amount_fen
            touched.add(part.line)
    if touched and not any(left) and any(line.amount_fen for line in lines):
        return []
    return [
        replace(line, amount_fen=fen)
        for index, (line, fen) in enumerate(zip(lines, left, strict=True))
        if fen or index not in touched
    ]


def earned_after(
    paper: Paper, facts: Facts, grants: Sequence[tuple[Rule, int]], lines: Sequence[Line]
) -> dict[str, int]:
    """Points each granted rule still earns on the `remaining_lines`, by code (ledger.md).

    Never more than it was granted. A flat rule keeps its points while anything it admits is
    left and reaches its minimum; conditions of the member and the day are not asked again.
    """
    kept = [
        rule
        for rule, _ in grants
        if has_line(rule.body, paper, lines) and meets_minimum(rule.body, paper, lines)
    ]
    multiplied = [rule for rule in kept if isinstance(rule.body.award, PerYuan)]
    now = {rule.code: raw_points(rule, lines, facts.tier, multiplied) for rule in kept}
    return {rule.code: min(points, now.get(rule.code, 0)) for rule, points in grants}


def _check(part: ReturnedLine, left: Sequence[int], *, pointer: str) -> None:
    if part.amount_fen < 0:
        raise RuleViolation("negative_amount", pointer=pointer)
    known = 0 <= part.line < len(left)
    if not known or part.amount_fen > left[part.line]:
        raise RuleViolation(
            "return_exceeds_line",
            pointer=pointer,
            line=part.line,
            left_fen=left[part.line] if known else 0,
        )
