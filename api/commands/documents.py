"""`loyalty docs`: the documents that are made from the code, written or checked to be current."""

from pathlib import Path

import click
import orjson

from api.messages import catalogue
from api.openapi import document
from api.v1 import OPERATIONS
from referral import lifecycle

FOLDER = Path("docs")


def rendered() -> dict[str, str]:
    """Every generated document by its file name."""
    described = orjson.dumps(document(OPERATIONS), option=orjson.OPT_INDENT_2)
    return {
        "openapi.json": described.decode() + "\n",
        "ERRORS.md": _errors(),
        "REFERRAL-STATES.md": _states(),
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """The files that differ from what the code says."""
    return [
        name
        for name, text in rendered().items()
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
    ]


@click.command()
@click.option("--check", is_flag=True, help="only say which files are not current")
def docs(check: bool) -> None:
    """Write docs/openapi.json, ERRORS.md and REFERRAL-STATES.md."""
    if check:
        if names := stale():
            raise click.ClickException(f"not current: {', '.join(names)}; run loyalty docs")
        return
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, "utf-8")
        click.echo(FOLDER / name)


def _errors() -> str:
    lines = [
        "# Error codes",
        "",
        "Made by `loyalty docs` from `api/messages/`. Every error is `application/problem+json`",
        "(RFC 9457) with one of these codes; the language follows `Accept-Language`.",
        "",
        "| code | 中文 | English |",
        "|---|---|---|",
    ]
    for code, message in sorted(catalogue().items()):
        cells = (f"{message.title[key]}：{message.detail[key]}" for key in ("zh", "en"))
        zh, en = (cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| `{code}` | {zh} | {en.replace('：', ': ', 1)} |")
    return "\n".join(lines) + "\n"


def _states() -> str:
    rows = [
        f"| {row.source or '–'} | {row.event} | {row.target} | {', '.join(sorted(row.roles))} "
        f"| {row.guard} | {', '.join(sorted(row.reasons)) or '–'} |"
        for row in lifecycle.TABLE
    ]
    return "\n".join(
        [
            "# The life of a referral",
            "",
            "Made by `loyalty docs` from the table in `referral/lifecycle.py`.",
            "",
            "```mermaid",
            lifecycle.mermaid().rstrip(),
            "```",
            "",
            "| from | event | to | who | guard | reasons |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
