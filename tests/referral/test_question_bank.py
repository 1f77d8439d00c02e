"""The question bank as data: complete, unambiguous, and silent about every answer."""

import json
import re
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from referral.questions import bank_body, values, vocabulary
from referral.questions.bank import Bank, Kind, Question, shown_kind
from referral.questions.bank_body import BUILT_IN, MOST_ABOUT_ONE, dump_bank, parse_bank
from referral.questions.facts import FACTS
from referral.questions.probability import PRIORS
from referral.questions.values import DECOY_COLOURS, DECOY_MODELS, VALUES

Body = dict[str, Any]
PRIOR_OF = {"plate_province": "plate_city"}


def built_in() -> Body:
    return dump_bank(BUILT_IN)


def refusal(body: Any) -> RuleViolation:
    with pytest.raises(RuleViolation) as refused:
        parse_bank(body)
    return refused.value


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{([^}]*)\}", text))


def ids(question: Question) -> str:
    return question.key


def test_what_is_written_down_is_read_back_the_same() -> None:
    assert parse_bank(built_in()) == BUILT_IN
    assert parse_bank(json.loads(json.dumps(built_in()))) == BUILT_IN


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_change_of_a_question_shows_in_the_version(data: st.DataObject) -> None:
    body = built_in()
    row = data.draw(st.sampled_from(body["questions"]))
    row["e"] = data.draw(st.floats(0.001, 0.499).filter(lambda e: e != row["e"]))
    assert parse_bank(body).version != BUILT_IN.version


def test_a_change_of_the_vocabulary_shows_in_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "RAW", values.RAW + b" ")
    assert bank_body.parse_bank(built_in()).version != BUILT_IN.version


@pytest.mark.parametrize("question", BUILT_IN.questions, ids=ids)
def test_the_bank_as_shipped_assumes_the_chances_of_the_design(question: Question) -> None:
    kind = "control" if question.kind is Kind.TRUE_PREMISE else "_and_".join(question.facts)
    assert (question.g, question.e) == PRIORS[PRIOR_OF.get(kind, kind)]


@pytest.mark.parametrize("about", ["owner", "buyer"])
def test_each_party_is_asked_for_the_other_by_name_and_told_one_car_wrongly(about: str) -> None:
    own = [question for question in BUILT_IN.questions if question.about == about]
    kinds = Counter(question.kind for question in own)
    assert kinds[Kind.NAME] == kinds[Kind.FALSE_PREMISE] == kinds[Kind.TRUE_PREMISE] == 1
    asked = {fact for question in own for fact in question.facts}
    assert asked == set(FACTS) - ({"purchase_year"} if about == "buyer" else set())


def test_who_recommended_us_is_asked_before_anybody_is_named() -> None:
    texts = {q.about: (q.text_zh, q.text_en) for q in BUILT_IN.questions if q.kind is Kind.NAME}
    assert texts == {
        "owner": ("谁推荐您来的？", "Who recommended us to you?"),
        "buyer": ("您最近向我们推荐了哪位朋友？", "Whom did you recommend to us?"),
    }


@pytest.mark.parametrize("question", BUILT_IN.questions, ids=ids)
def test_no_question_says_a_word_of_any_answer(question: Question) -> None:
    for text in (question.text_zh, question.text_en):
        bare = re.sub(r"\{[a-z_]+\}|哪位朋友", " ", text)
        folded = vocabulary.fold(bare)
        assert not [fact for fact in VALUES if vocabulary.mentions(fact, folded)]


@pytest.mark.parametrize("question", BUILT_IN.questions, ids=ids)
def test_a_control_tells_the_truth_and_a_false_premise_a_decoy(question: Question) -> None:
    told = {Kind.FALSE_PREMISE: "decoy_", Kind.TRUE_PREMISE: "true_"}.get(question.kind)
    wanted = [f"{told}{fact}" for fact in question.facts] if told else []
    wanted += [] if question.kind is Kind.NAME else ["surname_title"]
    for text in (question.text_zh, question.text_en):
        assert placeholders(text) == sorted(wanted)


Change = Callable[[Body], None]


def first(**changed: Any) -> Change:
    """Change the question about the owner's trade."""

    def change(body: Body) -> None:
        at(body, "owner_trade").update(changed)

    return change


def control(**changed: Any) -> Change:
    def change(body: Body) -> None:
        at(body, "owner_transmission_told").update(changed)

    return change


def premise(**changed: Any) -> Change:
    def change(body: Body) -> None:
        at(body, "owner_model_and_colour").update(changed)

    return change


def at(body: Body, key: str) -> Body:
    return next(row for row in body["questions"] if row["key"] == key)


def without_the_buyers_name(body: Body) -> None:
    body["questions"] = [row for row in body["questions"] if row["key"] != "buyer_name"]


def too_many(body: Body) -> None:
    body["questions"] += [
        at(body, "owner_trade") | {"key": f"k{number}"} for number in range(MOST_ABOUT_ONE)
    ]


