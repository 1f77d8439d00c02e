"""What the agent reads out around the questions gives no answer away."""

import string

import pytest

from referral.questions import vocabulary
from referral.questions.facts import FACTS
from referral.questions.script import GREETING, INVITATION, THANKS, Line


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("text", [GREETING.zh, GREETING.en])
def test_the_greeting_names_the_person_called_and_the_dealer_but_not_the_other_party(
    text: str,
) -> None:
    assert placeholders(text) == {"callee", "dealer"}
    assert not [word for word in ("推荐", "介绍", "recommend", "refer") if word in text]


@pytest.mark.parametrize("line", [THANKS, INVITATION])
def test_thanks_and_invitation_name_nobody(line: Line) -> None:
    assert placeholders(line.zh) | placeholders(line.en) == set()


def test_the_invitation_asks_to_recommend_friends() -> None:
    assert "推荐" in INVITATION.zh
    assert "recommend" in INVITATION.en


@pytest.mark.parametrize("line", [GREETING, THANKS])
def test_no_line_around_the_questions_says_a_word_of_any_answer(line: Line) -> None:
    for text in (line.zh, line.en):
        folded = vocabulary.fold(text)
        assert not [fact for fact in FACTS if vocabulary.mentions(fact, folded)]
