"""The engine itself, in its own process, on drawn licences: slow, so few pictures and one group."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from referral.evidence.fields import FIELDS
from referral.evidence.ocr import OcrAway, OcrProcess, read_picture
from referral.evidence.photo import Picture, take_in
from referral.evidence.reading import Cause, Outcome
from tests.support import licence_pictures as pictures

pytestmark = pytest.mark.xdist_group("ocr")
SOMEBODY = pictures.somebody(random.Random(20261122))
TRUE = {name: getattr(SOMEBODY, name) for name in FIELDS}


@pytest.fixture(scope="module")
def engine() -> Iterator[OcrProcess]:
    """One child for all tests here, as in the service."""
    ours = OcrProcess(limit_s=60)
    yield ours
    ours.close()


def taken(page: Image.Image) -> Picture:
    return take_in(pictures.encoded(page))


def poster() -> Image.Image:
    """Words that are no licence."""
    page = Image.new("RGB", (800, 500), "white")
    pen = pictures.pen_on(page)
    for row, words in enumerate(("本店会员日", "洗车满一百减二十", "欢迎光临")):
        pen(words, 60, 60 + 130 * row, 64)
    return page


def test_a_licence_on_a_table_photographed_head_down_is_read_to_the_last_field(
    engine: OcrProcess,
) -> None:
    page = pictures.scaled(pictures.draw(SOMEBODY), factor=0.7)
    found = read_picture(engine, taken(pictures.on_table(page, angle=4).rotate(180)))
    assert found.outcome == Outcome.READ
    assert {name: each.value for name, each in found.fields.items()} == TRUE


def test_what_is_blurred_beyond_reading_says_so(engine: OcrProcess) -> None:
    found = read_picture(engine, taken(pictures.blurred(pictures.draw(SOMEBODY), radius=9)))
    assert (found.outcome, found.fields) == (Outcome.UNREADABLE, {})


def test_words_that_are_no_licence_are_no_licence(engine: OcrProcess) -> None:
    assert read_picture(engine, taken(poster())).outcome == Outcome.NOT_A_LICENCE


def test_a_small_and_faint_licence_never_yields_a_sure_value_that_is_wrong(
    engine: OcrProcess,
) -> None:
    page = pictures.blurred(pictures.scaled(pictures.draw(SOMEBODY), factor=0.45), radius=1.1)
    found = read_picture(engine, taken(page))
    sure = {name: each.value for name, each in found.fields.items() if not each.needs_person}
    assert {name: TRUE[name] for name in sure} == sure


# The process, with a child that is no engine


def fake(source: str, *, limit_s: float = 5) -> OcrProcess:
    return OcrProcess(limit_s=limit_s, command=[sys.executable, "-I", "-S", "-c", source])


ANSWERS = """
import sys
while head := sys.stdin.buffer.read(4):
    sys.stdin.buffer.read(int.from_bytes(head))
    sys.stdout.buffer.write((2).to_bytes(4) + b"[]")
    sys.stdout.buffer.flush()
"""


def test_an_engine_that_died_is_started_anew() -> None:
    engine, page = fake(ANSWERS), taken(poster()).jpeg
    assert engine.lines(page) == []
    first = engine.child_id
    assert first is not None
    assert engine.lines(page) == []
    assert engine.child_id == first
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert engine.lines(page) == []
    assert engine.child_id not in {None, first}
    engine.close()


def test_an_engine_that_hangs_is_ended_at_its_limit_and_the_photo_waits_for_a_person() -> None:
    hanging = fake("import time; time.sleep(60)", limit_s=0.4)
    began = time.monotonic()
    found = read_picture(hanging, taken(poster()))
    assert (found.outcome, found.cause) == (Outcome.NOT_READ, Cause.OCR_FAILED)
    assert time.monotonic() - began < 5
    assert hanging.child_id is None


@pytest.mark.parametrize("source", ["raise SystemExit", "print('no answer of ours', flush=True)"])
def test_an_engine_that_talks_nonsense_or_ends_is_no_error_of_the_caller(source: str) -> None:
    found = read_picture(fake(source), taken(poster()))
    assert (found.outcome, found.cause) == (Outcome.NOT_READ, Cause.OCR_FAILED)


def test_while_one_picture_is_read_another_waits_no_longer_than_the_limit() -> None:
    slow = fake("import time; time.sleep(60)", limit_s=1)
    page = taken(poster()).jpeg
    causes: list[Cause] = []

    def ask() -> None:
        try:
            slow.lines(page)
        except OcrAway as away:
            causes.append(away.cause)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(causes) == 3
    assert Cause.OCR_BUSY in causes


def test_a_service_without_the_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("referral.evidence.ocr.find_spec", lambda _: None)
    found = read_picture(OcrProcess(), taken(poster()))
    assert (found.outcome, found.cause) == (Outcome.NOT_READ, Cause.OCR_NOT_INSTALLED)
