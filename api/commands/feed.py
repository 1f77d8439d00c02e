"""`loyalty import`: a file of the CRM feed, in pages, to be continued wherever it stopped (F16).

A page is one transaction; whatever this command prints or writes comes from committed rows.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.exc import OperationalError

from api.commands.environment import find_servers
from api.commands.feed_file import (
    LINE,
    FeedFile,
    read_feed,
    read_json_lines,
    write_faults,
)
from api.commands.work import unit_of_work
from api.document_lines import read_line
from api.messages import catalogue
from api.service import Service, build_service
from kernel.database import owner_session
from kernel.errors import DomainError, NotFound
from kernel.settings import load_settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.open_dealer import find_dealer
from loyalty.dealers.roles import Role
from loyalty.earning.bulk import Draft, Refused
from loyalty.feed.documents import read_all, table_reader
from loyalty.feed.rows import COLUMNS, OPTIONAL_COLUMNS, FeedKind
from loyalty.feed.run import Run, begin, faults, finish, take_chunk, take_page
from loyalty.feed.take_row import Feed, Outcome, Record
from loyalty.formats import reference

PAGE_ROWS = 200
CHUNK_ROWS = 5_000
JSON_LINES = (".ndjson", ".jsonl")
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

    FILE is a CSV; documents may also come as JSON lines (.ndjson, .jsonl), each the body of
    POST /v1/documents, its member by member_id or member_ref.
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
    content = _read(FeedKind(kind), file)
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


def _read(kind: FeedKind, file: Path) -> FeedFile:
    if kind is FeedKind.DOCUMENTS and file.suffix.lower() in JSON_LINES:
        return read_json_lines(file)
    return read_feed(file, COLUMNS[kind], OPTIONAL_COLUMNS.get(kind, ()))


Enter = Callable[[], AbstractContextManager[UnitOfWork]]
Taken = tuple[Counter[Outcome], int]


def _take_rest(enter: Enter, run: Run, feed: Feed, content: FeedFile) -> Counter[Outcome]:
    outcomes = Counter[Outcome]()
    left = islice(content.records(), run.rows_done, None)
    take = _chunks if feed.kind is FeedKind.DOCUMENTS else _pages
    with click.progressbar(
        length=content.rows, label=feed.kind.value, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        bar.update(run.rows_done)
        for taken, count in take(enter, run, feed, left):
            outcomes += taken
            bar.update(count)
    with enter() as uow:
        finish(uow, run.id)
    return outcomes


def _pages(enter: Enter, run: Run, feed: Feed, left: Iterator[Record]) -> Iterator[Taken]:
    done = run.rows_done
    while page := list(islice(left, PAGE_ROWS)):
        with enter() as uow:
            taken = take_page(uow, run.id, feed, page, after=done)
        done += len(page)
        yield taken, len(page)


def _chunks(enter: Enter, run: Run, feed: Feed, left: Iterator[Record]) -> Iterator[Taken]:
    """Documents set by set; the next chunk is read while the database works on this one.

    Without the collector of cycles, which would walk a hundred thousand live rows in vain.
    """
    lines = feed.columns == LINE
    reader = read_line if lines else table_reader(feed.columns, feed.source)

    def read() -> list[Draft | Refused]:
        return read_all(reader, islice(left, CHUNK_ROWS))

    done = run.rows_done
    with ThreadPoolExecutor(max_workers=1) as ahead, _without_collector():
        rows = read()
        while rows:
            following = ahead.submit(read)
            with enter() as uow:
                taken = take_chunk(uow, run.id, rows, after=done)
            done += len(rows)
            yield taken, len(rows)
            rows = following.result()


@contextmanager
def _without_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
