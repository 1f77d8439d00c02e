"""`loyalty import`: a file of the CRM feed, in pages, to be continued wherever it stopped (F16).

A page is one transaction; whatever this command prints or writes comes from committed rows.
"""

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.exc import OperationalError

from api.commands.environment import find_servers
from api.commands.feed_file import FeedFile, read_feed, write_faults
from api.commands.work import unit_of_work
from api.messages import catalogue
from api.service import Service, build_service
from kernel.database import owner_session
from kernel.errors import DomainError, NotFound
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.open_dealer import find_dealer
from loyalty.dealers.roles import Role
from loyalty.feed.rows import COLUMNS, FeedKind
from loyalty.feed.run import Run, begin, faults, finish, take_page
from loyalty.feed.take_row import Feed, Outcome
from loyalty.formats import reference

PAGE_ROWS = 200
UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file; `new` and `known` count this call only, and never vehicles."""

    rows: int
    failed: int
    new: int
    known: int
    finished_before: bool
    faults_file: Path | None


@click.command("import")
@click.argument("kind", type=click.Choice([kind.value for kind in FeedKind]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dealer", required=True, metavar="CODE_OR_UUID", help="whose rows they are")
@click.option("--source", default="crm", show_default=True, help="whose references they use")
def import_(kind: str, file: Path, dealer: str, source: str) -> None:
    """Take the rows of FILE; run again after an interruption, it goes on where it stopped.

    Rows that cannot be taken are written to FILE.errors.csv with the reason. Exit status: 0
    all rows taken, 1 some refused, 2 the file is unusable.
    """
    find_servers()
    service = build_service(load_settings())
    try:
        summary = import_file(service, kind=kind, file=file, dealer=dealer, source=source)
    except OperationalError as error:
        raise click.ClickException(_told("import_interrupted")) from error
    except DomainError as error:
        click.echo(_told(error.code, **error.params), err=True)
        sys.exit(UNUSABLE)
    finally:
        service.database.dispose()
    sys.exit(1 if summary.failed else 0)


def import_file(
    service: Service, *, kind: str, file: Path, dealer: str, source: str = "crm"
) -> Summary:
    """Import a file and print a line about it; one imported wholly before changes nothing.

    Raises NotFound `dealer_not_found`, what `read_feed` raises, RuleViolation
    `reference_invalid` for the source, and Conflict `import_running_elsewhere`; what was taken
    until then stays taken.
    """
    content = read_feed(file, COLUMNS[FeedKind(kind)])
    feed = Feed(FeedKind(kind), reference.canonical(source), content.header, content.digest)
    dealer_id = dealer_named(service.settings.database_url, dealer)
    entered = partial(unit_of_work, service, dealer_id, role=Role.CRM, client="import")
    with entered() as uow:
        run = begin(uow, feed)
    outcomes = Counter[Outcome]() if run.finished else _take_rest(entered, run, feed, content)
    with entered() as uow:
        refused = faults(uow, run.id)
    faults_file = write_faults(file, content, refused)
    summary = Summary(
        rows=content.rows,
        failed=len(refused),
        new=outcomes[Outcome.NEW],
        known=outcomes[Outcome.KNOWN],
        finished_before=run.finished,
        faults_file=faults_file,
    )
    click.echo(f"{kind}: {_line(summary)}")
    return summary


def dealer_named(database_url: str, code_or_id: str) -> UUID:
    """The dealer of this code or UUID, asked as the owner of the tables, who sees them all.

    Raises NotFound `dealer_not_found`, for an unknown UUID when its transaction begins.
    """
    try:
        with owner_session(database_url, read_only=True) as session:
            return find_dealer(session, code_or_id)
    except NotFound:
        try:
            return UUID(code_or_id)
        except ValueError:
            raise NotFound("dealer_not_found") from None


def _take_rest(
    entered: Callable[[], AbstractContextManager[UnitOfWork]],
    run: Run,
    feed: Feed,
    content: FeedFile,
) -> Counter[Outcome]:
    outcomes = Counter[Outcome]()
    done = run.rows_done
    left = islice(content.records(), done, None)
    with click.progressbar(
        length=content.rows, label=feed.kind.value, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        bar.update(done)
        while page := list(islice(left, PAGE_ROWS)):
            with entered() as uow:
                outcomes += take_page(uow, run.id, feed, page, after=done)
            done += len(page)
            bar.update(len(page))
    with entered() as uow:
        finish(uow, run.id)
    return outcomes


def _line(summary: Summary) -> str:
    parts = [f"{summary.rows} rows, {summary.rows - summary.failed} taken"]
    if summary.new or summary.known:
        parts.append(f" ({summary.new} new, {summary.known} known before)")
    parts.append(f", {summary.failed} refused")
    if summary.finished_before:
        parts.append("; this file was imported before, nothing has changed")
    if summary.faults_file:
        parts.append(f"; see {summary.faults_file}")
    return "".join(parts)


def _told(code: str, **params: Any) -> str:
    message = catalogue()[code]
    return "\n".join(message.detailed(spoken, params) for spoken in ("zh-CN", "en"))
