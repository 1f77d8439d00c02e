"""Names: compared without regard to script, width and dots; shown as the person typed them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张伟", "張偉"),
        ("张伟", " 张\u3000伟 "),
        ("张伟", "张\u200b伟\u202e"),
        ("阿依古丽·买买提", "阿依古麗・買買提"),
        ("阿依古丽·买买提", "阿依古丽买买提"),
        ("Anna O'Brien", "ＡＮＮＡ　Ｏ’ＢＲＩＥＮ"),
        ("上汽（上海）有限公司", "上汽(上海)有限公司"),
        ("葛亮", "葛\U000e0100亮"),
        ("Straße", "STRASSE"),
    ],
)
def test_two_spellings_of_one_name_compare_equal(one: str, other: str) -> None:
    assert names.canonical(one) == names.canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("张伟", "章伟"), ("𠮷田", "吉田"), ("张三1", "张三2"), ("王玥", "王钥")],
)
def test_two_names_that_differ_stay_different(one: str, other: str) -> None:
    assert names.canonical(one) != names.canonical(other)


@pytest.mark.parametrize("rare", ["𠮷", "㛃", "𬎆", "〇", "\U00031350"])
def test_rare_characters_beyond_the_common_plane_are_names_too(rare: str) -> None:
    assert names.display(f"李{rare}") == f"李{rare}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "·",
        "12345",
        "Аnna",
        "Анна",
        "<script>",
        "张三;--",
        "=1+1",
        "张" * 101,
        "e\u0301" * 101,
        "⺠",
    ],
)
def test_look_alike_scripts_symbols_and_endless_names_are_refused(value: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        names.canonical(value)
    assert refusal.value.code == "name_invalid"


def test_what_is_shown_is_what_was_typed_less_what_cannot_be_seen() -> None:
    assert names.display(" 阿依古麗·Ｍ\u202e\u200b ") == "阿依古麗·Ｍ"


def test_a_name_that_cannot_be_compared_cannot_be_shown() -> None:
    with pytest.raises(RuleViolation, match="name_invalid"):
        names.display("<b>张三</b>")


@given(st.text(min_size=1, max_size=12))
def test_a_key_is_its_own_key_or_the_name_is_refused(value: str) -> None:
    try:
        key = names.canonical(value)
    except RuleViolation:
        return
    assert names.canonical(key) == key


@given(st.text("张張伟偉阿依古丽麗·ÀßİKſabcXYZ ", min_size=1, max_size=20))
def test_upper_case_blanks_and_dots_never_change_the_key(value: str) -> None:
    if not value.strip(" ·"):
        return
    key = names.canonical(value)
    assert names.canonical(key) == key
    assert names.canonical(" ".join(value)) == names.canonical("·".join(value)) == key
