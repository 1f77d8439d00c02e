"""Colours: people, licences and catalogues name them in many ways; the code is one letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import colour

NAMES = {
    "A": ["白", "白色", "珍珠白", "米白色", "White", "off-white", "pearl white", "Ａ"],
    "B": ["灰", "深灰色", "银", "銀色", "银灰色", "雅士银", "silver", "metallic silver", "gray"],
    "C": ["黄", "黃色", "金色", "香槟金", "yellow", "gold"],
    "D": ["粉", "粉红", "粉紅色", "pink"],
    "E": ["红", "紅色", "大红", "中国红", "酒红色", "紫红", "red", "dark red"],
    "F": ["紫", "紫色", "purple", "Violet"],
    "G": ["绿", "綠色", "墨绿", "green"],
    "H": ["蓝", "藍色", "深海蓝", "藏青色", "blue", "Dark-Blue Metallic", "navy"],
    "I": ["棕", "褐色", "咖啡色", "啡色", "brown"],
    "J": ["黑", "黑色", "曜石黑", "黑色金属漆", "black", "j"],
    "Z": ["其他", "橙色", "米色", "orange", "z"],
}


@pytest.mark.parametrize(
    ("name", "code"), [(name, code) for code, names in NAMES.items() for name in names]
)
def test_a_colour_by_any_of_its_names_is_one_code(name: str, code: str) -> None:
    assert colour.canonical(name) == code


def test_silver_and_grey_cannot_be_told_apart() -> None:
    assert colour.canonical("银色") == colour.canonical("grey")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "深",
        "metallic",
        "黑白",
        "红黑双色",
        "blue green",
        "不是白",
        "K",
        "白白菜",
        "rеd",
        "#fff",
    ],
)
def test_two_colours_a_bare_shade_and_nonsense_are_refused(name: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        colour.canonical(name)
    assert refusal.value.code == "colour_unknown"


def test_every_word_of_the_list_keeps_its_code_whatever_its_spelling() -> None:
    for code, words in colour.WORDS.items():
        for word in words.split():
            assert colour.canonical(f" {word.title()}\u200b ") == code


@given(st.sampled_from(sorted(colour.WORDS)))
def test_a_code_is_its_own_canonical_form(code: str) -> None:
    assert colour.canonical(code) == code
