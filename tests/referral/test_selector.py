"""Which questions one call asks: the strongest set that proves enough, or none at all."""

from dataclasses import replace
from itertools import combinations, product
from math import log2, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral.draw_rules import Party
from referral.questions import vocabulary
from referral.questions.bank import Bank, Kind, Privacy, Question
from referral.questions.bank_body import BUILT_IN
from referral.questions.facts import Fact, Facts, Origin, Record, gather
from referral.questions.narrative import narrative
from referral.questions.selector import (
    SELECTOR_VERSION,
    Asked,
    Chosen,
    NoAdmissibleSet,
    select,
)
from referral.questions.values import VALUES

OF_ZHANG_SAN = {
    "name": Record("张三", Origin.SLIP),
    "model": Record("速腾", Origin.SLIP),
    "colour": Record("白色", Origin.SLIP),
    "trade": Record("建材生意", Origin.RECORD),
    "transmission": Record("自动挡", Origin.RECORD),
    "plate_province": Record("沪A12345", Origin.RECORD),
    "purchase_year": Record("2019", Origin.RECORD),
    "relation": Record("同事", Origin.NOMINATION),
}
ZHANG_SAN = gather(OF_ZHANG_SAN)
REFERENCE = {"owner_name", "owner_model_and_colour", "owner_trade", "owner_relation"}
CARS = [("速腾", "A")]
SEEDS = st.binary(min_size=32, max_size=32)
QUESTION = {question.key: question for question in BUILT_IN.questions}
MIXED_IN, LEFT_OUT = bytes([0]) * 32, bytes([3]) * 32
"""Seeds by which a control is wanted, and is not."""


def chosen(
    facts: Facts = ZHANG_SAN,
    seed: bytes = LEFT_OUT,
    *,
    bank: Bank = BUILT_IN,
    about: Party = "owner",
    recent: frozenset[str] = frozenset(),
) -> Chosen:
    return select(about=about, facts=facts, cars=CARS, bank=bank, seed=seed, recent=recent)


def keys(asked: tuple[Asked, ...], part: str = "asked") -> list[str]:
    return [one.key for one in asked if one.part == part]


def known(**changed: Fact | None) -> Facts:
    """What is known of 张三, with some facts another or unknown."""
    facts = {**ZHANG_SAN, **changed}
    return {name: fact for name, fact in facts.items() if fact is not None}


def test_of_zhang_san_the_reference_set_is_asked() -> None:
    drawn = chosen()
    assert set(keys(drawn.asked)) == REFERENCE
    assert keys(drawn.asked)[0] == "owner_name"
    assert 100 * drawn.odds.fake_t0 == pytest.approx(0.92, abs=0.005)
    assert 100 * drawn.odds.fake_t1 == pytest.approx(49.0, abs=0.05)
    assert 100 * drawn.odds.honest_rejected == pytest.approx(2.4, abs=0.05)


def test_a_control_is_mixed_in_by_the_seed_where_honest_people_can_bear_it() -> None:
    drawn = chosen(seed=MIXED_IN)
    assert set(keys(drawn.asked)) == REFERENCE
    assert keys(drawn.asked, "control") == ["owner_transmission_told"]
    assert drawn.asked[0].kind is Kind.NAME
    assert drawn.odds.fake_t0 == pytest.approx(chosen().odds.fake_t0)
    assert chosen().odds.honest_rejected < drawn.odds.honest_rejected <= 0.03
    known_year = known(known_for=Fact("known_for", "over_10", Origin.NOMINATION, 0.05))
    assert keys(chosen(known_year, MIXED_IN).asked, "control")


def test_a_control_that_would_reject_too_many_honest_people_is_left_out() -> None:
    bank = Bank(
        tuple(
            replace(row, e=0.08) if row.kind is Kind.TRUE_PREMISE else row
            for row in BUILT_IN.questions
        ),
        "another",
    )
    drawn = chosen(seed=MIXED_IN, bank=bank)
    assert set(keys(drawn.asked)) == REFERENCE
    assert len(drawn.asked) == 4


