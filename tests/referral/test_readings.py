"""What a second person reads in an answer decides it; what is expected he is never shown."""

import json
from importlib.resources import files

import pytest

from kernel.errors import RuleViolation
from referral.questions.bank import Kind
from referral.questions.facts import FACTS
from referral.questions.marking import Mark
from referral.questions.readings import choices, facts_to_read, reading
from referral.questions.values import VALUES

WHITE_SAGITAR = {"model": "sagitar", "colour": "A", "decoy_model": "jetta", "decoy_colour": "J"}
OF_FACT = {
    "trade": "building",
    "name": "张三",
    "purchase_year": "2020",
    "model": "盛世 9 号",
    "colour": "H",
    "known_for": "over_10",
}
KIND_OF = {"name": Kind.NAME, "purchase_year": Kind.YEAR}


@pytest.mark.parametrize(
    ("fact", "read", "mark"),
    [
        ("trade", "building", Mark.RIGHT),
        ("trade", "it", Mark.WRONG),
        ("trade", "none", Mark.WRONG),
        ("name", "张三", Mark.RIGHT),
        ("name", "張 三", Mark.RIGHT),
        ("name", "张山", Mark.WRONG),
        ("name", "张", Mark.WRONG),
        ("name", "none", Mark.WRONG),
        ("name", "？？", Mark.WRONG),
        ("purchase_year", "2021", Mark.RIGHT),
        ("purchase_year", "2022", Mark.WRONG),
        ("purchase_year", "去年", Mark.WRONG),
        ("model", "盛世 9 号", Mark.RIGHT),
        ("model", "速腾", Mark.WRONG),
        ("model", "sagitar", Mark.WRONG),
        ("colour", "H", Mark.RIGHT),
        ("colour", "J", Mark.RIGHT),
        ("colour", "A", Mark.WRONG),
        ("known_for", "over_10", Mark.RIGHT),
        ("known_for", "3_to_10", Mark.WRONG),
    ],
)
def test_an_answer_is_what_a_person_reads_in_it(fact: str, read: str, mark: Mark) -> None:
    expected = {"fact": fact, "value": OF_FACT[fact]}
    assert reading(KIND_OF.get(fact, Kind.OPEN), expected, {fact: read}) is mark


@pytest.mark.parametrize(
    ("model", "colour", "mark"),
    [
        ("sagitar", "A", Mark.RIGHT),
        ("速腾", "A", Mark.RIGHT),
        ("sagitar", "B", Mark.WRONG),
        ("sagitar", "none", Mark.WRONG),
        ("none", "A", Mark.WRONG),
        ("jetta", "J", Mark.WRONG),
    ],
)
def test_a_correction_must_be_read_right_in_both_parts(model: str, colour: str, mark: Mark) -> None:
    read = {"model": model, "colour": colour}
    assert reading(Kind.FALSE_PREMISE, WHITE_SAGITAR, read) is mark


def test_he_reads_the_facts_the_question_is_about_and_sees_no_value() -> None:
    assert facts_to_read(WHITE_SAGITAR) == ("model", "colour")
    assert facts_to_read({"model": "sagitar", "decoy_model": "jetta"}) == ("model",)
    assert facts_to_read({"fact": "trade", "value": "building"}) == ("trade",)


@pytest.mark.parametrize("fact", FACTS)
def test_he_picks_from_all_values_there_are_or_types(fact: str) -> None:
    picked = [code for code, zh, en in choices(fact) if zh and en]
    assert picked == list(VALUES.get(fact, ()))
    assert bool(picked) == (fact not in ("name", "purchase_year"))


@pytest.mark.parametrize(
    ("read", "code"),
    [
        ({}, "reading_incomplete"),
        ({"model": "sagitar"}, "reading_incomplete"),
        ({"model": "sagitar", "colour": "A", "trade": "it"}, "reading_incomplete"),
        ({"model": "sagitar", "colour": "white"}, "reading_unknown"),
        ({"model": "sagitar", "colour": ""}, "reading_unknown"),
    ],
)
def test_a_reading_of_something_else_is_refused_and_says_nothing_of_the_answer(
    read: dict[str, str], code: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        reading(Kind.FALSE_PREMISE, WHITE_SAGITAR, read)
    assert (refused.value.code, refused.value.params) == (code, {})
    assert code in json.loads(files("api.messages").joinpath("questions.json").read_text("utf-8"))


def test_what_is_no_fact_has_no_choices() -> None:
    with pytest.raises(KeyError):
        choices("employer")
