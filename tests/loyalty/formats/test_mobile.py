"""Mobile numbers: one number, one canonical form, whatever prefix, width or grouping."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import mobile


@pytest.mark.parametrize(
    "spelling",
    [
        "13812345678",
        "+8613812345678",
        "8613812345678",
        "008613812345678",
        "+86 138-1234-5678",
        "(+86)138 1234 5678",
        "１３８１２３４５６７８",
        "＋８６１３８１２３４５６７８",
        "138\u200b1234\u200d5678",
        "\u202a13812345678\u202c",
    ],
)
def test_every_spelling_of_a_number_is_the_same_number(spelling: str) -> None:
    assert mobile.canonical(spelling) == "+8613812345678"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "12812345678",
        "23812345678",
        "1381234567",
        "138123456789",
        "+8513812345678",
        "+868613812345678",
        "013812345678",
        "02112345678",
        "l3812345678",
        "138١2345678",
        "13812345678;",
        "1e10",
    ],
)
def test_what_is_no_chinese_mobile_number_is_refused(value: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        mobile.canonical(value)
    assert refusal.value.code == "mobile_invalid"


@given(st.from_regex("1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "86", "+86", "0086"]))
def test_the_prefix_never_makes_a_second_number(number: str, prefix: str) -> None:
    canonical = mobile.canonical(prefix + number)
    assert canonical == "+86" + number
    assert mobile.canonical(canonical) == canonical
