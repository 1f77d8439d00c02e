"""The question bank as data: complete, unambiguous, and silent about every answer."""

import hashlib
import string
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from referral.questions import bank, vocabulary
from referral.questions.bank import QUESTIONS, VALUES, Kind, Question, shown_kind
from referral.questions.facts import FACTS

PLACEHOLDERS = {
    Kind.FALSE_PREMISE: ["decoy_colour", "decoy_model", "surname_title"],
    Kind.OPEN: ["surname_title"],
    Kind.CHOICE: ["surname_title"],
}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def ids(question: Question) -> str:
    return question.key


def test_the_version_is_the_hash_of_the_file_so_that_any_change_shows() -> None:
    raw = Path(bank.__file__).with_name("bank.json").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == bank.BANK_VERSION


def test_no_two_questions_share_a_key() -> None:
    assert max(Counter(question.key for question in QUESTIONS).values()) == 1


@pytest.mark.parametrize("about", ["owner", "buyer"])
def test_each_party_can_be_asked_about_every_fact_once_falsely_and_once_openly(about: str) -> None:
    own = [question for question in QUESTIONS if question.about == about]
    assert {fact for question in own for fact in question.facts} == set(FACTS)
    kinds = Counter(question.kind for question in own)
    assert (kinds[Kind.FALSE_PREMISE], kinds[Kind.OPEN]) == (1, 1)


@pytest.mark.parametrize("question", QUESTIONS, ids=ids)
def test_a_question_names_the_person_and_needs_known_facts(question: Question) -> None:
    for text in (question.text_zh, question.text_en):
        assert placeholders(text) == PLACEHOLDERS[question.kind]
    assert set(question.facts) <= set(FACTS)
    assert len(question.facts) == (2 if question.kind == Kind.FALSE_PREMISE else 1)
    assert question.groups


@pytest.mark.parametrize("question", QUESTIONS, ids=ids)
def test_no_question_says_a_word_of_any_answer(question: Question) -> None:
    for text in (question.text_zh, question.text_en):
        bare = vocabulary.fold(text.replace("{decoy_colour}{decoy_model}", ""))
        assert not [fact for fact in FACTS if vocabulary.mentions(fact, bare)]


def test_plain_questions_on_the_car_exclude_the_false_premise_on_it() -> None:
    car = [q for q in QUESTIONS if {"model", "colour"} & set(q.facts)]
    assert {group for q in car for group in q.groups} == {"model_and_colour"}
    assert len(car) == 6


@pytest.mark.parametrize("fact", FACTS)
def test_a_word_of_a_record_means_one_value_only(fact: str) -> None:
    words = Counter(
        word
        for value in VALUES[fact].values()
        for word in {vocabulary.fold(word) for word in value.words}
    )
    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("fact", FACTS)
def test_every_word_is_understood_wherever_it_is_said(fact: str) -> None:
    for value in VALUES[fact].values():
        for word in value.words + value.also:
            meant = vocabulary.mentions(fact, vocabulary.fold(f"，{word}，"))
            assert meant, word
            assert all(value.code in one for one in meant), word


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_decoy_says_a_word_of_the_car_only(language: str) -> None:
    for model, colour in product(bank.DECOY_MODELS, bank.DECOY_COLOURS):
        car = [
            getattr(VALUES["colour"][colour], language),
            getattr(VALUES["model"][model], language),
        ]
        said = vocabulary.fold(("" if language == "zh" else " ").join(car))
        heard = {fact for fact in FACTS if vocabulary.mentions(fact, said)}
        assert heard == {"model", "colour"}, said


def test_decoys_are_values_the_bank_can_name() -> None:
    assert set(bank.DECOY_MODELS) <= set(VALUES["model"])
    assert set(bank.DECOY_COLOURS) <= set(VALUES["colour"])
    assert len(bank.DECOY_MODELS) >= 10


def test_the_agents_screen_never_says_that_a_premise_is_false() -> None:
    shown = {kind: shown_kind(kind) for kind in Kind}
    assert shown[Kind.FALSE_PREMISE] == "confirm_or_correct"
    assert (shown[Kind.OPEN], shown[Kind.CHOICE]) == ("open", "choice")
    assert not [kind for kind in shown.values() if "false" in kind]
