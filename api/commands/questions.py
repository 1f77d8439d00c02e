"""`loyalty questions report`: whether the questions prove what is assumed of them (F54)."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy import select

from api.commands.environment import find_servers
from api.commands.feed import dealer_named
from api.commands.work import work_for
from api.messages import catalogue
from api.service import build_service
from kernel.database import owner_session
from kernel.errors import DomainError
from kernel.settings import load_settings
from loyalty.dealers.models import Dealer
from loyalty.dealers.roles import Role
from referral.funnel import Cohort, funnel
from referral.question_report import question_report
from referral.questions.calibration import Calibration, Estimate, Marks
from referral.states import State

HEAD = (
    f"{'question':<28}{'asked':>6}"
    f" | {'honest':>6}{'wrong':>6}{'open':>5}{'repl':>5}  {'missed e (95 %)':<22}{'prior':>6}"
    f" | {'fake':>6}{'right':>6}{'open':>5}{'repl':>5}  {'guessed g (95 %)':<22}{'prior':>6}"
    f" | {'median s':>8}{'fast':>5}{'slow':>5}"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What is reported of one dealer."""

    dealer: str
    questions: list[Calibration]
    funnel: list[Cohort]


@click.group()
def questions() -> None:
    """The questions of the calls."""


@questions.command()
@click.option("--dealer", metavar="CODE_OR_UUID", help="this dealer only")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="calls and referrals from this day"
)
@click.option("--json", "as_json", is_flag=True, help="the same as one JSON document")
def report(dealer: str | None, since: datetime | None, as_json: bool) -> None:
    """Compare what is assumed of each question with what was seen, and how far referrals come.

    Honest are those whose referral was verified, fake those found failed or a fraud. Both were
    found so by these very answers, among others: true chances lie a little above. A prior outside
    the interval of 30 cases or more is marked OFF.
    """
    found = _report(dealer, since.date() if since else None)
    if as_json:
        click.echo(json.dumps([_plain(told) for told in found], ensure_ascii=False, indent=2))
        return
    for told in found:
        _tell(told)


def _report(dealer: str | None, since: date | None) -> Iterator[Told]:
    find_servers()
    service = build_service(load_settings())
    url = service.settings.database_url
    dealers = select(Dealer.id, Dealer.code).order_by(Dealer.code)
    try:
        if dealer:
            dealers = dealers.where(Dealer.id == dealer_named(url, dealer))
        with owner_session(url, read_only=True) as session:
            for row in session.execute(dealers).all():
                uow = work_for(service, session, row.id, role=Role.SYSTEM, client="questions")
                yield Told(row.code, question_report(uow, since), funnel(uow, since))
    except DomainError as error:
        message = catalogue()[error.code].detailed("en", error.params)
        raise click.ClickException(message) from error
    finally:
        service.database.dispose()


def _plain(told: Told) -> dict[str, Any]:
    return {
        "dealer": told.dealer,
        "questions": [
            {**asdict(each.asked), "e": _estimated(each.e), "g": _estimated(each.g)}
            for each in told.questions
        ],
        "funnel": [asdict(cohort) for cohort in told.funnel],
    }


def _estimated(estimate: Estimate) -> dict[str, Any]:
    return {**asdict(estimate), "off": estimate.off}


def _tell(told: Told) -> None:
    click.echo(f"{told.dealer}: {len(told.questions)} questions answered")
    if told.questions:
        click.echo(HEAD)
    for each in told.questions:
        click.echo(_line(each))
    for cohort in told.funnel:
        reached = (f"{state} {cohort.reached[state]}" for state in State if state in cohort.reached)
        click.echo(f"{cohort.month}: {', '.join(reached)}")


def _line(each: Calibration) -> str:
    asked = each.asked
    took = "-" if asked.median_seconds is None else f"{asked.median_seconds:.1f}"
    return (
        f"{asked.key:<28}{asked.asked:>6}"
        f" | {_marks(asked.honest, asked.honest.wrong)}  {_chance(each.e)}"
        f" | {_marks(asked.fake, asked.fake.right)}  {_chance(each.g)}"
        f" | {took:>8}{asked.too_fast:>5}{asked.too_slow:>5}{'  OFF' if each.off else ''}"
    )


def _marks(marks: Marks, counted: int) -> str:
    return f"{marks.settled:>6}{counted:>6}{marks.review:>5}{marks.replaced:>5}"


def _chance(estimate: Estimate) -> str:
    share = "-" if estimate.share is None else f"{100 * estimate.share:.1f}%"
    seen = f"{share} {100 * estimate.low:.1f}..{100 * estimate.high:.1f}%"
    prior = "-" if estimate.prior is None else f"{100 * estimate.prior:.1f}%"
    return f"{seen:<22}{prior:>6}"
