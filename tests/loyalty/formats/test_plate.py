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
    ("value", "kind"),
    [
        ("京A12345", "ordinary"),
        ("沪AD1234", "ordinary"),
        ("川A1234学", "ordinary"),
        ("京A1234警", "ordinary"),
        ("鲁B1234挂", "ordinary"),
        ("粤Z1234港", "ordinary"),
        ("粤Z12A4澳", "ordinary"),
        ("新X99999", "ordinary"),
        ("粤B12345D", "new_energy_large"),
        ("京AD12345", "new_energy_small"),
        ("京ADA2345", "new_energy_small"),
    ],
)
def test_each_shape_is_accepted_and_told_apart(value: str, kind: str) -> None:
    assert plate.canonical(value) == value
    assert plate.kind(value) == kind


@pytest.mark.parametrize("letter", "DABCEFGHJK")
def test_all_ten_new_energy_letters_count_not_only_d_and_f(letter: str) -> None:
    assert plate.kind(f"苏E{letter}12345") == "new_energy_small"
    assert plate.kind(f"苏E12345{letter}") == "new_energy_large"


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


@pytest.mark.parametrize(
    ("value", "fuel", "expected"),
    [
        ("沪AD12345", "battery", ()),
        ("沪AF12345", "plug_in_hybrid", ()),
        ("沪A12345K", "fuel_cell", ()),
        ("沪AF12345", "battery", ("plate_fuel_letter",)),
        ("沪A12345E", "plug_in_hybrid", ("plate_fuel_letter",)),
        ("沪AK12345", "combustion", ("plate_fuel_letter",)),
        ("沪A12345", "battery", ()),
    ],
)
def test_an_energy_letter_that_disagrees_with_the_fuel_is_a_signal(
    value: str, fuel: plate.Fuel, expected: tuple[str, ...]
) -> None:
    assert plate.warnings(value, fuel) == expected


@given(st.sampled_from(plate.PROVINCES), st.text(SERIAL, min_size=5, max_size=5))
def test_any_serial_of_letters_and_digits_is_a_plate_under_any_issuer(
    province: str, serial: str
) -> None:
    for letter in "AHJNPZ":
        value = f"{province}{letter}{serial}"
        assert plate.canonical(value.lower()) == value
        assert plate.kind(value) == "ordinary"
