"""Invented cases through the real rules agree with the mathematics, and a planted bug is seen."""

from collections.abc import Sequence
from functools import partial
from math import comb

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from api.commands import simulate as command
from referral.questions.bank_body import BUILT_IN
from referral.questions.marking import Answer, Mark, mark
from referral.questions.probability import Item, Outcome, outcome
from referral.questions.selector import Asked
from referral.simulation import cases as played
from referral.simulation.agreement import FALSE_ALARM, bounds
from referral.simulation.run import ENDS, POLICIES, Report, simulate

SEED, SMALL, FEW = 7, 2_000, 400
LINES = len(played.Tier) * len(POLICIES) * len(ENDS)


def forgiving(items: Sequence[Item], right: Sequence[bool]) -> Outcome:
    """A bug: two wrong answers pass."""
    return Outcome.FAILED if list(right).count(False) > 2 else Outcome.PASSED


def timid(items: Sequence[Item], right: Sequence[bool]) -> Outcome:
    """A bug: nobody ever fails, people are to decide."""
    found = outcome(items, right)
    return Outcome.INCONCLUSIVE if found is Outcome.FAILED else found


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(SEED, SMALL)


def test_a_small_run_of_the_real_rules_agrees_with_the_mathematics(report: Report) -> None:
    assert [line for line in report.lines if not line.agrees] == []
    assert len(report.lines) == LINES


def test_every_case_ends_somewhere_under_every_policy(report: Report) -> None:
    for place in range(0, LINES, len(ENDS)):
        ends = report.lines[place : place + len(ENDS)]
        assert len({(line.tier, line.policy) for line in ends}) == 1
        assert sum(line.seen for line in ends) == ends[0].cases == SMALL // 4
        assert sum(line.exact for line in ends) == pytest.approx(1)


def test_the_invented_store_is_no_easy_one(report: Report) -> None:
    passed = {(line.tier, line.policy): line for line in report.lines if line.end == "passed"}
    assert passed["honest", "single, scored"].exact > 0.95
    assert 0.05 < passed["T1 knows the slip", "single, scored"].exact < 0.5
    assert passed["T2 knows the screen", "both parties"].exact < 0.01
    assert report.narrative < report.pairs / 4


def test_the_same_seed_is_the_same_run_and_another_is_another() -> None:
    assert simulate(SEED, FEW) == simulate(SEED, FEW) != simulate(SEED + 1, FEW)


@pytest.mark.parametrize("bug", [forgiving, timid])
def test_a_bug_in_the_verdict_is_seen(bug: played.Verdict) -> None:
    assert simulate(SEED, FEW, verdict=bug).outside > 0


@pytest.mark.parametrize("always", Mark)
def test_a_marking_that_does_not_listen_is_seen(
    always: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    played._heard.cache_clear()
    monkeypatch.setattr(played, "mark", lambda *_: always)
    try:
        assert simulate(SEED, FEW).outside > 0
    finally:
        played._heard.cache_clear()


def test_the_marking_hears_every_word_as_it_was_meant() -> None:
    misheard = [
        (one.key, answer.text, meant)
        for case in played.cases(SEED, 60)
        if case is not None
        for call in (case.first, case.second)
        for one, said in zip(call.asked, call.said, strict=True)
        for meant, answers in ((True, said.right), (False, said.wrong))
        for answer in answers
        if heard(one, answer) != meant
    ]
    assert misheard == []


def heard(one: Asked, answer: Answer) -> bool:
    return mark(one.kind, one.expected, answer) == Mark.RIGHT


def test_all_that_the_simulation_asks_is_what_the_bank_asks() -> None:
    keys = {question.key for question in BUILT_IN.questions}
    found = [case for case in played.cases(SEED, 20) if case is not None]
    assert {one.key for case in found for one in case.first.asked} <= keys
    assert all(case.first.asked[0].key.endswith("_name") for case in found)
    about = {(case.first.asked[0].key, case.second.asked[0].key) for case in found}
    assert about == {("owner_name", "buyer_name"), ("buyer_name", "owner_name")}


@given(st.integers(1, 300), st.floats(0, 1))
def test_the_bounds_hold_what_is_expected_and_nothing_unbelievable(n: int, exact: float) -> None:
    low, high = bounds(n, exact, LINES)
    assert 0 <= low <= round(n * exact) <= high <= n
    within = sum(comb(n, k) * exact**k * (1 - exact) ** (n - k) for k in range(low, high + 1))
    assert 1 - within <= FALSE_ALARM / LINES + 1e-9


def test_what_cannot_happen_may_not_happen_once() -> None:
    assert bounds(25_000, 0.0, LINES) == (0, 0)
    assert bounds(25_000, 1.0, LINES) == (25_000, 25_000)
    assert bounds(25_000, 0.01, LINES)[1] < 350


@pytest.mark.parametrize(("n", "lines"), [(0, 36), (10, 0)])
def test_no_cases_have_no_bounds(n: int, lines: int) -> None:
    with pytest.raises(ValueError, match="no cases"):
        bounds(n, 0.5, lines)


def test_too_few_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to simulate"):
        simulate(SEED, 15)


def test_the_command_says_that_all_agrees() -> None:
    done = CliRunner().invoke(command.simulate, ["--seed", "7", "--cases", "400"])
    assert done.exit_code == 0
    assert "36 lines, 0 outside" in done.output
    assert "OUTSIDE" not in done.output


def test_the_command_fails_where_rules_and_mathematics_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "run", partial(simulate, verdict=forgiving))
    done = CliRunner().invoke(command.simulate, ["--seed", "7", "--cases", "400"])
    assert done.exit_code == 1
    assert "OUTSIDE" in done.output


@pytest.mark.parametrize("wrong", [["--cases", "400"], ["--seed", "1", "--cases", "399"]])
def test_the_command_needs_a_seed_and_cases_enough(wrong: list[str]) -> None:
    assert CliRunner().invoke(command.simulate, wrong).exit_code == 2
