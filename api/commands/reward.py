"""`loyalty reward codes`: a large file of voucher codes into a reward's pool, safe to run twice.

A page is one transaction. What this command prints never holds a code; the file of refused rows
does, beside the file it is about and for the operator's eyes only.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

import click

from api.commands.environment import find_servers
from api.commands.feed import Enter, dealer_named
from api.commands.feed_file import FeedFile, read_feed, write_faults
from api.commands.work import unit_of_work
from api.messages import catalogue
from api.service import Service, build_service
from kernel.errors import DomainError
from kernel.ids import new_id
from kernel.settings import load_settings
from loyalty.dealers.roles import Role
from loyalty.feed.run import Fault
from loyalty.feed.take_row import Record
from loyalty.formats import dates
from loyalty.rewards import codes as pools
from loyalty.rewards.codes import NewCode, Outcome, Result

UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file; `invalid` rows stand in `faults_file` with the reason. Of the known
    codes, `other_day` were told with another last day than the one that stays."""

    new: int
    known: int
    other_day: int
    invalid: int
    faults_file: Path | None


@click.group()
def reward() -> None:
    """The rewards of a dealer."""


@reward.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dealer", required=True, metavar="CODE_OR_UUID", help="whose reward it is")
@click.option("--reward", "reward_code", required=True, metavar="CODE", help="whose pool it is")
def codes(file: Path, dealer: str, reward_code: str) -> None:
    """Upload the voucher codes of FILE, a CSV with the columns code and, if they end, ends_on.

    Run again after an interruption: codes that were taken are known. Rows that cannot be taken are
    written to FILE.errors.csv. Exit status: 0 all rows taken or known, 1 some refused, 2 the file,
    the dealer or the reward is unusable.
    """
    find_servers()
    service = build_service(load_settings())
    try:
        summary = upload_file(service, file=file, dealer=dealer, reward_code=reward_code)
    except DomainError as error:
        click.echo(catalogue()[error.code].detailed("en", error.params), err=True)
        sys.exit(UNUSABLE)
    finally:
        service.database.dispose()
    click.echo(f"codes: {summary.new} new, {summary.known} known before, {summary.invalid} refused")
    if summary.other_day:
        click.echo(f"{summary.other_day} known ones have another last day here, which stays")
    if summary.faults_file:
        click.echo(f"see {summary.faults_file}")
        sys.exit(1)


def upload_file(service: Service, *, file: Path, dealer: str, reward_code: str) -> Summary:
    """Take a file of codes page by page.

    Raises NotFound `dealer_not_found` and `reward_not_found`, Conflict `reward_has_stock`, and what
    `read_feed` raises.
    """
    content = read_feed(file, ("code",), ("ends_on",))
    dealer_id = dealer_named(service.settings.database_url, dealer)
    enter = partial(unit_of_work, service, dealer_id, role=Role.SYSTEM, client="upload")
    with enter() as uow:
        reward_id = pools.reward_by_code(uow, reward_code)
    faults: list[Fault] = []
    results: list[Result] = []
    for page in _pages(content):
        results += _take(enter, reward_id, content.header, page, faults)
    outcomes = Counter(result.outcome for result in results)
    return Summary(
        new=outcomes[Outcome.NEW],
        known=outcomes[Outcome.KNOWN],
        other_day=sum(result.other_day for result in results),
        invalid=len(faults),
        faults_file=write_faults(file, content, faults),
    )


def _pages(content: FeedFile) -> Iterator[list[Record]]:
    left = content.records()
    while page := list(islice(left, pools.MOST_AT_ONCE)):
        yield page


def _take(
    enter: Enter,
    reward_id: UUID,
    header: tuple[str, ...],
    page: list[Record],
    faults: list[Fault],
) -> list[Result]:
    read: list[tuple[int, NewCode]] = []
    for record in page:
        row = dict(zip(header, record.cells, strict=False))
        try:
            read.append((record.number, _new_code(row)))
        except DomainError as error:
            faults.append(Fault(record.number, error.code, "/ends_on", error.params))
    with enter() as uow:
        results = pools.add_codes(uow, reward_id, [new for _, new in read], batch=new_id())
    for (number, _), result in zip(read, results, strict=True):
        if result.fault:
            pointer = "/ends_on" if result.fault is pools.Fault.ENDED else "/code"
            faults.append(Fault(number, result.fault, pointer, {}))
    return results


def _new_code(row: dict[str, str]) -> NewCode:
    ends_on = row.get("ends_on", "").strip()
    return NewCode(row.get("code", ""), dates.canonical(ends_on) if ends_on else None)
