"""VIN: the vectors of formats.md, every single typing error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import vin

VALID = ["LBEHDAEB58Y038860", "LSVWY4180KN246094", "LFV2A21K8A3000001", "LSVAA4183E2000001"]
ALPHABET = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


def refusal_of(value: str) -> RuleViolation:
    with pytest.raises(RuleViolation) as refusal:
        vin.canonical(value)
    return refusal.value


@pytest.mark.parametrize("value", VALID)
def test_real_chinese_vins_are_accepted_as_they_are(value: str) -> None:
    assert vin.canonical(value) == value


@pytest.mark.parametrize(
    ("value", "belongs"), [("LSVB12AG180498981", "9"), ("LSVCC24B2AM123456", "5")]
)
def test_a_chinese_vin_with_a_wrong_check_digit_is_refused(value: str, belongs: str) -> None:
    assert refusal_of(value).code == "vin_check_digit"
    assert vin.check_digit(value) == belongs
    repaired = value[:8] + belongs + value[9:]
    assert vin.canonical(repaired) == repaired


@pytest.mark.parametrize(("maker", "bound"), [("L", True), ("H", True), ("W", False)])
def test_the_check_digit_binds_chinese_makers_only(maker: str, bound: bool) -> None:
    value = f"{maker}SVWY4180KN246094"
    mistyped = value[:8] + ("1" if vin.check_digit(value) == "0" else "0") + value[9:]
    if bound:
        assert refusal_of(mistyped).code == "vin_check_digit"
    else:
        assert vin.canonical(mistyped) == mistyped


@pytest.mark.parametrize(
    "spelling",
    [
        "lsvwy4180kn246094",
        "ＬＳＶＷＹ４１８０ＫＮ２４６０９４",
        "LSVWY 4180-KN·246.094",
        "LSVWY\u200b4180\u202eKN246094\ufeff",
        "LSVWY4180\u212aN246094",
    ],
)
def test_every_spelling_of_a_vin_is_the_same_vin(spelling: str) -> None:
    assert vin.canonical(spelling) == "LSVWY4180KN246094"


@pytest.mark.parametrize(
    ("value", "code", "params"),
    [
        ("", "vin_length", {"length": 0}),
        ("LSVWY4180KN24609", "vin_length", {"length": 16}),
        ("LSVWY4180KN2460944", "vin_length", {"length": 18}),
        ("LSVWY4I80KN246094", "vin_alphabet", {"position": 7}),
        ("LSVWY418OKN246094", "vin_alphabet", {"position": 9}),
        ("LSVWY4180QN246094", "vin_alphabet", {"position": 10}),
        ("LSVWY4180КN246094", "vin_alphabet", {"position": 10}),
        ("LSVWY4180KN24609٤", "vin_alphabet", {"position": 17}),
        ("LSVWY4180KN24609\x00", "text_unusable", {"position": 17}),
    ],
    ids=["empty", "16", "18", "letter-I", "letter-O", "letter-Q", "cyrillic", "arabic", "nul"],
)
def test_look_alikes_and_wrong_lengths_are_refused_with_the_place(
    value: str, code: str, params: dict[str, int]
) -> None:
    error = refusal_of(value)
    assert (error.code, error.params) == (code, params)


@given(st.sampled_from(VALID), st.integers(0, 16), st.sampled_from(ALPHABET))
def test_a_single_mistyped_digit_is_always_found(value: str, place: int, typed: str) -> None:
    if not (typed.isdigit() and value[place].isdigit()) or typed == value[place]:
        return
    assert refusal_of(value[:place] + typed + value[place + 1 :]).code == "vin_check_digit"


@given(st.text(ALPHABET, min_size=16, max_size=16))
def test_exactly_one_check_character_makes_a_chinese_vin_valid(rest: str) -> None:
    spellings = ["L" + rest[:7] + digit + rest[8:15] + rest[15] for digit in ALPHABET]
    accepted = [spelling for spelling in spellings if spelling[8] == vin.check_digit(spelling)]
    assert [vin.canonical(spelling) for spelling in accepted] == accepted
    assert len(accepted) == 1
