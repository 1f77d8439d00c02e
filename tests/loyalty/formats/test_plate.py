"""Number plates: every shape, the ten energy letters, plates owners cannot have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import plate

SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def code_of(value: str) -> str:
    with pytest.raises(RuleViolation) as refusal:
        plate.canonical(value)
    return refusal.value.code


def test_there_are_31_provinces() -> None:
    assert len(set(plate.PROVINCES)) == len(plate.PROVINCES) == 31


@pytest.mark.parametrize(
    "value",
    [
        "京A12345",
        "沪AD1234",
        "川A1234学",
        "京A1234警",
        "鲁B1234挂",
        "粤Z1234港",
        "粤Z12A4澳",
        "新X99999",
        "粤B12345D",
        "京AD12345",
        "京ADA2345",
    ],
)
def test_each_shape_is_accepted(value: str) -> None:
    assert plate.canonical(value) == value


@pytest.mark.parametrize("letter", "DABCEFGHJK")
def test_all_ten_new_energy_letters_count_not_only_d_and_f(letter: str) -> None:
    for value in (f"苏E{letter}12345", f"苏E12345{letter}"):
        assert plate.canonical(value) == value


@pytest.mark.parametrize("letter", "LMNPQRSTUVWXYZ")
def test_no_other_letter_makes_a_new_energy_plate(letter: str) -> None:
    assert code_of(f"苏E{letter}12345") == "plate_invalid"
    assert code_of(f"苏E12345{letter}") == "plate_invalid"


@pytest.mark.parametrize(
    "spelling",
    [
        "粤b·12345",
        "粵B12345",
        "粤Ｂ１２３４５",
        " 粤B-123 45 ",
        "粤\u200bB\u202e12345",
        "粤B•12345",
    ],
)
def test_every_spelling_of_a_plate_is_the_same_plate(spelling: str) -> None:
    assert plate.canonical(spelling) == "粤B12345"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "A12345",
        "东A12345",
        "京112345",
        "京I12345",
        "京O12345",
        "京A1234",
        "京AI2345",
        "京A123O5",
        "京А12345",
        "京A1234港",
        "粤B1234澳",
        "京AD1234A",
        "京AD123456",
        "京A1234٥",
        "京A12345京",
        "AD12345",
    ],
)
def test_what_is_no_plate_is_refused(value: str) -> None:
    assert code_of(value) == "plate_invalid"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("使014578", "embassy"),
        ("224578使", "embassy"),
        ("粤A1234领", "embassy"),
        ("粤A1234領", "embassy"),
        ("WJ京1234X", "armed_police"),
        ("WJ01-12345", "armed_police"),
        ("军A12345", "military"),
        ("VA12345", "military"),
        ("临京A12345", "temporary"),
        ("沪A12345临", "temporary"),
    ],
)
def test_plates_no_owner_can_have_are_told_from_nonsense(value: str, kind: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        plate.canonical(value)
    assert refusal.value.code == "unsupported_plate_type"
    assert refusal.value.params == {"type": kind}


@given(st.sampled_from(plate.PROVINCES), st.text(SERIAL, min_size=5, max_size=5))
def test_any_serial_of_letters_and_digits_is_a_plate_under_any_issuer(
    province: str, serial: str
) -> None:
    for letter in "AHJNPZ":
        value = f"{province}{letter}{serial}"
        assert plate.canonical(value.lower()) == value