def test_half_of_all_calls_have_a_control() -> None:
    calls = [chosen(seed=bytes([number]) * 32) for number in range(256)]
    assert 100 < sum(bool(keys(one.asked, "control")) for one in calls) < 156


@pytest.mark.parametrize("missing", ["name", "trade", "relation", "model", "colour"])
def test_without_one_of_the_four_nothing_proves_enough_and_nothing_is_padded(missing: str) -> None:
    with pytest.raises(NoAdmissibleSet) as none:
        chosen(known(**{missing: None}))
    assert missing in none.value.missing
    assert "known_for" in none.value.missing


def test_the_refusal_tells_what_is_missing_but_no_value() -> None:
    with pytest.raises(NoAdmissibleSet) as none:
        chosen(known(trade=None))
    assert none.value.missing == ["trade", "known_for", "companion"]
    assert str(none.value) == "no admissible set of questions"


def test_who_had_a_car_of_every_colour_cannot_be_asked_falsely() -> None:
    cars = [("速腾", colour) for colour in VALUES["colour"]]
    with pytest.raises(NoAdmissibleSet) as none:
        select(
            about="owner",
            facts=ZHANG_SAN,
            cars=cars,
            bank=BUILT_IN,
            seed=LEFT_OUT,
            recent=frozenset(),
        )
    assert none.value.missing == ["known_for", "companion", "decoy"]


def test_what_everybody_guesses_is_not_asked() -> None:
    modal = Fact("relation", "colleague", Origin.NOMINATION, 0.3, modal=True)
    with pytest.raises(NoAdmissibleSet):
        chosen(known(relation=modal))
    rare = replace(modal, modal=False)
    assert "owner_relation" in keys(chosen(known(relation=rare)).asked)


def test_a_white_car_counts_by_its_model_alone_where_everybody_drives_white() -> None:
    car = {
        "model": Fact("model", "sagitar", Origin.SLIP, 0.1),
        "colour": Fact("colour", "A", Origin.SLIP, 0.6, modal=True),
    }
    drawn = chosen(known(**car))
    told = next(one for one in drawn.asked if one.kind is Kind.FALSE_PREMISE)
    assert told.item is not None
    assert told.item.g == pytest.approx((0.1, 1.0, 1.0))
    both = {name: replace(fact, modal=True) for name, fact in car.items()}
    with pytest.raises(NoAdmissibleSet):
        chosen(known(**both))


@pytest.mark.parametrize(
    ("model", "colour", "g"),
    [
        ((Origin.SLIP, 0.1), (Origin.SLIP, 0.2), (0.02, 1.0, 1.0)),
        ((Origin.RECORD, 0.1), (Origin.RECORD, 0.2), (0.02, 0.02, 0.02)),
        ((Origin.SALE, 0.1), (Origin.SALE, 0.2), (0.02, 0.02, 1.0)),
        ((Origin.SLIP, 0.1), (Origin.RECORD, 0.2), (0.02, 0.2, 0.2)),
        ((Origin.SLIP, None), (Origin.SLIP, 0.2), (0.15, 1.0, 1.0)),
        ((Origin.SLIP, None), (Origin.RECORD, 0.2), (0.15, 0.15, 0.15)),
    ],
)
def test_a_told_car_is_worth_what_the_store_and_the_forger_make_of_it(
    model: tuple[Origin, float | None],
    colour: tuple[Origin, float | None],
    g: tuple[float, float, float],
) -> None:
    facts = known(model=Fact("model", "sagitar", *model), colour=Fact("colour", "A", *colour))
    told = next(one for one in chosen(facts).asked if one.kind is Kind.FALSE_PREMISE)
    assert told.item is not None
    assert told.item.g == pytest.approx(g)


