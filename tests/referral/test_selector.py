"""Which questions one call asks: the same for the same seed, never too few, never a giveaway."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Conflict
from referral.draw_rules import Party
from referral.questions import vocabulary
from referral.questions.bank import QUESTIONS, VALUES, Kind
from referral.questions.facts import FACTS, Facts, gather
from referral.questions.selector import SELECTOR_VERSION, Asked, select

OWNER = gather(
    {
        "trade": "建材生意",
        "model": "速腾",
        "colour": "A",
        "transmission": "automatic",
        "plate_province": "沪A12345",
        "relation": "同事",
    }
)
CARS = [("速腾", "A")]
SEED = bytes(range(32))
SEEDS = st.binary(min_size=32, max_size=32)
PARTIES = st.sampled_from(["buyer", "owner"])
WHOLE = st.fixed_dictionaries({fact: st.sampled_from(sorted(VALUES[fact])) for fact in FACTS})
QUESTION = {question.key: question for question in QUESTIONS}


def less(*missing: str) -> Facts:
    return {fact: value for fact, value in OWNER.items() if fact not in missing}


def kinds(asked: tuple[Asked, ...]) -> Counter[Kind]:
    return Counter(one.kind for one in asked)


@given(PARTIES, WHOLE, SEEDS)
def test_with_all_facts_four_questions_are_asked_one_false_one_open(
    about: Party, facts: dict[str, str], seed: bytes
) -> None:
    asked = select(about=about, facts=facts, cars=[], seed=seed)
    assert kinds(asked) == {Kind.FALSE_PREMISE: 1, Kind.OPEN: 1, Kind.CHOICE: 2}
    assert all(QUESTION[one.key].about == about for one in asked)
    groups = [group for one in asked for group in QUESTION[one.key].groups]
    assert len(set(groups)) == len(groups)
    assert select(about=about, facts=dict(reversed(facts.items())), cars=[], seed=seed) == asked


@given(PARTIES, WHOLE, SEEDS)
def test_nothing_the_agent_reads_contains_an_expected_answer(
    about: Party, facts: dict[str, str], seed: bytes
) -> None:
    asked = select(about=about, facts=facts, cars=[], seed=seed)
    for text in (text for one in asked for text in (one.text_zh, one.text_en)):
        folded = vocabulary.fold(text)
        for fact in FACTS:
            assert not [one for one in vocabulary.mentions(fact, folded) if facts[fact] in one]
        assert text.count("{surname_title}") == 1
        assert "{decoy" not in text


@given(PARTIES, WHOLE, st.sets(st.sampled_from(FACTS)), SEEDS)
def test_facts_that_are_missing_are_never_asked_and_too_few_are_refused(
    about: Party, facts: dict[str, str], missing: set[str], seed: bytes
) -> None:
    known = {fact: value for fact, value in facts.items() if fact not in missing}
    others = {"transmission", "plate_province", "relation"} - missing
    if {"trade", "model", "colour"} & missing or not others:
        with pytest.raises(Conflict) as refusal:
            select(about=about, facts=known, cars=[], seed=seed)
        assert refusal.value.code == "questions_not_enough"
        assert set(refusal.value.params["missing"]) == missing
        return
    asked = select(about=about, facts=known, cars=[], seed=seed)
    assert len(asked) == 2 + min(2, len(others))
    assert not {fact for one in asked for fact in QUESTION[one.key].facts} & missing


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (less("trade"), ["trade"]),
        (less("model"), ["model"]),
        (less("colour", "relation"), ["colour", "relation"]),
        (
            less("transmission", "plate_province", "relation"),
            ["transmission", "plate_province", "relation"],
        ),
        ({}, list(FACTS)),
    ],
)
def test_the_refusal_names_the_facts_to_complete_but_no_value(
    facts: Facts, missing: list[str]
) -> None:
    with pytest.raises(Conflict) as refusal:
        select(about="owner", facts=facts, cars=CARS, seed=SEED)
    assert refusal.value.params == {"missing": missing}


def test_who_had_a_car_of_every_colour_cannot_be_asked_falsely() -> None:
    cars = [("速腾", colour) for colour in VALUES["colour"]]
    with pytest.raises(Conflict) as refusal:
        select(about="owner", facts=OWNER, cars=cars, seed=SEED)
    assert refusal.value.params == {"missing": ["decoy"]}


def test_three_questions_are_enough_when_no_fourth_is_known() -> None:
    asked = select(about="owner", facts=less("transmission", "relation"), cars=CARS, seed=SEED)
    assert sorted(one.key for one in asked) == [
        "owner_model_and_colour",
        "owner_plate_province",
        "owner_trade",
    ]


def test_the_false_question_can_stand_at_every_place() -> None:
    places = set()
    for number in range(64):
        asked = select(about="owner", facts=OWNER, cars=CARS, seed=bytes([number]) * 32)
        places.add([one.kind for one in asked].index(Kind.FALSE_PREMISE))
    assert places == {0, 1, 2, 3}


def test_seeds_spread_the_choice_over_all_that_is_known() -> None:
    keys = Counter(
        one.key
        for number in range(90)
        for one in select(about="owner", facts=OWNER, cars=CARS, seed=bytes([number]) * 32)
        if one.kind == Kind.CHOICE
    )
    assert set(keys) == {"owner_transmission", "owner_plate_province", "owner_relation"}
    assert min(keys.values()) > 30


def test_what_marking_needs_is_kept_and_never_printed() -> None:
    asked = {one.key: one for one in select(about="owner", facts=OWNER, cars=CARS, seed=SEED)}
    false = asked["owner_model_and_colour"]
    assert (false.expected["model"], false.expected["colour"]) == ("sagitar", "A")
    assert asked["owner_trade"].expected == {"fact": "trade", "value": "building"}
    assert "sagitar" not in repr(false)


def test_a_change_of_what_a_seed_selects_needs_a_new_selector_version() -> None:
    asked = select(about="owner", facts=OWNER, cars=CARS, seed=SEED)
    assert (SELECTOR_VERSION, [one.key for one in asked]) == (
        "1",
        [
            "owner_model_and_colour",
            "owner_trade",
            "owner_transmission",
            "owner_plate_province",
        ],
    )
    assert "红色途岳" in asked[0].text_zh
