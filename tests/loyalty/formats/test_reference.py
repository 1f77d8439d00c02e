"""P19 for references: one document has one spelling, and nothing that looks like it is another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import reference


@pytest.mark.parametrize("spelling", ["SO-9", "SO-9 ", " SO-9", "\u3000ＳＯ－９", "ＳＯ-9\u00a0"])
def test_every_spelling_of_a_reference_is_the_same_reference(spelling: str) -> None:
    assert reference.canonical(spelling) == "SO-9"


@pytest.mark.parametrize("value", ["工单2026-0001", "so-9", "A 1", "𠮷-1", "#1/2:3"])
def test_what_dealers_write_is_taken_as_it_is(value: str) -> None:
    assert reference.canonical(value) == value


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "\u3000", "SО-9", "S\u039f-9", "SO–9", "SO-9\u200b", "S\u200dO-9", "SO\n9"),
        *("SO\t9", "SO  9", "SO-9\x00", "SO-\ud800", "SO-９\ufe0f", "É-1", "SO-٩", "💣"),
    ],
)
def test_look_alikes_and_hidden_characters_are_refused(value: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        reference.canonical(value)
    assert refusal.value.code == "reference_invalid"


@given(st.text(max_size=12))
def test_a_canonical_reference_is_its_own_canonical_form(value: str) -> None:
    try:
        once = reference.canonical(value)
    except RuleViolation:
        return
    assert reference.canonical(once) == once
    assert once == once.strip() != ""
