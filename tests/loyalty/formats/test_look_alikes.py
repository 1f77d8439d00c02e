"""P19: a look-alike spelling is the same identity or none; it is never a second one."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import mobile, names, plate, vin

CANONICAL: list[tuple[Callable[[str], str], str]] = [
    (vin.canonical, "LSVWY4180KN246094"),
    (plate.canonical, "粤B1A345"),
    (plate.canonical, "沪AD12345"),
    (mobile.canonical, "+8613812345678"),
    (names.canonical, "阿依古丽anna"),
]
INVISIBLE = [
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u202e",
    "\u2066",
    "\u00ad",
    "\ufe0f",
    "\u3164",
]
LOOK_ALIKES = str.maketrans("ABEKMHOPCTXYa01", "АВЕКМНОРСТХУаОI")


def full_width(character: str) -> str:
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character


SPELLINGS: list[Callable[[str], str]] = [
    str,
    str.lower,
    str.upper,
    full_width,
    lambda c: full_width(c.lower()),
]


@given(st.sampled_from(CANONICAL), st.data())
def test_width_case_and_invisible_characters_give_the_same_identity(
    case: tuple[Callable[[str], str], str], data: st.DataObject
) -> None:
    canonical, value = case
    spelled = "".join(
        data.draw(st.sampled_from(SPELLINGS))(character)
        + data.draw(st.sampled_from(["", *INVISIBLE, " ", "\u3000"]))
        for character in value
    )
    assert canonical(spelled) == value


@pytest.mark.parametrize(("canonical", "value"), CANONICAL)
def test_cyrillic_letters_and_letters_for_digits_are_refused(
    canonical: Callable[[str], str], value: str
) -> None:
    swapped = [
        value[:place] + other + value[place + 1 :]
        for place, other in enumerate(value.translate(LOOK_ALIKES))
        if other != value[place] and not (canonical is names.canonical and other.isascii())
    ]
    assert swapped
    for spelling in swapped:
        with pytest.raises(RuleViolation):
            canonical(spelling)


@pytest.mark.parametrize(("canonical", "value"), CANONICAL)
@pytest.mark.parametrize("hostile", ["\x00", "\ud83d", "\n", "'; DROP TABLE members;--", "💣"])
def test_hostile_text_is_a_typed_refusal_and_never_another_error(
    canonical: Callable[[str], str], value: str, hostile: str
) -> None:
    for spelling in (hostile, value + hostile, hostile + value):
        with pytest.raises(RuleViolation):
            canonical(spelling)
