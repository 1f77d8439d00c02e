"""The text of a question with its decoy (or true value) put in, and what is expected for it.

A reader would break this by putting a true value into any text but a control's.
"""

from referral.questions.bank import Kind, Question
from referral.questions.decoys import Car
from referral.questions.facts import Facts
from referral.questions.values import VALUES


def worded(question: Question, facts: Facts, decoy: Car | None) -> tuple[str, str, dict[str, str]]:
    """The Chinese text, the English one, and what is expected; `{surname_title}` stays.

    Expected of a false premise (错误前提): the value of each fact by name, and its `decoy_<fact>`;
    of any other question `fact` and `value` (referral.md, section 4).
    """
    if question.kind is not Kind.FALSE_PREMISE:
        (fact,) = question.facts
        expected = {"fact": fact, "value": facts[fact].value}
        shown = {fact: facts[fact].value} if question.kind is Kind.TRUE_PREMISE else {}
        return *_filled(question, "true", shown), expected
    model, colour = decoy or ("", "")
    wrong = {"model": model, "colour": colour}
    told = {name: wrong[name] for name in question.facts}
    expected = {name: facts[name].value for name in question.facts}
    expected |= {f"decoy_{name}": code for name, code in told.items()}
    return *_filled(question, "decoy", told), expected


def _filled(question: Question, prefix: str, shown: dict[str, str]) -> tuple[str, str]:
    zh, en = question.text_zh, question.text_en
    for fact, code in shown.items():
        value = VALUES[fact].get(code)
        zh = zh.replace(f"{{{prefix}_{fact}}}", value.zh if value else code)
        en = en.replace(f"{{{prefix}_{fact}}}", value.en if value else code)
    return zh, en
