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
