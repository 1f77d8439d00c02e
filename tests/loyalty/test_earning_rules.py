"""What papers earn (F19-F23), what returns leave of it, and how a rule is read from JSON."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.earning.rules.amounts import Facts, Paper
from loyalty.earning.rules.body import dump, parse
from loyalty.earning.rules.evaluate import (
    Considered,
    Evaluation,
    Usage,
    as_json,
    cap_period,
    cooldown_period,
    evaluate,
)
from loyalty.earning.rules.returns import ReturnedLine, earned_after, remaining_lines
from loyalty.earning.rules.rule import STANDARD_RULE, DocumentKind, Rule, in_force
from loyalty.earning.rules.standard import JobType, Line, Payer
from loyalty.earning.rules.terms import LotTerms, terms_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 15)
UNUSED = Usage(by_member={}, granted={}, cooling=frozenset())
PER_YUAN = {"per_yuan": {"points": 1, "per_fen": 100}}
DOUBLE = {"multiplier_percent": 200}


def rule(code: str = "spend", **body: Any) -> Rule:
    """A rule for service orders; the keywords are its body in JSON."""
    said = {"kinds": ["service_order"], "award": PER_YUAN, **body}
    return Rule(code, 1, date.min, None, parse(said))


def paid(*yuan: float, payer: Payer = Payer.CUSTOMER, job: JobType | None = None) -> list[Line]:
    return [Line(payer, round(each * 100), job) for each in yuan]


def paper(
    *lines: Line, kind: str = "service_order", on: date = DAY, campaign: str | None = None
) -> Paper:
    return Paper(DocumentKind(kind), on, lines, campaign)


def outcome(
    of: Paper, *rules: Rule, facts: Facts | None = None, usage: Usage = UNUSED
) -> Evaluation:
    return evaluate(of, facts or Facts(), rules, usage)


def told(evaluation: Evaluation) -> dict[str, int | str]:
    """Points by rule, or why it gave none."""
    return {
        each.code: each.points if each.reason is None else each.reason
        for each in evaluation.considered
    }


# What a paper earns


@pytest.mark.parametrize(
    ("body", "lines", "points"),
    [
        ({}, paid(99.99), 99),
        ({}, paid(1.50, 1.50), 3),
        ({}, paid(*[0.34] * 3), 1),
        ({}, [*paid(100), *paid(50, payer=Payer.WARRANTY)], 100),
        ({"payers": ["customer", "insurer"]}, [*paid(1), *paid(2, payer=Payer.INSURER)], 3),
        ({"job_types": ["wash"]}, [*paid(10, job=JobType.WASH), *paid(5)], 10),
        ({"award": {"per_yuan": {"points": 3, "per_fen": 1_000}}}, paid(19.99), 5),
        ({"tier_percent": {"gold": 150}}, paid(1.01), 1),
        ({"tier_percent": {"gold": 150}}, paid(1.34), 2),
        ({"tier_percent": {"silver": 150}}, paid(10), 10),
        ({"minimum_fen": 20_000}, paid(200), 200),
        ({"caps": {"per_document": 200}}, paid(200), 200),
        ({"caps": {"per_document": 200}}, paid(201), 200),
        ({"award": {"flat": 88}, "minimum_fen": 20_000}, paid(150, 50), 88),
    ],
)
def test_a_service_order_earns_by_who_paid_for_what(
    body: dict[str, Any], lines: list[Line], points: int
) -> None:
    assert outcome(paper(*lines), rule(**body), facts=Facts(tier="gold")).points == points


@pytest.mark.parametrize(
    ("body", "of", "facts", "reason"),
    [
        ({"kinds": ["car_purchase"]}, paper(*paid(100)), Facts(), "kind"),
        ({}, paper(*paid(100, payer=Payer.INSURER)), Facts(), "payer_or_job"),
        ({"job_types": ["wash"]}, paper(*paid(100)), Facts(), "payer_or_job"),
        ({}, paper(), Facts(), "payer_or_job"),
        ({"award": DOUBLE}, paper(), Facts(), "payer_or_job"),
        ({"models": ["速腾"]}, paper(*paid(100)), Facts(model="迈腾"), "model"),
        ({"models": ["速腾"]}, paper(*paid(100)), Facts(), "model"),
        ({"tiers": ["gold"]}, paper(*paid(100)), Facts(tier="silver"), "tier"),
        ({"campaign": "SPRING-26"}, paper(*paid(100)), Facts(), "campaign"),
        ({"minimum_fen": 10_001}, paper(*paid(100)), Facts(), "minimum"),
        ({"award": {"flat": 5}, "minimum_fen": 10_001}, paper(*paid(100)), Facts(), "minimum"),
        ({}, paper(*paid(0.99)), Facts(), "zero"),
    ],
)
def test_a_rule_that_gives_nothing_says_why(
    body: dict[str, Any], of: Paper, facts: Facts, reason: str
) -> None:
    evaluation = outcome(of, rule(**body), facts=facts)
    assert told(evaluation) == {"spend": reason}
    assert (evaluation.points, evaluation.grants) == (0, ())


def test_a_campaign_counts_only_on_the_papers_that_carry_its_code() -> None:
    spring = rule(campaign="SPRING-26", models=["速腾"], tiers=["gold"])
    of = paper(*paid(100), campaign="SPRING-26")
    assert outcome(of, spring, facts=Facts("gold", "速腾")).points == 100


@pytest.mark.parametrize("kind", ["activity", "survey", "birthday"])
def test_what_has_no_lines_earns_the_flat_points_of_its_kind(kind: str) -> None:
    gift = rule(kinds=[kind], award={"flat": 66}, minimum_fen=100)
    assert outcome(paper(kind=kind), gift).points == 66


@pytest.mark.parametrize(
    ("percent", "yuan", "extra"),
    [(101, 99, "zero"), (101, 100, 1), (150, 1, "zero"), (150, 3, 1), (200, 1, 1), (1_000, 7, 63)],
)
def test_a_multiplier_too_small_to_add_a_point_says_so(
    percent: int, yuan: int, extra: int | str
) -> None:
    more = rule("more", award={"multiplier_percent": percent})
    assert told(outcome(paper(*paid(yuan)), rule(), more)) == {"spend": yuan, "more": extra}


def test_a_multiplier_multiplies_only_the_lines_it_is_meant_for() -> None:
    lines = [*paid(100.60, job=JobType.WASH), *paid(50.60)]
    wash_week = rule("wash_week", award=DOUBLE, job_types=["wash"])
    assert told(outcome(paper(*lines), wash_week, rule())) == {"wash_week": 100, "spend": 151}


def test_a_multiplier_adds_to_points_before_their_cap_but_never_to_flat_ones() -> None:
    rules = [
        rule("a_visit", award={"flat": 500}),
        rule("b_capped", caps={"per_document": 10}),
        rule("c_double", award=DOUBLE),
    ]
    assert told(outcome(paper(*paid(100)), *rules)) == {
        "a_visit": 500,
        "b_capped": 10,
        "c_double": 100,
    }


def test_a_multiplier_of_a_rule_that_gives_nothing_adds_nothing() -> None:
    base = rule(caps={"per_member": {"points": 10, "period": "month"}})
    usage = replace(UNUSED, by_member={"spend": 10})
    double = rule("double", award=DOUBLE)
    evaluation = outcome(paper(*paid(100)), base, double, usage=usage)
    assert told(evaluation) == {"spend": "cap_member", "double": "zero"}


@pytest.mark.parametrize(
    ("caps", "used", "granted", "points", "limited_by"),
    [
        ({"per_member": {"points": 150, "period": "month"}}, 49, 0, 100, None),
        ({"per_member": {"points": 150, "period": "month"}}, 50, 0, 100, None),
        ({"per_member": {"points": 150, "period": "month"}}, 51, 0, 99, "per_member"),
        ({"budget": 1_000}, 0, 900, 100, None),
        ({"budget": 1_000}, 0, 999, 1, "budget"),
        ({"per_document": 60, "budget": 1_000}, 0, 940, 60, "per_document"),
        ({"per_document": 60, "budget": 1_000}, 0, 941, 59, "budget"),
        ({"per_member": {"points": 9, "period": "day"}, "per_document": 60}, 0, 0, 9, "per_member"),
    ],
)
def test_the_tightest_cap_decides_and_is_named(
    caps: dict[str, Any], used: int, granted: int, points: int, limited_by: str | None
) -> None:
    usage = replace(UNUSED, by_member={"spend": used}, granted={"spend": granted})
    grant = outcome(paper(*paid(100)), rule(caps=caps), usage=usage).grants[0]
    assert (grant.base_fen, grant.raw) == (10_000, 100)
    assert (grant.points, grant.limited_by) == (points, limited_by)


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        ({"per_member": {"points": 50, "period": "rule"}}, "cap_member"),
        ({"budget": 50}, "cap_budget"),
        ({"per_member": {"points": 50, "period": "rule"}, "budget": 50}, "cap_member"),
    ],
)
@pytest.mark.parametrize("used", [50, 51])
def test_a_cap_that_is_used_up_gives_nothing_and_never_takes(
    caps: dict[str, Any], reason: str, used: int
) -> None:
    usage = replace(UNUSED, by_member={"spend": used}, granted={"spend": used})
    evaluation = outcome(paper(*paid(100)), rule(caps=caps), usage=usage)
    assert told(evaluation) == {"spend": reason}
    assert evaluation.points == 0


def test_a_rule_in_cooldown_waits_and_others_do_not() -> None:
    usage = replace(UNUSED, cooling=frozenset({"visit"}))
    visit = rule("visit", award={"flat": 50}, cooldown_days=30)
    evaluation = outcome(paper(*paid(10)), rule(), visit, usage=usage)
    assert told(evaluation) == {"spend": 10, "visit": "cooldown"}


# Groups: one of several


@pytest.mark.parametrize(
    ("yuan", "expected"),
    [
        (40, {"gift": 50, "spend": "excluded_by_group"}),
        (50, {"gift": 50, "spend": "excluded_by_group"}),
        (51, {"gift": "excluded_by_group", "spend": 51}),
    ],
)
def test_of_one_group_the_best_counts_and_of_equals_the_first_by_code(
    yuan: int, expected: dict[str, Any]
) -> None:
    spend = rule("spend", group="one_of")
    gift = rule("gift", group="one_of", award={"flat": 50})
    assert told(outcome(paper(*paid(yuan)), spend, gift)) == expected


def test_a_rule_whose_cap_is_used_up_leaves_its_group_to_the_next() -> None:
    big = rule("big", group="g", award={"flat": 500}, caps={"budget": 500})
    small = rule("small", group="g", award={"flat": 5})
    usage = replace(UNUSED, granted={"big": 500})
    evaluation = outcome(paper(*paid(1)), big, small, usage=usage)
    assert told(evaluation) == {"big": "cap_budget", "small": 5}


def test_the_better_of_a_gift_and_double_points_counts() -> None:
    rules = [
        rule("base"),
        rule("double", award=DOUBLE, group="spring"),
        rule("gift", award={"flat": 200}, group="spring"),
    ]
    small, large = (told(outcome(paper(*paid(yuan)), *rules)) for yuan in (150, 250))
    assert small == {"base": 150, "double": "excluded_by_group", "gift": 200}
    assert large == {"base": 250, "double": 250, "gift": "excluded_by_group"}


def test_a_multiplier_never_feeds_on_the_rule_it_drives_out() -> None:
    rules = [rule("base", group="g"), rule("more", award={"multiplier_percent": 1_000}, group="g")]
    assert told(outcome(paper(*paid(100)), *rules)) == {"base": 100, "more": "zero"}


def test_points_that_lost_in_another_group_are_not_multiplied() -> None:
    rules = [
        rule("a", group="g"),
        rule("b", group="g", award={"per_yuan": {"points": 2, "per_fen": 100}}),
        rule("double", award=DOUBLE),
    ]
    expected = {"a": "excluded_by_group", "b": 20, "double": 20}
    assert told(outcome(paper(*paid(10)), *rules)) == expected


def test_rules_that_drive_out_each_others_base_are_reckoned_on_what_remains() -> None:
    rules = [
        rule("base"),
        rule("a_spend", group="a"),
        rule("a_double", group="a", award=DOUBLE),
        rule("b_spend", group="b"),
        rule("b_double", group="b", award=DOUBLE),
    ]
    lost = "excluded_by_group"
    expected = {"base": 9, "a_spend": lost, "a_double": 9, "b_spend": lost, "b_double": 9}
    assert told(outcome(paper(*paid(9)), *rules)) == expected


# Versions and their days


@pytest.mark.parametrize(
    ("on", "versions"),
    [
        (date(2025, 12, 31), []),
        (date(2026, 1, 1), [("spend", 4)]),
        (date(2026, 5, 31), [("spend", 4)]),
        (date(2026, 6, 1), [("gift", 1), ("spend", 3)]),
        (date(2026, 8, 31), [("gift", 1), ("spend", 3)]),
        (date(2026, 9, 1), [("gift", 1)]),
    ],
)
def test_the_version_of_the_business_day_counts(on: date, versions: list[tuple[str, int]]) -> None:
    body = rule().body
    june, september = date(2026, 6, 1), date(2026, 9, 1)
    rules = [
        Rule("spend", 3, june, september, body),
        Rule("spend", 2, june, None, body),
        Rule("spend", 4, date(2026, 1, 1), None, body),
        Rule("gift", 1, june, None, body),
    ]
    assert [(each.code, each.version) for each in in_force(rules, on)] == versions


@pytest.mark.parametrize(
    ("period", "on", "first", "after"),
    [
        ("day", date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 1)),
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        ("quarter", date(2026, 3, 31), date(2026, 1, 1), date(2026, 4, 1)),
        ("quarter", date(2026, 4, 1), date(2026, 4, 1), date(2026, 7, 1)),
        ("year", date(2026, 12, 31), date(2026, 1, 1), date(2027, 1, 1)),
        ("rule", DAY, date.min, date.max),
    ],
)
def test_a_members_cap_starts_anew_with_its_period(
    period: str, on: date, first: date, after: date
) -> None:
    capped = rule(caps={"per_member": {"points": 1, "period": period}})
    assert cap_period(capped, on) == (first, after)


@pytest.mark.parametrize(
    ("other", "cooling"),
    [
        (date(2026, 2, 12), False),
        (date(2026, 2, 13), True),
        (date(2026, 3, 15), True),
        (date(2026, 4, 14), True),
        (date(2026, 4, 15), False),
    ],
)
def test_a_late_paper_cools_down_on_both_sides_of_its_day(other: date, cooling: bool) -> None:
    period = cooldown_period(rule(cooldown_days=30), DAY)
    assert period is not None
    assert (period[0] <= other < period[1]) is cooling
    assert cooldown_period(rule(), DAY) is None


# The terms of a lot


def terms(body: dict[str, Any], *, now: datetime, tier: str | None = None) -> LotTerms:
    of = paper(*paid(100))
    grant = outcome(of, rule(**body)).grants[0]
    return terms_of(grant, paper=of, tier=tier, zone=SHANGHAI, now=now)


NOON = datetime(2026, 3, 15, 4, tzinfo=UTC)


def test_a_plain_grant_is_spendable_at_once_and_lasts_two_years() -> None:
    found = terms({"unit_cost_fen": "1.25"}, now=NOON)
    assert (found.rule_id, found.rule_version, found.points) == ("spend", 1, 100)
    assert (found.available_at, found.cancel_at, found.awaits) == (NOON, None, None)
    assert found.expires_at == datetime(2028, 3, 31, 16, tzinfo=UTC)
    assert (found.unit_cost_fen, found.issuer_id) == (Decimal("1.25"), None)
    assert (found.inactivity_months, found.inactivity_round) == (None, None)


@pytest.mark.parametrize(
    ("now", "available"),
    [
        (NOON, datetime(2026, 3, 21, 16, tzinfo=UTC)),
        (datetime(2026, 3, 21, 15, 59, tzinfo=UTC), datetime(2026, 3, 21, 16, tzinfo=UTC)),
        (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_pending_points_wake_on_the_dealers_morning_but_never_in_the_past(
    now: datetime, available: datetime
) -> None:
    found = terms({"pending": {"days": 7}}, now=now)
    assert found.available_at == available
    assert found.expires_at == datetime(2028, 3, 31, 16, tzinfo=UTC)


def test_points_that_wait_for_an_event_are_cancelled_when_it_does_not_come() -> None:
    found = terms({"pending": {"event": "car.registered", "cancel_after_days": 30}}, now=NOON)
    assert (found.available_at, found.awaits) == (None, "car.registered")
    assert found.cancel_at == datetime(2026, 4, 13, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tier", "ends", "idle"),
    [
        (None, datetime(2026, 12, 31, 16, tzinfo=UTC), (None, None)),
        ("silver", datetime(2026, 12, 31, 16, tzinfo=UTC), (None, None)),
        ("gold", datetime(2027, 3, 31, 16, tzinfo=UTC), (12, "month")),
        ("black", None, (None, None)),
    ],
)
def test_a_tier_may_keep_its_points_longer(
    tier: str | None, ends: datetime | None, idle: tuple[int | None, str | None]
) -> None:
    body = {
        "expiry": {"mode": "calendar", "months": 0, "round": "year"},
        "expiry_by_tier": {
            "gold": {"mode": "inactivity", "months": 12, "round": "month"},
            "black": {"mode": "never", "months": None, "round": "day"},
        },
    }
    found = terms(body, now=NOON, tier=tier)
    assert found.expires_at == ends
    assert (found.inactivity_months, found.inactivity_round) == idle


# The explanation


def test_the_explanation_names_every_rule_in_order_and_can_be_stored() -> None:
    rules = [rule("b"), rule("a", kinds=["survey"]), rule("c", caps={"per_document": 1})]
    evaluation = outcome(paper(*paid(5)), *rules)
    assert evaluation.considered == (
        Considered("b", 1, True, None, 5, 5),
        Considered("a", 1, False, "kind", 0, 0),
        Considered("c", 1, True, None, 5, 1),
    )
    stored = json.loads(json.dumps(as_json(evaluation)))
    assert stored["points"] == 6
    assert stored["grants"][1] == {
        "code": "c", "version": 1, "base_fen": 500, "raw": 5, "points": 1,
        "limited_by": "per_document",
    }  # fmt: skip
    assert [each["reason"] for each in stored["considered"]] == [None, "kind", None]


# Reading a rule


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        ({"kind": []}, "/body/kind", "unknown_key"),
        ({"a/b~": 1}, "/body/a~1b~0", "unknown_key"),
        ({"kinds": None}, "/body/kinds", "missing"),
        ({"kinds": []}, "/body/kinds", "out_of_range"),
        ({"kinds": "service_order"}, "/body/kinds", "not_list"),
        ({"kinds": ["survey", "referral"]}, "/body/kinds/1", "unknown_choice"),
        ({"kinds": [["survey"]]}, "/body/kinds/0", "unknown_choice"),
        ({"kinds": ["survey", "survey"]}, "/body/kinds", "repeated"),
        ({"payers": ["friend"]}, "/body/payers/0", "unknown_choice"),
        ({"job_types": ["paint"]}, "/body/job_types/0", "unknown_choice"),
        ({"models": [7]}, "/body/models/0", "not_text"),
        ({"models": ["速腾\n"]}, "/body/models/0", "malformed"),
        ({"models": ["速腾 "]}, "/body/models/0", "malformed"),
        ({"tiers": [""]}, "/body/tiers/0", "out_of_range"),
        ({"campaign": "x" * 65}, "/body/campaign", "out_of_range"),
        ({"award": None}, "/body/award", "missing"),
        ({"award": {}}, "/body/award", "missing"),
        ({"award": 200}, "/body/award", "not_object"),
        ({"award": {"flat": 1, **PER_YUAN}}, "/body/award", "exclusive"),
        ({"award": {"flat": 0}}, "/body/award/flat", "out_of_range"),
        ({"award": {"flat": 1.0}}, "/body/award/flat", "not_integer"),
        ({"award": {"flat": True}}, "/body/award/flat", "not_integer"),
        ({"award": {"flat": "1"}}, "/body/award/flat", "not_integer"),
        ({"award": {"per_yuan": {"points": 1}}}, "/body/award/per_yuan/per_fen", "missing"),
        ({"award": {"multiplier_percent": 100}}, "/body/award/multiplier_percent", "out_of_range"),
        ({"award": {"multiplier_percent": 1001}}, "/body/award/multiplier_percent", "out_of_range"),
        ({"tier_percent": {"gold": 0}}, "/body/tier_percent/gold", "out_of_range"),
        ({"tier_percent": ["gold"]}, "/body/tier_percent", "not_object"),
        ({"award": {"flat": 1}, "tier_percent": {"gold": 150}}, "/body/tier_percent", "exclusive"),
        ({"minimum_fen": -1}, "/body/minimum_fen", "out_of_range"),
        ({"caps": {"per_document": 0}}, "/body/caps/per_document", "out_of_range"),
        ({"caps": {"per_member": {"points": 5}}}, "/body/caps/per_member/period", "missing"),
        ({"caps": {"per_week": 1}}, "/body/caps/per_week", "unknown_key"),
        ({"cooldown_days": 0}, "/body/cooldown_days", "out_of_range"),
        ({"pending": {}}, "/body/pending/event", "missing"),
        ({"pending": {"event": "paid"}}, "/body/pending/cancel_after_days", "missing"),
        ({"pending": {"event": "Paid!", "cancel_after_days": 1}}, "/body/pending/event",
         "malformed"),
        ({"pending": {"days": 1, "cancel_after_days": 2}}, "/body/pending", "exclusive"),
        ({"expiry": {"mode": "never", "months": 1, "round": "day"}}, "/body/expiry/months",
         "exclusive"),
        ({"expiry": {"mode": "rolling", "months": 24}}, "/body/expiry/round", "missing"),
        ({"expiry_by_tier": {"gold": {"mode": "calendar", "months": 2, "round": "quarter"}}},
         "/body/expiry_by_tier/gold/months", "not_whole_periods"),
        ({"unit_cost_fen": 1.0}, "/body/unit_cost_fen", "malformed"),
        ({"unit_cost_fen": "1.00001"}, "/body/unit_cost_fen", "malformed"),
        ({"unit_cost_fen": "-1"}, "/body/unit_cost_fen", "malformed"),
        ({"issuer": "7"}, "/body/issuer", "malformed"),
        ({"issuer": 7}, "/body/issuer", "malformed"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused_at_its_place(
    body: dict[str, Any], pointer: str, reason: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        rule(**body)
    assert (refused.value.code, refused.value.pointer) == ("rule_invalid", pointer)
    assert refused.value.params == {"reason": reason}


def test_a_rule_that_is_no_object_is_refused() -> None:
    with pytest.raises(RuleViolation) as refused:
        parse([])  # type: ignore[arg-type]
    assert (refused.value.pointer, refused.value.params["reason"]) == ("/body", "not_object")


def optional(**shapes: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={k: st.none() | v for k, v in shapes.items()})


NAMES = st.sampled_from(["gold", "silver", "速腾", "迈腾 GTE"])
COUNT = st.integers(1, 3_000)
POLICIES = st.sampled_from(
    [
        {"mode": "rolling", "months": 24, "round": "month"},
        {"mode": "calendar", "months": 3, "round": "quarter"},
        {"mode": "inactivity", "months": 18, "round": "day"},
        {"mode": "never", "round": "day"},
    ]
)
RATES = st.fixed_dictionaries(
    {"per_yuan": st.fixed_dictionaries({"points": st.integers(1, 9), "per_fen": COUNT})}
)
FLATS = st.fixed_dictionaries({"flat": COUNT})
MULTIPLIERS = st.fixed_dictionaries({"multiplier_percent": st.integers(101, 400)})
PAYERS = st.lists(st.sampled_from([each.value for each in Payer]), min_size=1, unique=True)
JOBS = st.lists(st.sampled_from([each.value for each in JobType]), min_size=1, unique=True)
KINDS = st.lists(st.sampled_from([each.value for each in DocumentKind]), min_size=1, unique=True)
BODIES = st.builds(
    lambda needed, more: {**needed, **more},
    st.fixed_dictionaries({"kinds": KINDS, "award": RATES | FLATS | MULTIPLIERS}),
    optional(
        payers=PAYERS,
        job_types=JOBS,
        models=st.lists(NAMES, min_size=1, unique=True),
        tiers=st.lists(NAMES, min_size=1, unique=True),
        campaign=NAMES,
        minimum_fen=st.integers(0, 9_999),
        caps=optional(
            per_document=COUNT,
            per_member=st.fixed_dictionaries(
                {
                    "points": COUNT,
                    "period": st.sampled_from(["day", "month", "quarter", "year", "rule"]),
                }
            ),
            budget=COUNT,
        ),
        cooldown_days=COUNT,
        group=NAMES,
        pending=st.fixed_dictionaries({"days": COUNT})
        | st.fixed_dictionaries({"event": st.just("car.paid"), "cancel_after_days": COUNT}),
        expiry=POLICIES,
        expiry_by_tier=st.dictionaries(NAMES, POLICIES),
        unit_cost_fen=st.decimals(0, 999, places=4).map(str),
        issuer=st.uuids().map(str),
    ),
)


@given(BODIES)
def test_a_rule_survives_being_written_and_read_again(body: Mapping[str, Any]) -> None:
    read = parse(body)
    written = json.loads(json.dumps(dump(read)))
    assert parse(written) == read
    assert hash(parse(written)) == hash(read)
    told_apart = {key: value for key, value in body.items() if key in ("award", "models", "tiers")}
    assert {key: written[key] for key in told_apart} == told_apart


def test_a_full_rule_is_read_as_it_was_meant() -> None:
    issuer = "0190a0b0-0000-7000-8000-000000000001"
    body = rule(tier_percent={"gold": 150}, issuer=issuer, unit_cost_fen="0.5").body
    assert (body.issuer, body.unit_cost_fen) == (UUID(issuer), Decimal("0.5000"))
    assert dump(body)["unit_cost_fen"] == "0.5000"
    assert dump(body)["tier_percent"] == {"gold": 150}


# The standard rule and rounding

LINES = st.lists(
    st.builds(
        Line, st.sampled_from(Payer), st.integers(0, 100_000), st.none() | st.sampled_from(JobType)
    ),
    max_size=6,
)


@given(LINES, st.sampled_from(sorted(STANDARD_RULE.body.kinds)))
def test_the_standard_rule_gives_a_point_for_every_whole_yuan_the_customer_paid(
    lines: list[Line], kind: DocumentKind
) -> None:
    paid_fen = sum(line.amount_fen for line in lines if line.payer is Payer.CUSTOMER)
    assert outcome(paper(*lines, kind=kind), STANDARD_RULE).points == paid_fen // 100


@pytest.mark.parametrize(
    ("lines", "points"),
    [
        ([], 0),
        ([Line(Payer.CUSTOMER, 99)], 0),
        ([Line(Payer.CUSTOMER, 100)], 1),
        ([Line(Payer.CUSTOMER, 150), Line(Payer.CUSTOMER, 150)], 3),
        ([Line(Payer.WARRANTY, 10_000)], 0),
        ([Line(Payer.INSURER, 10_000), Line(Payer.CUSTOMER, 10_000)], 100),
    ],
)
def test_the_sum_of_a_document_is_rounded_down_to_whole_yuan(
    lines: list[Line], points: int
) -> None:
    assert outcome(paper(*lines), STANDARD_RULE).points == points


@given(LINES, st.integers(1, 1_000), st.integers(1, 9), st.integers(1, 999))
def test_a_document_is_rounded_once_and_not_line_by_line(
    lines: list[Line], percent: int, points: int, per_fen: int
) -> None:
    award = {"per_yuan": {"points": points, "per_fen": per_fen}}
    spend = rule(award=award, tier_percent={"gold": percent})
    together = outcome(paper(*lines), spend, facts=Facts(tier="gold")).points
    fen = sum(line.amount_fen for line in lines if line.payer is Payer.CUSTOMER)
    exact = Decimal(fen) * points * percent / (per_fen * 100)
    apart = [outcome(paper(line), spend, facts=Facts(tier="gold")).points for line in lines]
    assert 0 <= exact - together < 1
    assert sum(apart) <= together


# Returns


@pytest.mark.parametrize(
    ("returned", "left"),
    [
        ([], [100, 50, 0]),
        ([[(0, 40)]], [60, 50, 0]),
        ([[(0, 40)], [(0, 60)]], [50, 0]),
        ([[(0, 40), (0, 60), (1, 10)]], [40, 0]),
        ([[(2, 0)]], [100, 50]),
        ([[(0, 100)], [(1, 50)]], []),
    ],
)
def test_what_was_given_back_is_no_longer_there(
    returned: list[list[tuple[int, int]]], left: list[int]
) -> None:
    lines = [Line(Payer.CUSTOMER, fen) for fen in (100, 50, 0)]
    parts = [[ReturnedLine(*part) for part in each] for each in returned]
    assert [line.amount_fen for line in remaining_lines(lines, parts)] == left


@pytest.mark.parametrize(
    ("returned", "code", "pointer", "params"),
    [
        ([[(0, 101)]], "return_exceeds_line", "/lines/0", {"line": 0, "left_fen": 100}),
        ([[(0, 60)], [(1, 1), (0, 41)]], "return_exceeds_line", "/lines/1",
         {"line": 0, "left_fen": 40}),
        ([[(0, 60), (0, 60)]], "return_exceeds_line", "/lines/1", {"line": 0, "left_fen": 40}),
        ([[(2, 0)]], "return_exceeds_line", "/lines/0", {"line": 2, "left_fen": 0}),
        ([[(-1, 1)]], "return_exceeds_line", "/lines/0", {"line": -1, "left_fen": 0}),
        ([[(0, -1)]], "negative_amount", "/lines/0", {}),
    ],
)  # fmt: skip
def test_nobody_gives_back_more_than_he_bought(
    returned: list[list[tuple[int, int]]], code: str, pointer: str, params: dict[str, int]
) -> None:
    lines = [Line(Payer.CUSTOMER, 100), Line(Payer.CUSTOMER, 50)]
    parts = [[ReturnedLine(*part) for part in each] for each in returned]
    with pytest.raises(RuleViolation) as refused:
        remaining_lines(lines, parts)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)
    assert refused.value.params == params


def after(of: Paper, rules: list[Rule], *parts: list[ReturnedLine]) -> dict[str, int]:
    """Points by rule after returns of a paper that earned by these rules."""
    grants = [(each.rule, each.points) for each in outcome(of, *rules, facts=GOLD).grants]
    return earned_after(of, GOLD, grants, remaining_lines(of.lines, parts))


GOLD = Facts(tier="gold")


@pytest.mark.parametrize(
    ("body", "fen", "left"),
    [
        ({}, 5_001, 49),
        ({"caps": {"per_document": 40}}, 5_000, 40),
        ({"caps": {"per_document": 40}}, 7_000, 30),
        ({"minimum_fen": 6_000}, 4_000, 60),
        ({"minimum_fen": 6_000}, 4_001, 0),
        ({"award": {"flat": 88}}, 9_999, 88),
        ({"award": {"flat": 88}}, 10_000, 0),
        ({"award": {"flat": 88}, "minimum_fen": 6_000}, 4_000, 88),
        ({"award": {"flat": 88}, "minimum_fen": 6_000}, 4_001, 0),
    ],
)
def test_a_partial_return_leaves_what_the_rest_would_have_earned(
    body: dict[str, Any], fen: int, left: int
) -> None:
    assert after(paper(*paid(100)), [rule(**body)], [ReturnedLine(0, fen)]) == {"spend": left}


def test_double_points_go_back_doubled() -> None:
    rules = [rule(), rule("double", award=DOUBLE)]
    left = after(paper(*paid(100)), rules, [ReturnedLine(0, 2_500)])
    assert left == {"spend": 75, "double": 75}


def test_double_points_end_with_the_points_they_doubled() -> None:
    rules = [rule(minimum_fen=10_000), rule("double", award=DOUBLE)]
    left = after(paper(*paid(100)), rules, [ReturnedLine(0, 1)])
    assert left == {"spend": 0, "double": 0}


def test_what_had_no_lines_keeps_what_it_earned() -> None:
    gift = rule(kinds=["birthday"], award={"flat": 66})
    assert after(paper(kind="birthday"), [gift]) == {"spend": 66}


CAPS = optional(per_document=COUNT, budget=COUNT)
RULE_SETS = st.lists(
    st.tuples(
        RATES | FLATS | MULTIPLIERS,
        optional(payers=PAYERS, job_types=JOBS, minimum_fen=st.integers(0, 99_999), caps=CAPS),
        st.none() | st.sampled_from(["g", "h"]),
    ),
    max_size=5,
).map(
    lambda drawn: [
        rule(f"r{index}", award=award, group=group, **more)
        for index, (award, more, group) in enumerate(drawn)
    ]
)


@st.composite
def bought_and_returned(draw: st.DrawFn) -> tuple[Paper, list[list[ReturnedLine]]]:
    """A paper and three returns of it, each of parts of its lines."""
    lines = draw(LINES.filter(bool))
    cuts = [
        sorted(draw(st.lists(st.integers(0, line.amount_fen), min_size=3, max_size=3)))
        for line in lines
    ]
    steps = [
        [
            ReturnedLine(index, cut[step] - (cut[step - 1] if step else 0))
            for index, cut in enumerate(cuts)
        ]
        for step in range(3)
    ]
    return paper(*lines), steps


@given(bought_and_returned(), RULE_SETS)
def test_giving_back_more_never_leaves_more(
    case: tuple[Paper, list[list[ReturnedLine]]], rules: list[Rule]
) -> None:
    of, steps = case
    before = {each.rule.code: each.points for each in outcome(of, *rules, facts=GOLD).grants}
    assert after(of, rules) == before
    for count in (1, 2, 3):
        left = after(of, rules, *steps[:count])
        assert all(0 <= left[code] <= before[code] for code in before)
        before = left


@given(bought_and_returned(), RULE_SETS)
def test_many_small_returns_take_what_one_large_one_takes(
    case: tuple[Paper, list[list[ReturnedLine]]], rules: list[Rule]
) -> None:
    of, steps = case
    levels = [after(of, rules, *steps[:count]) for count in range(4)]
    taken = sum(
        was - now[code] for was_all, now in pairwise(levels) for code, was in was_all.items()
    )
    at_once = after(of, rules, [part for step in steps for part in step])
    assert taken == sum(levels[0].values()) - sum(at_once.values())


@given(bought_and_returned(), RULE_SETS)
def test_giving_back_everything_leaves_nothing(
    case: tuple[Paper, list[list[ReturnedLine]]], rules: list[Rule]
) -> None:
    of, _ = case
    everything = [ReturnedLine(index, line.amount_fen) for index, line in enumerate(of.lines)]
    assert set(after(of, rules, everything).values()) <= {0}


@given(LINES, RULE_SETS)
def test_of_a_group_one_rule_counts_and_every_rule_is_explained(
    lines: list[Line], rules: list[Rule]
) -> None:
    evaluation = outcome(paper(*lines), *rules, facts=GOLD)
    assert [each.code for each in evaluation.considered] == [each.code for each in rules]
    groups = [each.rule.body.group for each in evaluation.grants if each.rule.body.group]
    assert len(groups) == len(set(groups))
    assert evaluation.points == sum(each.points for each in evaluation.considered)
    assert all((each.points > 0) is each.applied is (each.reason is None)
               for each in evaluation.considered)  # fmt: skip
