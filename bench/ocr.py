"""How well licences (行驶证) are read, offline, on drawn ones: by condition, by field, CPU each.

A wrong value that the reading is sure of is what must not happen: it is counted by itself.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from PIL import Image

from bench.figure import Figure
from bench.sizes import Sizes
from bench.stage import Stage
from referral.evidence.fields import FIELDS
from referral.evidence.ocr import OcrProcess, read_picture
from referral.evidence.photo import take_in
from referral.evidence.reading import Reading
from tests.support import licence_pictures as pictures

NAMES: Final = {"ocr_field_accuracy": 0.98, "ocr_sure_and_wrong": 0.005}
SEED: Final = 20261122
TICKS_A_SECOND: Final = 100
UNHURRIED_S: Final = 120.0
Camera = Callable[[Image.Image, random.Random], Image.Image]

CONDITIONS: Final[dict[str, Camera]] = {
    "scanned": lambda page, _: page,
    "on a table": lambda page, dice: pictures.on_table(page, angle=dice.uniform(-8, 8)),
    "on its side": lambda page, dice: page.rotate(dice.choice((90, 180, 270)), expand=True),
    "small": lambda page, _: pictures.scaled(page, factor=0.5),
    "blurred": lambda page, dice: pictures.blurred(page, radius=dice.uniform(1, 2)),
    "grainy": lambda page, dice: pictures.noisy(
        page, strength=dice.uniform(0.1, 0.2), seed=dice.randrange(10**6)
    ),
    "dark": lambda page, dice: pictures.brighter(page, factor=dice.uniform(0.35, 0.5)),
}


@dataclass
class Score:
    """Fields right, and fields the reading was sure of though they were wrong."""

    asked: int = 0
    right: Counter[str] = field(default_factory=Counter)
    sure_and_wrong: int = 0

    def add(self, true: pictures.Printed, found: Reading) -> None:
        self.asked += 1
        for name in FIELDS:
            seen = found.fields.get(name)
            fits = seen is not None and seen.value == getattr(true, name)
            self.right[name] += fits
            self.sure_and_wrong += seen is not None and not fits and not seen.needs_person

    @property
    def share(self) -> float:
        return self.right.total() / (self.asked * len(FIELDS))


def measure(_: Stage, sizes: Sizes, __: Path) -> list[Figure]:
    """Both figures: the same licences in every condition, each in a font of its own."""
    engine, dice = OcrProcess(limit_s=UNHURRIED_S), random.Random(SEED)
    owners = [pictures.somebody(dice) for _ in range(sizes.ocr_licences)]
    scores = {name: Score() for name in CONDITIONS}
    try:
        engine.lines(take_in(pictures.encoded(pictures.draw(owners[0]))).jpeg)
        before, began = _cpu_s(engine), time.monotonic()
        for name, camera in CONDITIONS.items():
            for number, true in enumerate(owners):
                page = pictures.draw(true, font=pictures.FONTS[number % len(pictures.FONTS)])
                sent = take_in(pictures.encoded(camera(page, dice)))
                scores[name].add(true, read_picture(engine, sent))
        pictures_read = len(owners) * len(CONDITIONS)
        cpu = (_cpu_s(engine) - before) / pictures_read
        wall = (time.monotonic() - began) / pictures_read
    finally:
        engine.close()
    return _figures(scores, f"{pictures_read} pictures, {cpu:.1f} CPU s and {wall:.1f} s each")


def _figures(scores: dict[str, Score], beside: str) -> list[Figure]:
    asked = sum(score.asked for score in scores.values())
    for name, score in scores.items():
        click.echo(f"  {name:<14} {score.share:7.1%}  sure and wrong {score.sure_and_wrong}")
    for name in FIELDS:
        right = sum(score.right[name] for score in scores.values())
        click.echo(f"  {name:<14} {right / asked:7.1%}")
    right = sum(score.right.total() for score in scores.values())
    wrong = sum(score.sure_and_wrong for score in scores.values())
    fields = asked * len(FIELDS)
    accuracy, sure = NAMES["ocr_field_accuracy"], NAMES["ocr_sure_and_wrong"]
    return [
        Figure("ocr_field_accuracy", "ratio", right / fields, accuracy, False, beside),
        Figure(
            "ocr_sure_and_wrong",
            "ratio",
            wrong / fields,
            sure,
            True,
            f"{wrong} of {fields} fields read wrongly with a confidence of 0.8 or more",
        ),
    ]


def _cpu_s(engine: OcrProcess) -> float:
    """Seconds of CPU the engine's process has used so far."""
    if engine.child_id is None:
        return 0.0
    told = Path(f"/proc/{engine.child_id}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICKS_A_SECOND
