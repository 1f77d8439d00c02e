"""Every reason and refusal of the referral rules can be told to people in both languages."""

import json
from pathlib import Path
from typing import Any

import pytest

from referral.reasons import DOUBT, LATE_NEWS, LICENCE, REGISTRATION, Reason

MESSAGES = Path(__file__).parents[2] / "api" / "messages"
RULE_CODES = {
    "transition_not_allowed": {"state": "checked", "event": "pay"},
    "role_may_not": {"role": "crm", "event": "pay"},
    "reason_required": {"event": "refuse"},
    "reason_not_allowed": {"event": "draw", "reason": "cap_reached"},
}


def messages(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MESSAGES / name).read_text(encoding="utf-8"))
    return loaded


def test_each_reason_has_a_message_and_no_message_is_left_over() -> None:
    assert set(messages("reasons.json")) == {reason.value for reason in Reason}


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_explained_in_chinese_and_english(reason: Reason) -> None:
    message = messages("reasons.json")[reason]
    for part in ("title", "detail"):
        assert set(message[part]) == {"zh", "en"}
        assert not message[part]["zh"].isascii()
        assert message[part]["en"].isascii()
        assert "{" not in message[part]["zh"] + message[part]["en"]


def test_each_refusal_of_the_rules_has_a_message_and_no_message_is_left_over() -> None:
    assert set(messages("referral_rules.json")) == set(RULE_CODES)


@pytest.mark.parametrize(("code", "params"), RULE_CODES.items())
def test_a_refusal_names_what_it_is_about_in_both_languages(
    code: str, params: dict[str, Any]
) -> None:
    detail = messages("referral_rules.json")[code]["detail"]
    for language in ("zh", "en"):
        told = detail[language].format(**params)
        assert all(str(value) in told for value in params.values())


def test_the_licence_speaks_only_through_its_own_reasons() -> None:
    said = {reason for reason in Reason if reason.startswith("licence_")}
    assert said - LICENCE == {Reason.LICENCE_MODEL_MISMATCH} == said & DOUBT
    assert not LICENCE & REGISTRATION
    assert LATE_NEWS < REGISTRATION
