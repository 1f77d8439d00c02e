"""The wrong car of a false premise: popular, and nothing an honest person could half agree with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.questions import decoys, vocabulary
from referral.questions.facts import canonical
from referral.questions.values import DECOY_COLOURS, DECOY_MODELS, VALUES

SEEDS = [bytes([number]) * 32 for number in range(256)]
CARS = st.lists(
    st.tuples(st.sampled_from(sorted(VALUES["model"])), st.sampled_from(sorted(VALUES["colour"]))),
    max_size=6,
)


def offered(*cars: tuple[str, str]) -> tuple[set[str], set[str]]:
    found = [decoy for seed in SEEDS if (decoy := decoys.choose(cars, seed))]
    return {model for model, _ in found}, {colour for _, colour in found}


@pytest.mark.parametrize(
    ("colour", "never"),
    [
        ("白色", "A"),
        ("珍珠白", "A"),
        ("银色", "B"),
        ("灰色", "B"),
        ("香槟金", "I"),
        ("金色", "I"),
        ("棕色", "I"),
        ("棕色", "C"),
        ("藏青", "J"),
        ("黑色", "H"),
        ("黑色", "J"),
    ],
)
def test_a_decoy_is_never_in_the_ambiguity_group_of_the_true_colour(
    colour: str, never: str
) -> None:
    _, colours = offered(("速腾", colour))
    assert colours
    assert never not in colours


@pytest.mark.parametrize(
    ("model", "never"),
    [
        ("速腾", "sagitar"),
        ("朗行", "lavida"),
        ("宝来", "bora"),
        ("蔚领", "bora"),
        ("朗逸", "lavida"),
        ("高尔夫嘉旅", "golf"),
        ("途观", "tiguan_l"),
        ("雷凌", "corolla"),
    ],
)
def test_a_decoy_is_never_the_true_model_nor_its_twin(model: str, never: str) -> None:
    models, _ = offered((model, "白色"))
    assert never not in models
    assert len(models) > 5


@pytest.mark.parametrize(
    ("fact", "one", "other", "alike"),
    [
        ("colour", "银色", "灰色", True),
        ("colour", "香槟色", "棕色", True),
        ("colour", "金色", "咖啡色", True),
        ("colour", "藏青", "黑色", True),
        ("colour", "珍珠白", "白色", True),
        ("colour", "紫红", "红色", True),
        ("colour", "白色", "银色", False),
        ("colour", "蓝色", "绿色", True),
        ("model", "高尔夫", "高尔夫嘉旅", True),
        ("model", "朗逸", "朗行", True),
        ("model", "宝来", "蔚领", True),
        ("model", "途观", "途观L", True),
        ("model", "卡罗拉", "雷凌", True),
        ("model", "速腾", "捷达", False),
        ("model", "途观", "途岳", False),
    ],
)
def test_what_honest_people_mix_up_is_one_group(
    fact: str, one: str, other: str, alike: bool
) -> None:
    values = [canonical(fact, record) for record in (one, other)]
    assert None not in values
    assert vocabulary.alike(fact, str(values[0]), str(values[1])) == alike


def test_a_black_jetta_is_a_fair_decoy_for_a_white_sagitar() -> None:
    models, colours = offered(("速腾", "白色"))
    assert "jetta" in models
    assert "J" in colours


def test_a_car_sold_long_ago_is_no_decoy_either() -> None:
    models, colours = offered(("速腾", "白色"), ("捷达", "黑色"))
    assert "jetta" not in models
    assert not {"A", "J", "H"} & colours


def test_who_had_every_colour_can_be_told_no_wrong_one() -> None:
    cars = [("速腾", colour) for colour in DECOY_COLOURS]
    assert all(decoys.choose(cars, seed) is None for seed in SEEDS)


@given(CARS, st.binary(min_size=32, max_size=32))
def test_a_decoy_is_popular_and_unlike_every_car_the_person_had(
    cars: list[tuple[str, str]], seed: bytes
) -> None:
    decoy = decoys.choose(cars, seed)
    assert decoy == decoys.choose(cars, seed)
    if decoy is None:
        colours = {colour for _, colour in cars}
        assert all(
            any(vocabulary.alike("colour", one, had) for had in colours) for one in DECOY_COLOURS
        )
        return
    assert decoy[0] in DECOY_MODELS
    assert decoy[1] in DECOY_COLOURS
    for model, colour in cars:
        assert not vocabulary.alike("model", decoy[0], model)
        assert not vocabulary.alike("colour", decoy[1], colour)