@pytest.mark.parametrize(
    ("origin", "seen", "t1", "t2"),
    [
        (Origin.NOMINATION, False, 0.4, 0.4),
        (Origin.RECORD, False, 0.4, 0.4),
        (Origin.RECORD, True, 0.4, 1.0),
        (Origin.NOMINATION, True, 0.4, 1.0),
        (Origin.CONSULTANT, False, 0.4, 1.0),
        (Origin.SALE, False, 0.4, 1.0),
        (Origin.SLIP, False, 1.0, 1.0),
    ],
)
def test_what_a_forger_has_seen_proves_nothing_against_him(
    origin: Origin, seen: bool, t1: float, t2: float
) -> None:
    facts = known(relation=Fact("relation", "colleague", origin, seen=seen))
    relation = next(one for one in chosen(facts).asked if one.key == "owner_relation")
    assert relation.item is not None
    assert relation.item.g == (0.4, t1, t2)


def test_a_fact_nobody_typed_is_preferred_to_one_the_consultant_knows() -> None:
    typed = Fact("relation", "colleague", Origin.CONSULTANT)
    told = Fact("companion", "family", Origin.NOMINATION)
    both = known(relation=typed, companion=told)
    assert "owner_companion" in keys(chosen(both).asked)
    assert "owner_relation" in keys(chosen(replaced(both, "relation")).asked)


def replaced(facts: Facts, name: str) -> Facts:
    """The same, but the owner himself told this fact and the consultant knows the companion."""
    other = {
        name: replace(facts[name], origin=Origin.NOMINATION),
        "companion": replace(facts["companion"], origin=Origin.CONSULTANT),
    }
    return {**facts, **other}


def test_equally_strong_sets_are_drawn_by_the_seed() -> None:
    equal = known(
        relation=Fact("relation", "colleague", Origin.NOMINATION, 0.3),
        companion=Fact("companion", "family", Origin.NOMINATION, 0.3),
    )
    drawn = {frozenset(keys(chosen(equal, bytes([n]) * 32).asked)) for n in range(40)}
    assert len(drawn) == 2


def test_three_questions_are_asked_where_three_prove_enough_and_no_fourth_may_be_asked() -> None:
    few = known(
        relation=None,
        transmission=None,
        trade=Fact("trade", "building", Origin.RECORD, 0.04),
        purchase_year=None,
    )
    drawn = chosen(few)
    assert len(drawn.asked) == 3
    assert drawn.odds.fake_t0 <= 0.01


def test_a_reserve_keeps_both_bounds_whatever_it_replaces() -> None:
    more = known(
        relation=Fact("relation", "colleague", Origin.NOMINATION, 0.2),
        companion=Fact("companion", "family", Origin.NOMINATION, 0.21),
    )
    drawn = chosen(more)
    assert keys(drawn.reserve, "reserve") == ["owner_companion"]
    assert chosen().reserve == ()


def test_the_other_questions_come_in_an_order_of_the_seed() -> None:
    drawn = [chosen(seed=bytes([number]) * 32).asked for number in range(64)]
    assert {one[0].kind for one in drawn} == {Kind.NAME}
    places = {[each.kind for each in one].index(Kind.FALSE_PREMISE) for one in drawn}
    assert {1, 2, 3} <= places


def test_what_was_asked_lately_is_not_asked_again() -> None:
    more = known(companion=Fact("companion", "family", Origin.NOMINATION))
    first = chosen(more)
    asked = frozenset(keys(first.asked)) - {"owner_name", "owner_trade", "owner_model_and_colour"}
    again = chosen(more, recent=asked)
    assert not asked & {one.key for one in (*again.asked, *again.reserve)}


def test_no_expected_answer_shows_when_questions_are_printed() -> None:
    drawn = chosen(seed=MIXED_IN)
    printed = repr(drawn) + str(drawn.asked[0]) + repr(drawn.asked)
    values = [fact.value for fact in ZHANG_SAN.values() if len(fact.value) > 1]
    texts = ["expected", "decoy_", "0.15", "自动", *values]
    assert not [one for one in texts if one in printed]


def test_the_rules_of_choosing_have_a_version() -> None:
    assert SELECTOR_VERSION == "2"


