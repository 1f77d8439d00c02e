"""Dates: the four ways of writing them, days that do not exist, and the order on a licence."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RuleViolation
from loyalty.formats import dates


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-05",
        "20240305",
        "2024.03.05",
        "2024.3.5",
        "2024年03月05日",
        "2024 年 3 月 5 日",
        "２０２４－０３－０５",
        "2024\u200b-03-05",
    ],
)
def test_one_day_may_be_written_in_several_ways(written: str) -> None:
    assert dates.canonical(written) == date(2024, 3, 5)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-3-5",
        "24-03-05",
        "1024-03-05",
        "2024/03/05",
        "05.03.2024",
        "2024-03.05",
        "2024-03-05T00:00:00Z",
        "2024年3月",
        "٢٠٢٤-03-05",
    ],
)
def test_other_shapes_and_days_that_do_not_exist_are_refused(written: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        dates.canonical(written)
    assert refusal.value.code == "date_invalid"


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_writing_of_every_day_reads_back(day: date) -> None:
    written = [
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day:%Y.%m.%d}",
        f"{day.year}年{day.month}月{day.day}日",
    ]
    assert {dates.canonical(form) for form in written} == {day}


@pytest.mark.parametrize(
    ("days", "wrong"),
    [
        ((1, 1, 1, 1), None),
        ((1, 2, 3, 4), None),
        ((2, 1, 3, 4), {"earlier": "registered_on", "later": "issued_on"}),
        ((1, 3, 2, 4), {"earlier": "issued_on", "later": "photographed_on"}),
        ((1, 2, 5, 4), {"earlier": "photographed_on", "later": "today"}),
    ],
)
def test_a_licence_is_registered_then_issued_then_photographed(
    days: tuple[int, int, int, int], wrong: dict[str, str] | None
) -> None:
    registered, issued, photographed, today = (date(2024, 1, day) for day in days)
    order = {"registered_on": registered, "issued_on": issued, "photographed_on": photographed}
    if wrong is None:
        dates.check_licence_order(**order, today=today)
        return
    with pytest.raises(RuleViolation) as refusal:
        dates.check_licence_order(**order, today=today)
    assert (refusal.value.code, refusal.value.params) == ("licence_dates_order", wrong)


@pytest.mark.parametrize(("issued_day", "signals"), [(1, ()), (2, ("licence_issued_later",))])
def test_an_issue_after_registration_is_a_signal(issued_day: int, signals: tuple[str, ...]) -> None:
    registered, issued = date(2024, 1, 1), date(2024, 1, issued_day)
    assert dates.licence_warnings(registered_on=registered, issued_on=issued) == signals
