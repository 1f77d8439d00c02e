"""Lines of text found on a picture, put upright and into rows, with the licence's labels in them.

Coordinates are pixels, x to the right and y down; corners go clockwise from the top left.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple

Point = tuple[float, float]

LABELS: Final = {
    "号牌号码": "plate_no",
    "车辆类型": "vehicle_type",
    "所有人": "owner_name",
    "住址": "",
    "使用性质": "use_nature",
    "品牌型号": "brand_model",
    "车辆识别代号": "vin",
    "发动机号码": "engine_no",
    "注册日期": "register_date",
    "发证日期": "issue_date",
}
"""What is printed beside each field (formats.md); the address (住址) is found to be left out."""

_UPPER: Final = ("号牌号码", "车辆类型", "所有人", "住址")
_LOWER: Final = ("车辆识别代号", "发动机号码", "注册日期", "发证日期")
_ENGLISH: Final = "plateno vehicletype owner address usecharacter model vin engineno registerdate"
_SAME_ROW: Final = 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text as an engine found it; `score` from 0 to 1."""

    text: str = field(repr=False)
    score: float
    corners: tuple[Point, Point, Point, Point]


class Hit(NamedTuple):
    """A label within a text: which, from where to where."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A line in upright coordinates: its words without blanks, and the labels among them."""

    words: str = field(repr=False)
    score: float
    left: float
    middle: float
    height: float
    hits: tuple[Hit, ...]


def hits_in(words: str) -> tuple[Hit, ...]:
    """The labels in a text, in order; one of four or more characters may have one wrong."""
    found: list[Hit] = []
    for label in LABELS:
        size, allowed = len(label), int(len(label) >= 4)
        for start in range(len(words) - size + 1):
            part = words[start : start + size]
            if sum(a != b for a, b in zip(label, part, strict=True)) <= allowed:
                found.append(Hit(label, start, start + size))
                break
    return tuple(sorted(found, key=lambda hit: hit.start))


def folded(words: str) -> str:
    """Widths folded, no blanks."""
    return "".join(unicodedata.normalize("NFKC", words).split())


def quarters(lines: Sequence[Line]) -> int:
    """By how many quarters of a circle, clockwise, the picture must be turned to stand upright."""
    upper, lower = _middle(lines, _UPPER), _middle(lines, _LOWER)
    if upper is None or lower is None:
        return 0
    lying = sum(_span(line)[0] >= _span(line)[1] for line in lines)
    if lying * 2 >= len(lines):
        return 0 if lower[1] > upper[1] else 2
    return 1 if lower[0] > upper[0] else 3


def placed(lines: Sequence[Line]) -> list[Placed]:
    """The lines straightened by the angle most of them lie at."""
    angles = [_angle(line) for line in lines if len(line.text) >= 3]
    tilt = -median(angles) if angles else 0.0
    return [_place(line, tilt) for line in lines]


def beside(label: Placed, all_lines: Sequence[Placed]) -> list[Placed]:
    """The lines right of a label in its row, from left to right, up to the next label."""
    row = sorted(
        (
            each
            for each in all_lines
            if each is not label
            and each.left > label.left
            and abs(each.middle - label.middle) < _SAME_ROW * max(each.height, label.height)
        ),
        key=lambda each: each.left,
    )
    found: list[Placed] = []
    for each in row:
        if each.hits and each.hits[0].start == 0:
            break
        if folded(each.words).rstrip(".").lower() not in _ENGLISH:
            found.append(each)
    return found


def _place(line: Line, tilt: float) -> Placed:
    cos, sin = math.cos(tilt), math.sin(tilt)
    points = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
    words = folded(line.text)
    return Placed(
        words=words,
        score=line.score,
        left=(points[0][0] + points[3][0]) / 2,
        middle=sum(y for _, y in points) / 4,
        height=_span(line)[1],
        hits=hits_in(words),
    )


def _middle(lines: Sequence[Line], labels: Sequence[str]) -> Point | None:
    found = [
        line.corners for line in lines for hit in hits_in(folded(line.text)) if hit.label in labels
    ]
    if not found:
        return None
    points = [point for corners in found for point in corners]
    return median(x for x, _ in points), median(y for _, y in points)


def _span(line: Line) -> tuple[float, float]:
    first, second, third, _ = line.corners
    return math.dist(first, second), math.dist(second, third)


def _angle(line: Line) -> float:
    (x0, y0), (x1, y1) = line.corners[:2]
    return math.atan2(y1 - y0, x1 - x0)