@pytest.mark.parametrize("about", ["owner", "buyer"])
def test_the_open_narrative_asks_four_things_and_expects_nothing(about: Party) -> None:
    told = narrative(about)
    assert len(told) == 4
    assert {(one.kind, one.part, one.item) for one in told} == {(Kind.NARRATIVE, "narrative", None)}
    assert all(one.expected == {} for one in told)
    assert ["{surname_title}" in one.text_zh for one in told] == [False, True, True, True]
    assert ["{surname_title}" in one.text_en for one in told] == [False, True, True, True]


# Properties, over any facts of the bank as shipped.

ORIGINS = st.sampled_from(Origin)
SHARES = st.none() | st.sampled_from([0.01, 0.04, 0.1, 0.2, 0.35, 0.5, 0.8])


@st.composite
def any_facts(draw: st.DrawFn, most: int = 10) -> Facts:
    facts = {}
    names = st.sets(st.sampled_from(sorted({*VALUES, "name", "purchase_year"})), max_size=most)
    for name in draw(names):
        share = draw(SHARES)
        value = draw(st.sampled_from(sorted(VALUES[name]))) if name in VALUES else "2019"
        modal = share is not None and share >= 0.25 and draw(st.booleans())
        facts[name] = Fact(name, value, draw(ORIGINS), share, modal, draw(st.booleans()))
    return facts


@settings(deadline=None)
@given(st.sampled_from(["owner", "buyer"]), any_facts(), SEEDS)
def test_whatever_is_asked_proves_enough_and_gives_nothing_away(
    about: Party, facts: Facts, seed: bytes
) -> None:
    try:
        drawn = chosen(facts, seed, about=about)
    except NoAdmissibleSet:
        return
    assert chosen(dict(reversed(list(facts.items()))), seed, about=about) == drawn
    turned = Bank(tuple(reversed(BUILT_IN.questions)), BUILT_IN.version)
    assert chosen(facts, seed, about=about, bank=turned) == drawn
    scored = [one for one in drawn.asked if one.part == "asked"]
    assert len(scored) in (3, 4)
    assert drawn.odds.fake_t0 <= 0.01
    assert drawn.odds.honest_rejected <= 0.03
    assert [one.kind for one in drawn.asked].count(Kind.NAME) == 1
    assert drawn.asked[0].kind is Kind.NAME
    premises = sum(one.kind is Kind.FALSE_PREMISE for one in scored)
    assert 1 <= premises <= len(scored) / 2
    questions = [QUESTION[one.key] for one in (*drawn.asked, *drawn.reserve)]
    groups = [group for question in questions for group in question.groups]
    assert len(set(groups)) == len(groups)
    for one in scored:
        asked_of = [facts[name] for name in QUESTION[one.key].facts]
        assert not all(fact.modal for fact in asked_of)
    for one in drawn.asked:
        assert not told_away(one, facts)


def told_away(one: Asked, facts: Facts) -> list[str]:
    """Facts whose value the text says; a control may say its own."""
    found = []
    for text in (one.text_zh, one.text_en):
        folded = vocabulary.fold(text.replace("哪位朋友", ""))
        own = QUESTION[one.key].facts if one.part == "control" else ()
        for fact in set(VALUES) & set(facts) - set(own):
            heard = vocabulary.mentions(fact, folded)
            found += [fact for meant in heard if facts[fact].value in meant]
        assert "{decoy" not in text
        assert "{true" not in text
    return found


def made(**rows: tuple[Kind, str, float, float]) -> Bank:
    """A bank of the owner: for each key the kind, the facts, g and e; a group for each."""
    return Bank(
        tuple(
            Question(key, "owner", tuple(facts.split()), kind, "", "", frozenset({key}), g, e, A)
            for key, (kind, facts, g, e) in rows.items()
        ),
        "made",
    )


A = Privacy.A
NAMED = (Kind.NAME, "name", 0.002, 0.02)
TOLD = (Kind.FALSE_PREMISE, "model colour", 0.1, 0.02)
TRADE = (Kind.OPEN, "trade", 0.1, 0.02)


