"""A tier scheme as JSON and back: the score's components and the ladder, one versioned body.

Strict, as every rule: a misspelt key that was skipped would publish a ladder without its grace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from loyalty.formats.reading import (
    Fields,
    below,
    choice,
    code,
    integer,
    listing,
    refuse,
    table,
    text,
)
from loyalty.tiers.rules.ladder import Ladder, Level, PeriodEnd, Step, checked
from loyalty.tiers.rules.score import (
    GRADED,
    MOST_POINTS,
    WHOLE,
    Band,
    Component,
    FactKind,
    Group,
    Measure,
)

MOST_SCORE: Final = MOST_POINTS * WHOLE
MOST_LEVELS: Final = 9
MOST_COMPONENTS: Final = 20
MOST_WINDOW_DAYS: Final = 7_320
MOST_GRACE_DAYS: Final = 730
MOST_VALUE: Final = 1_000_000_000_000

_POINTS: Final = integer(0, MOST_POINTS)
_SCORE: Final = integer(0, MOST_SCORE)
_VALUE: Final = integer(-MOST_VALUE, MOST_VALUE)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How members are valued, and which levels that gives them."""

    components: tuple[Component, ...]
    ladder: Ladder


def parse(body: Mapping[str, Any]) -> Scheme:
    """What a scheme says (product.md, F24 to F26).

    Raises RuleViolation `rule_invalid` with the pointer below `/body` and a short `reason`, such as
    weights_not_whole, not_rising, lowest_not_zero or those of any rule.
    """
    said = Fields(body, "/body", {"components", "ladder"})
    components = said.need("components", listing(_component))
    if len(components) > MOST_COMPONENTS:
        refuse("/body/components", "out_of_range")
    if len({component.code for component in components}) != len(components):
        refuse("/body/components", "repeated")
    if sum(component.weight for component in components) != WHOLE:
        refuse("/body/components", "weights_not_whole")
    return Scheme(components, said.need("ladder", _ladder))


def dump(scheme: Scheme) -> dict[str, Any]:
    """The body as JSON with every key said; the exact inverse of `parse`."""
    ladder = scheme.ladder
    return {
        "components": [_dumped(component) for component in scheme.components],
        "ladder": {
            "levels": [
                {
                    "code": level.code,
                    "name_zh": level.name_zh,
                    "name_en": level.name_en,
                    "at_least": level.at_least,
                    "by_model": dict(level.by_model) or None,
                }
                for level in ladder.levels
            ],
            "grace_days": ladder.grace_days,
            "step": str(ladder.step),
            "period_end": str(ladder.period_end),
        },
    }


def _dumped(component: Component) -> dict[str, Any]:
    return {
        "code": component.code,
        "group": str(component.group),
        "measure": str(component.measure),
        "kinds": [str(kind) for kind in component.kinds],
        "window_days": component.window_days,
        "weight": component.weight,
        "bands": [
            {"at_least": band.at_least, "points": band.points} for band in component.bands
        ] or None,
        "grades": dict(component.grades) or None,
        "otherwise": component.otherwise,
    }  # fmt: skip


def _component(value: Any, pointer: str) -> Component:
    said = Fields(value, pointer, set(Component.__dataclass_fields__))
    measure = said.need("measure", choice(Measure))
    kinds = said.need("kinds", listing(choice(FactKind)))
    graded = {kind in GRADED for kind in kinds}
    if graded != {measure is Measure.GRADE}:
        refuse(below(pointer, "kinds"), "measure_does_not_fit")
    kept, other = ("grades", "bands") if measure is Measure.GRADE else ("bands", "grades")
    if other in said.said:
        refuse(below(pointer, other), "exclusive")
    said.need(kept, _some)
    return Component(
        code=said.need("code", code),
        group=said.need("group", choice(Group)),
        measure=measure,
        kinds=kinds,
        window_days=said.need("window_days", integer(1, MOST_WINDOW_DAYS)),
        weight=said.need("weight", integer(1, WHOLE)),
        bands=said.get("bands", _bands) or (),
        grades=tuple(sorted((said.get("grades", table(_POINTS)) or {}).items())),
        otherwise=said.get("otherwise", _POINTS) or 0,
    )


def _some(value: Any, pointer: str) -> None:
    """An empty table or list says what none says, and none is not enough here."""
    if value in ({}, []):
        refuse(pointer, "out_of_range")


def _bands(value: Any, pointer: str) -> tuple[Band, ...]:
    bands = listing(_band)(value, pointer)
    starts = [band.at_least for band in bands]
    if starts != sorted(set(starts)):
        refuse(pointer, "not_rising")
    return bands


def _band(value: Any, pointer: str) -> Band:
    said = Fields(value, pointer, {"at_least", "points"})
    return Band(
        said.need("at_least", integer(-MOST_VALUE, MOST_VALUE)), said.need("points", _POINTS)
    )


def _ladder(value: Any, pointer: str) -> Ladder:
    said = Fields(value, pointer, {"levels", "grace_days", "step", "period_end"})
    levels = said.need("levels", _levels)
    return Ladder(
        levels=levels,
        grace_days=said.need("grace_days", integer(1, MOST_GRACE_DAYS)),
        step=said.need("step", choice(Step)),
        period_end=said.get("period_end", choice(PeriodEnd)) or PeriodEnd.NONE,
    )


def _levels(value: Any, pointer: str) -> tuple[Level, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_LEVELS:
        refuse(pointer, "out_of_range" if isinstance(value, list) else "not_list")
    levels = tuple(_level(each, below(pointer, at)) for at, each in enumerate(value))
    if wrong := checked(levels):
        refuse(pointer, wrong)
    return levels


def _level(value: Any, pointer: str) -> Level:
    said = Fields(value, pointer, set(Level.__dataclass_fields__))
    return Level(
        code=said.need("code", code),
        name_zh=said.need("name_zh", text),
        name_en=said.need("name_en", text),
        at_least=said.need("at_least", _SCORE),
        by_model=said.get("by_model", table(_SCORE)) or {},
    )
