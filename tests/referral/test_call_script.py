"""What the agent reads out around the questions gives no answer away."""

import string

import pytest

from referral.questions import vocabulary
from referral.questions.script import GREETING, INVITATION, NARRATIVE, RE_ASK, THANKS, Line
from referral.questions.values import VALUES


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("text", [GREETING.zh, GREETING.en])
def test_the_greeting_names_the_person_called_and_the_dealer_but_not_the_other_party(
    text: str,
) -> None:
    assert placeholders(text) == {"callee", "dealer"}
    assert not [word for word in ("推荐", "介绍", "recommend", "refer") if word in text]


@pytest.mark.parametrize("line", [THANKS, INVITATION, RE_ASK, NARRATIVE])
def test_no_other_line_names_anybody(line: Line) -> None:
    assert placeholders(line.zh) | placeholders(line.en) == set()


def test_the_invitation_asks_to_recommend_friends() -> None:
    assert "推荐" in INVITATION.zh
    assert "recommend" in INVITATION.en


@pytest.mark.parametrize("line", [GREETING, THANKS, RE_ASK, NARRATIVE])
def test_no_line_around_the_questions_says_a_word_of_any_answer(line: Line) -> None:
    for text in (line.zh, line.en):
        folded = vocabulary.fold(text)
        assert not [fact for fact in VALUES if vocabulary.mentions(fact, folded)]


def test_the_re_ask_says_neither_that_it_was_right_nor_that_it_was_wrong() -> None:
    assert "对不对" in RE_ASK.zh
    assert not [
        word for word in ("错了", "不对，", "wrong", "false") if word in RE_ASK.zh + RE_ASK.en
    ]


def test_before_the_open_questions_nobody_is_told_that_something_is_marked() -> None:
    assert "没有标准答案" in NARRATIVE.zh
    assert "no set answers" in NARRATIVE.en