@pytest.mark.parametrize(
    ("g", "e", "fourth"),
    [(0.5, 0.02, True), (0.51, 0.02, False), (0.4, 0.15, True), (0.4, 0.151, False)],
)
def test_a_question_is_worth_a_bit_and_seldom_missed_or_it_is_not_asked(
    g: float, e: float, fourth: bool
) -> None:
    less = made(name=NAMED, told=(*TOLD[:2], 0.05, 0.02), trade=(*TRADE[:2], 0.05, 0.02))
    more = made(relation=(Kind.CHOICE, "relation", g, e))
    drawn = chosen(bank=Bank(less.questions + more.questions, "made"))
    assert ("relation" in keys(drawn.asked)) == fourth
    assert len(drawn.asked) == 3 + fourth


def test_what_the_consultant_knows_comes_last_however_rare_it_is() -> None:
    facts = known(
        relation=Fact("relation", "colleague", Origin.CONSULTANT, 0.1),
        companion=Fact("companion", "family", Origin.NOMINATION, 0.4),
    )
    assert "owner_companion" in keys(chosen(facts).asked)
    assert "owner_relation" not in keys(chosen(facts).asked)


def test_two_of_four_may_be_false_premises_but_never_two_of_three() -> None:
    model = (Kind.FALSE_PREMISE, "model", 0.05, 0.02)
    colour = (Kind.FALSE_PREMISE, "colour", 0.05, 0.02)
    three = made(name=NAMED, model=model, colour=colour)
    with pytest.raises(NoAdmissibleSet):
        chosen(bank=three)
    four = made(name=NAMED, model=model, colour=colour, trade=TRADE)
    assert set(keys(chosen(bank=four).asked)) == {"name", "model", "colour", "trade"}


def test_two_questions_about_one_fact_are_never_asked_whatever_their_groups() -> None:
    choice = (Kind.CHOICE, "model", 0.02, 0.02)
    with pytest.raises(NoAdmissibleSet):
        chosen(bank=made(name=NAMED, told=TOLD, model=choice))
    drawn = chosen(bank=made(name=NAMED, told=TOLD, model=choice, trade=(*TRADE[:2], 0.05, 0.02)))
    assert set(keys(drawn.asked)) == {"name", "told", "trade"}


@pytest.mark.parametrize(("g", "there"), [(0.28, True), (0.4, False)])
def test_what_could_replace_only_one_of_two_is_no_reserve(g: float, there: bool) -> None:
    """It may stand in for the relation; for the trade, only where it is as rare."""
    bank = made(
        name=NAMED,
        told=(*TOLD[:2], 0.1, 0.02),
        trade=(*TRADE[:2], 0.1, 0.02),
        relation=(Kind.CHOICE, "relation", 0.27, 0.02),
        plate=(Kind.CHOICE, "plate_province", g, 0.02),
    )
    drawn = chosen(bank=bank)
    assert set(keys(drawn.asked)) == {"name", "told", "trade", "relation"}
    assert keys(drawn.reserve, "reserve") == (["plate"] if there else [])


# An independent search by brute force over small banks.

CHANCES = st.sampled_from([0.002, 0.03, 0.1, 0.15, 0.3, 0.5, 0.6])
MISSES = st.sampled_from([0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.15, 0.16])
GROUPS = st.frozensets(st.sampled_from("abcdefghijklmnopqrst"), min_size=1, max_size=2)
FACT_OF: dict[Kind, list[tuple[str, ...]]] = {
    Kind.NAME: [("name",)],
    Kind.FALSE_PREMISE: [("model", "colour"), ("model",), ("colour",)],
    Kind.CHOICE: [("relation",), ("plate_province",), ("model",), ("trade",)],
    Kind.OPEN: [("trade",), ("known_for",), ("companion",)],
}


