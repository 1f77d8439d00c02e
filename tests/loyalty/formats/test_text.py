"""Text: what cannot be stored is refused, what cannot be seen does not count."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import text


@pytest.mark.parametrize(
    ("value", "position"),
    [("a\x00b", 2), ("\n", 1), ("ab\ud800", 3), ("\udfff", 1), ("a\x85", 2), ("x\u2028", 2)],
)
def test_what_the_database_cannot_store_is_refused_at_its_position(
    value: str, position: int
) -> None:
    with pytest.raises(RuleViolation) as refusal:
        text.normalise(value)
    assert refusal.value.code == "text_unusable"
    assert refusal.value.params == {"position": position}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (" 张伟\u3000", "张伟"),
        ("ＶＷ１２", "VW12"),
        ("a\u200bb\u202ec\ufeff", "abc"),
        ("葛\U000e0100", "葛"),
        ("a\u3164b", "ab"),
        ("⼀汽", "一汽"),
        ("e\u200d\u0301", "é"),
    ],
)
def test_width_blanks_and_invisible_characters_do_not_make_another_value(
    typed: str, meant: str
) -> None:
    assert text.normalise(typed) == meant


@pytest.mark.parametrize("typed", ["京A·1-2.3 4", "京a•1‐2．3\u30004", "京a・1—2‧3\u00a04"])
def test_separators_and_case_do_not_make_another_identifier(typed: str) -> None:
    assert text.compact(typed) == "京A1234"


def test_foreign_letters_are_not_raised_into_ours() -> None:
    assert text.compact("ıßк") == "ıßк"


def test_simplifying_any_chinese_character_twice_changes_nothing_more() -> None:
    han = "".join(map(chr, [*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), 0x2B74F]))
    once = text.simplified(han)
    assert len(once) == len(han)
    assert text.simplified(once) == once


def test_a_character_is_simplified_alike_in_every_neighbourhood() -> None:
    assert text.simplified("乾隆") == text.simplified("乾") + text.simplified("隆")


@given(st.text())
def test_normalised_text_is_clean_and_stays_as_it_is(value: str) -> None:
    try:
        clean = text.normalise(value)
    except RuleViolation:
        assert {unicodedata.category(c) for c in value} & {"Cc", "Cs", "Zl", "Zp"}
        return
    assert text.normalise(clean) == clean
    assert not {unicodedata.category(c) for c in clean} & {"Cc", "Cf", "Cs"}