WORSE: list[tuple[str, Change]] = [
    ("question_fact_unknown", first(facts=["home_address"])),
    ("question_fact_unknown", first(facts=["employer"])),
    ("question_fact_unknown", first(facts=[["trade"]])),
    ("question_kind_unknown", first(kind="yes_no")),
    ("question_kind_unknown", first(kind="narrative")),
    ("question_kind_unknown", first(kind=["open"])),
    ("question_facts_not_fitting", first(kind="name")),
    ("question_facts_not_fitting", first(facts=["trade", "relation"])),
    ("question_facts_not_fitting", first(facts=["name"])),
    ("question_facts_not_fitting", first(kind="year")),
    ("question_facts_not_fitting", premise(facts=["transmission"])),
    ("question_placeholder", first(zh="他是做什么的？")),
    ("question_placeholder", first(zh="{surname_title}是做什么的，{employer}？")),
    ("question_placeholder", first(zh="{surname_title}和{surname_title}？")),
    ("question_placeholder", first(en="What does {surname_title!r} do?")),
    ("question_placeholder", first(en="What does {surname_title} do {?")),
    ("question_placeholder", first(en="{true_trade}: what does {surname_title} do?")),
    ("question_placeholder", premise(zh="{surname_title}开的是{decoy_model}，对吗？")),
    ("question_placeholder", premise(facts=["model"])),
    ("question_placeholder", control(zh="{surname_title}开的是{decoy_model}，对吗？")),
    ("question_gives_away", first(zh="{surname_title}做建材是在哪里？")),
    ("question_gives_away", first(en="Which school does {surname_title} work at?")),
    ("question_gives_away", first(zh="开白车的{surname_title}是做什么的？")),
    ("question_gives_away", first(zh="张先生介绍的{surname_title}是做什么的？")),
    ("question_gives_away", first(en="What does {surname_title}, Mr Zhang's friend, do?")),
    ("question_gives_away", first(zh="{surname_title}（13800138000）是做什么的？")),
    ("question_gives_away", first(en="What has {surname_title} done for 5 years?")),
    ("question_yes_or_no", first(zh="{surname_title}有工作吗？")),
    ("question_yes_or_no", first(zh="{surname_title}是不是在上班？")),
    ("question_yes_or_no", first(en="Is that what {surname_title} does?")),
    ("question_text_missing", first(en=None)),
    ("question_text_missing", first(zh=" ")),
    ("question_guess_out_of_range", first(g=0.0)),
    ("question_guess_out_of_range", first(g=1.0)),
    ("question_guess_out_of_range", first(g=float("nan"))),
    ("question_guess_out_of_range", first(g="0.5")),
    ("question_guess_out_of_range", control(g=0.5)),
    ("question_guess_out_of_range", control(g=True)),
    ("question_miss_out_of_range", first(e=0.5)),
    ("question_miss_out_of_range", first(e=0.0)),
    ("question_miss_out_of_range", first(e=True)),
    ("question_too_private", first(privacy="C")),
    ("question_too_private", control(privacy="B")),
    ("question_key_repeated", first(key="buyer_trade")),
    ("question_name_missing", without_the_buyers_name),
    ("rule_invalid", first(about="seller")),
    ("rule_invalid", first(privacy="D")),
    ("rule_invalid", first(groups=[])),
    ("rule_invalid", first(key="No Key")),
    ("rule_invalid", first(answer="建材")),
    ("rule_invalid", first(zh="{surname_title}是\n做什么的？")),
    ("rule_invalid", first(en=7)),
    ("rule_invalid", first(zh="{surname_title}" + "做" * 200)),
    ("rule_invalid", too_many),
]


@pytest.mark.parametrize(("code", "change"), WORSE)
def test_a_bank_that_would_spoil_a_call_is_refused_where_it_is_wrong(
    code: str, change: Change
) -> None:
    body = built_in()
    change(body)
    refused = refusal(body)
    assert refused.code == code
    assert refused.pointer is not None
    assert refused.pointer.startswith("/body/questions")


@pytest.mark.parametrize("body", [[], {}, {"questions": []}, {"questions": {}}, {"question": []}])
def test_what_is_no_bank_is_refused(body: Any) -> None:
    assert refusal(body).code == "rule_invalid"


def test_every_refusal_of_a_question_has_a_message_in_both_languages() -> None:
    said = json.loads(files("api.messages").joinpath("questions.json").read_text("utf-8"))
    codes = {code for code, _ in WORSE} - {"rule_invalid"}
    assert codes <= set(said)
    for message in said.values():
        assert all(message[part][one] for part in ("title", "detail") for one in ("zh", "en"))


@pytest.mark.parametrize("fact", VALUES)
def test_a_word_of_a_record_means_one_value_only(fact: str) -> None:
    words = Counter(
        word
        for value in VALUES[fact].values()
        for word in {vocabulary.fold(word) for word in value.words}
    )
    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("fact", VALUES)
def test_every_word_is_understood_wherever_it_is_said(fact: str) -> None:
    for value in VALUES[fact].values():
        for word in value.words + value.also:
            meant = vocabulary.mentions(fact, vocabulary.fold(f"，{word}，"))
            assert meant, word
            assert all(value.code in one for one in meant), word


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_decoy_says_a_word_of_the_car_only(language: str) -> None:
    for model, colour in product(DECOY_MODELS, DECOY_COLOURS):
        car = [
            getattr(VALUES["colour"][colour], language),
            getattr(VALUES["model"][model], language),
        ]
        said = vocabulary.fold(("" if language == "zh" else " ").join(car))
        heard = {fact for fact in VALUES if vocabulary.mentions(fact, said)}
        assert heard == {"model", "colour"}, said


def test_decoys_are_values_the_vocabulary_can_name() -> None:
    assert set(DECOY_MODELS) <= set(VALUES["model"])
    assert set(DECOY_COLOURS) <= set(VALUES["colour"])
    assert len(DECOY_MODELS) >= 10


def test_the_agents_screen_never_says_whether_a_premise_is_true() -> None:
    shown = {kind: shown_kind(kind) for kind in Kind}
    assert shown[Kind.FALSE_PREMISE] == shown[Kind.TRUE_PREMISE] == "confirm_or_correct"
    assert (shown[Kind.NAME], shown[Kind.OPEN], shown[Kind.CHOICE]) == ("open", "open", "choice")
    assert not [one for one in shown.values() if "false" in one or "true" in one]


def test_an_empty_bank_is_no_bank() -> None:
    assert refusal(dump_bank(Bank((), ""))).code == "rule_invalid"