@st.composite
def small_bank(draw: st.DrawFn) -> Bank:
    rows = []
    wanted = st.lists(st.sampled_from([*FACT_OF, Kind.OPEN, Kind.CHOICE]), min_size=3, max_size=7)
    for number, kind in enumerate([Kind.NAME, Kind.FALSE_PREMISE, *draw(wanted)]):
        rows.append(
            Question(
                key=f"q{number}",
                about="owner",
                facts=draw(st.sampled_from(FACT_OF[kind])),
                kind=kind,
                text_zh="",
                text_en="",
                groups=draw(GROUPS),
                g=0.002 if number == 0 else draw(CHANCES),
                e=draw(MISSES),
                privacy=Privacy.A,
            )
        )
    return Bank(tuple(rows), "small")


@settings(max_examples=100, deadline=None)
@given(small_bank(), any_facts(4), SEEDS, st.frozensets(st.sampled_from(["q2", "q3"])))
def test_an_independent_search_by_brute_force_finds_the_same(
    bank: Bank, facts: Facts, seed: bytes, recent: frozenset[str]
) -> None:
    whole = {**ZHANG_SAN, **facts}
    best = brute_force(bank, whole, recent)
    if not best:
        with pytest.raises(NoAdmissibleSet):
            chosen(whole, seed, bank=bank, recent=recent)
        return
    drawn = chosen(whole, seed, bank=bank, recent=recent)
    assert frozenset(keys(drawn.asked)) in best


def brute_force(bank: Bank, facts: Facts, recent: frozenset[str]) -> set[frozenset[str]]:
    """The key sets that are equally strongest, found without the selector's own code."""
    usable = []
    for row in bank.questions:
        if row.key in recent or row.e > 0.15 or any(name not in facts for name in row.facts):
            continue
        own = [facts[name] for name in row.facts]
        guess = chance(row, [fact for fact in own if not fact.modal], own)
        if not all(fact.modal for fact in own) and guess <= 0.5:
            hidden = [fact for fact in own if not exposed(fact)]
            usable.append((row, guess, chance(row, [f for f in hidden if not f.modal], own)
                           if hidden else 1.0))  # fmt: skip
    scored: dict[frozenset[str], tuple[float, float]] = {}
    for size in (3, 4):
        for tried in combinations(usable, size):
            if allowed([row for row, _, _ in tried]) and proves(tried):
                bits = [(-log2(guess), at_screen) for _, guess, at_screen in tried]
                clean = sum(one for one, at_screen in bits if at_screen < 1)
                strength = (round(clean, 8), round(sum(one for one, _ in bits), 8))
                scored[frozenset(row.key for row, _, _ in tried)] = strength
    top = max(scored.values(), default=None)
    return {one for one, strength in scored.items() if strength == top}


def chance(row: Question, counted: list[Fact], own: list[Fact]) -> float:
    if any(fact.share is None for fact in own):
        return row.g
    return prod(fact.share or 0.0 for fact in counted)


def exposed(fact: Fact) -> bool:
    return fact.seen or fact.origin not in (Origin.RECORD, Origin.NOMINATION)


def allowed(rows: list[Question]) -> bool:
    kinds = [row.kind for row in rows]
    premises = kinds.count(Kind.FALSE_PREMISE)
    marks = [mark for row in rows for mark in (*row.groups, *(f"fact {f}" for f in row.facts))]
    return (
        kinds.count(Kind.NAME) == 1
        and premises in (1, 2)
        and 2 * premises <= len(rows)
        and len(set(marks)) == len(marks)
    )


def proves(tried: tuple[tuple[Question, float, float], ...]) -> bool:
    fake = passes([guess for _, guess, _ in tried])
    honest = passes([1 - row.e for row, _, _ in tried])
    return fake <= 0.01 and 1 - honest <= 0.03


def passes(right: list[float]) -> float:
    """At most one wrong, over every pattern of right and wrong."""
    return sum(
        prod(one if hit else 1 - one for one, hit in zip(right, pattern, strict=True))
        for pattern in product([True, False], repeat=len(right))
        if pattern.count(False) <= 1
    )
