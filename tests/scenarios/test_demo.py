"""The demonstration: plays both stories on a service of its own and leaves nothing behind.

It is run with a temporary folder of its own, by which everything it starts can be recognised.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.commands.demo.checks import Checks, StoryBrokenError
from api.commands.demo.client import Reply, read_tokens
from api.commands.demo.people import (
    LI_SI,
    LI_SI_BUYER,
    STRANGER,
    WANG_WU_BUYER,
    ZHANG_SAN,
    Buyer,
    Knowledge,
)
from referral.draw_rules import Party
from referral.questions.bank import shown_kind
from referral.questions.facts import gather
from referral.questions.marking import Answer, Mark, Said, mark
from referral.questions.selector import Asked, select

SECONDS_ALLOWED = 300
FEWEST_CHECKS = 25
SERVICE_AND_TWO_SERVERS = 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, and open to the account PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.xdist_group("demo")
def test_both_stories_hold_and_nothing_is_left_running(folder: Path) -> None:
    command = [sys.executable, str(Path(sys.executable).with_name("loyalty")), "demo"]
    told = os.environ | {"TMPDIR": str(folder)}
    most = 0
    with (folder / "told").open("w+", encoding="utf-8") as out:
        demo = subprocess.Popen(command, env=told, stdout=out, stderr=out)
        deadline = time.monotonic() + SECONDS_ALLOWED
        while demo.poll() is None and time.monotonic() < deadline:
            most = max(most, len(_running_from(folder) - {demo.pid}))
            time.sleep(0.2)
        demo.kill()
        out.seek(0)
        printed = out.read()
    closing = re.fullmatch(r"demo: (\d+) checks, 0 failed", printed.splitlines()[-1])
    assert demo.wait() == 0, printed
    assert closing, printed
    assert int(closing[1]) >= FEWEST_CHECKS
    assert printed.count("  ok  ") == int(closing[1])
    assert most >= SERVICE_AND_TWO_SERVERS
    assert _running_from(folder) == set()
    assert [left.name for left in folder.iterdir()] == ["told"]


def _running_from(folder: Path) -> set[int]:
    """Processes that name the folder in their command or environment."""
    name, found = os.fsencode(folder), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            facts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if name in facts:
            found.add(int(process.name))
    return found


FACTS_OF_ZHANG_SAN = gather(
    {
        "trade": "建材",
        "model": "速腾",
        "colour": "白色",
        "transmission": "automatic",
        "plate_province": "京A12345",
    }
)


def _facts(buyer: Buyer) -> dict[str, str]:
    car = {name: buyer.car[name] for name in ("model", "colour", "transmission")}
    return dict(gather({"trade": buyer.occupation, "relation": buyer.relation, **car}))


def _asked(about: Party, buyer: Buyer) -> Iterator[Asked]:
    """The questions of many draws, about this buyer or about 张三."""
    relation = {"relation": _facts(buyer)["relation"]}
    facts = _facts(buyer) if about == "buyer" else {**FACTS_OF_ZHANG_SAN, **relation}
    for number in range(200):
        seed = number.to_bytes(32)
        yield from select(about=about, facts=facts, cars=[], seed=seed)


def _marked(asked: Asked, person: Knowledge) -> Mark:
    told = person.answer({"position": 1, "input": shown_kind(asked.kind), "text_zh": asked.text_zh})
    return mark(asked.kind, asked.expected, Answer(Said(told["said"]), told["text"]))


@pytest.mark.parametrize(("about", "who"), [("owner", ZHANG_SAN), ("buyer", LI_SI)])
def test_whoever_is_drawn_a_friend_answers_whatever_is_drawn(about: Party, who: Knowledge) -> None:
    marks = {(asked.key, _marked(asked, who)) for asked in _asked(about, LI_SI_BUYER)}
    assert len(marks) > 3
    assert {given for _, given in marks} == {Mark.RIGHT}, marks


@pytest.mark.parametrize("about", ["owner", "buyer"])
def test_whoever_is_drawn_a_stranger_answers_nothing(about: Party) -> None:
    marks = {(asked.key, _marked(asked, STRANGER)) for asked in _asked(about, WANG_WU_BUYER)}
    assert len(marks) > 3
    assert {given for _, given in marks} == {Mark.WRONG}, marks


def test_a_failed_check_is_told_counted_and_ends_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks, refusal = Checks(), Reply(409, {}, b'{"code": "out_of_stock"}')
    checks.that("it is refused", refusal.status == 409, refusal)
    with pytest.raises(StoryBrokenError):
        checks.that("it is paid", refusal.status == 201, refusal)
    assert checks.summary() == "demo: 2 checks, 1 failed"
    assert 'FAILED  it is paid\n          answered 409: {"code"' in capsys.readouterr().out


def test_the_printed_tokens_are_found_by_dealer_and_role() -> None:
    printed = """\
PostgreSQL: system

north  北方大众4S店  01a20047-59eb-7466-93c1-5fd1752dd3a0
  owner             eyJhbG.eyJp-c3M.Sig_1
  crm               eyJhbG.eyJp.Sig_2

south  南方大众4S店  01a20047-c40b-727e-a1a4-01f5011c3028
  owner             eyJhbG.eyJp.Sig_3

serving http://127.0.0.1:8080
"""
    assert read_tokens(printed) == {
        "north": {"owner": "eyJhbG.eyJp-c3M.Sig_1", "crm": "eyJhbG.eyJp.Sig_2"},
        "south": {"owner": "eyJhbG.eyJp.Sig_3"},
    }
