"""The demonstration: plays both stories on a service of its own and leaves nothing behind.

It is run with a temporary folder of its own, by which everything it starts can be recognised.
"""

import hashlib
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
from api.commands.demo.client import Client, Reply, read_tokens
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
from referral.questions.bank_body import BUILT_IN
from referral.questions.facts import Facts, Origin, Record, gather
from referral.questions.marking import Answer, Mark, Said, mark
from referral.questions.selector import Asked, Chosen, select

SECONDS_ALLOWED = 300
FEWEST_CHECKS = 90
CAR = ("model", "colour", "transmission")
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


OF_ZHANG_SAN = {
    "name": Record("张三", Origin.SLIP),
    "trade": Record("建材", Origin.RECORD),
    "model": Record("速腾", Origin.SLIP),
    "colour": Record("白色", Origin.SLIP),
    "transmission": Record("automatic", Origin.RECORD),
    "plate_province": Record("京A12345", Origin.RECORD),
    "purchase_year": Record("2024", Origin.RECORD),
    "known_for": Record("3_to_10", Origin.NOMINATION),
}


def _facts(about: Party, buyer: Buyer) -> Facts:
    if about == "owner":
        relation = Record(buyer.relation_code, Origin.NOMINATION)
        return gather(OF_ZHANG_SAN | {"relation": relation})
    sold = {name: Record(buyer.car[name], Origin.SALE) for name in CAR}
    told = {"name": buyer.name, "trade": buyer.occupation, "relation": buyer.relation}
    return gather(sold | {name: Record(word, Origin.CONSULTANT) for name, word in told.items()})


def _calls(about: Party, buyer: Buyer) -> list[Chosen]:
    """Many draws of what is asked about this buyer, or about 张三 of him."""
    facts = _facts(about, buyer)
    seeds = (hashlib.sha256(number.to_bytes(2)).digest() for number in range(200))
    unasked: frozenset[str] = frozenset()
    return [
        select(about=about, facts=facts, cars=[], bank=BUILT_IN, seed=seed, recent=unasked)
        for seed in seeds
    ]


def _mark(asked: Asked, person: Knowledge) -> Mark:
    told = person.answer({"position": 1, "input": shown_kind(asked.kind), "text_zh": asked.text_zh})
    return mark(asked.kind, asked.expected, Answer(Said(told["said"]), told["text"]))


@pytest.mark.parametrize(("about", "who"), [("owner", ZHANG_SAN), ("buyer", LI_SI)])
def test_whoever_is_drawn_a_friend_answers_whatever_is_drawn(about: Party, who: Knowledge) -> None:
    calls = _calls(about, LI_SI_BUYER)
    marks = {(one.key, _mark(one, who)) for call in calls for one in (*call.asked, *call.reserve)}
    assert len(marks) > 4
    assert {given for _, given in marks} == {Mark.RIGHT}, marks


@pytest.mark.parametrize("about", ["owner", "buyer"])
def test_whoever_is_drawn_a_stranger_fails_at_the_third_or_fourth_answer(about: Party) -> None:
    ends = set()
    for call in _calls(about, WANG_WU_BUYER):
        marks = [_mark(one, STRANGER) for one in call.asked]
        assert set(marks) == {Mark.RIGHT, Mark.WRONG}, marks
        ends.add([at for at, given in enumerate(marks, 1) if given is Mark.WRONG][1])
    assert ends == {3, 4}


def test_a_failed_check_is_told_counted_and_ends_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks, refusal = Checks(), Reply(409, {}, b'{"code": "out_of_stock"}')
    checks.that("it is refused", refusal.status == 409, refusal)
    with pytest.raises(StoryBrokenError):
        checks.that("it is paid", refusal.status == 201, refusal)
    assert checks.summary() == "demo: 2 checks, 1 failed"
    assert 'FAILED  it is paid\n          answered 409: {"code"' in capsys.readouterr().out


def test_the_printed_tokens_are_found_by_dealer_and_person() -> None:
    printed = """\
PostgreSQL: system

north  北方大众4S店  01a20047-59eb-7466-93c1-5fd1752dd3a0
  owner               eyJhbG.eyJp-c3M.Sig_1
  crm                 eyJhbG.eyJp.Sig_2
  callback_agent      eyJhbG.eyJp.Sig_4
  callback_agent-2    eyJhbG.eyJp.Sig_5

south  南方大众4S店  01a20047-c40b-727e-a1a4-01f5011c3028
  owner               eyJhbG.eyJp.Sig_3

serving http://127.0.0.1:8080
"""
    tokens = read_tokens(printed)
    assert tokens == {
        "north": {
            "owner": "eyJhbG.eyJp-c3M.Sig_1",
            "crm": "eyJhbG.eyJp.Sig_2",
            "callback_agent": "eyJhbG.eyJp.Sig_4",
            "callback_agent-2": "eyJhbG.eyJp.Sig_5",
        },
        "south": {"owner": "eyJhbG.eyJp.Sig_3"},
    }
    people = Client(8080, "north", tokens).people("callback_agent")
    assert people == ["callback_agent", "callback_agent-2"]
