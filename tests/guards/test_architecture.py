"""The rules of the house (architecture.md) as tests over the source, each shown to bite."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernel", "loyalty", "referral", "api", "migrations")
MOST_MODULE_LINES, MOST_FUNCTION_LINES = 300, 50
MACHINE = ("/home" + "/", "/root" + "/", "/Users" + "/", "/work" + "/", "C:" + "\\Users")
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "index" + "-url")

# What decides with plain values: no database, no web, no clock (rule 2).
PURE = (
    "*/rules/*.py",
    "loyalty/formats/*.py",
    "referral/draw_rules.py",
    "referral/lifecycle.py",
    "referral/questions/*.py",
    "api/strict_json.py",
    "api/masking.py",
)
IMPURE = {"sqlalchemy", "psycopg", "flask", "werkzeug", "marshmallow", "redis", "jwt"}
IMPURE |= {"time", "kernel.database", "kernel.unit_of_work", "kernel.model"}
IMPURE |= {"kernel.clock.system_clock", "kernel.clock.shifted_clock"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files() -> Iterator[Path]:
    """What belongs to the project: everything that .gitignore does not name."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    ignored.append(".git")
    pending = [ROOT]
    while pending:
        for path in pending.pop().iterdir():
            name = path.relative_to(ROOT).as_posix()
            if not any(fnmatch(path.name, each) or name == each for each in ignored):
                if path.is_dir():
                    pending.append(path)
                else:
                    yield path


EVERYTHING = sorted(files())
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in EVERYTHING
    if path.suffix == ".py"
}
SERVICE = {
    name: text for name, text in SOURCES.items() if name.split("/")[0] in (*PACKAGES, "wsgi.py")
}


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def long_functions(source: str) -> list[str]:
    return [
        each.name
        for each in functions(source)
        if (each.end_lineno or 0) - each.lineno >= MOST_FUNCTION_LINES
    ]


def hidden_imports(source: str) -> list[str]:
    return [
        f"{each.name}:{node.lineno}"
        for each in functions(source)
        for node in ast.walk(each)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def imported(source: str) -> set[str]:
    """Modules a source imports, and the packages they lie in."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named |= {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
    return {".".join(name.split(".")[:depth]) for name in named for depth in (1, 2, 3)}


def called(source: str) -> set[str]:
    """Methods a source calls, by name."""
    return {
        node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def at_home_elsewhere(text: str) -> list[str]:
    """Places of one machine, and hosts packages come from, that a text names."""
    return [each for each in (*MACHINE, *REGISTRIES) if each in text]


def where(*patterns: str) -> dict[str, str]:
    return {name: text for name, text in SERVICE.items() if any(fnmatch(name, p) for p in patterns)}


def users_of(package: str) -> set[str]:
    return {name for name, text in SERVICE.items() if package in imported(text)}


def test_the_guards_look_at_the_whole_service() -> None:
    assert {name.split("/")[0] for name in SERVICE} == {*PACKAGES, "wsgi.py"}
    assert len(SERVICE) > 100
    assert all(where(pattern) for pattern in PURE)


def test_no_module_grows_past_300_lines() -> None:
    grown = {name: text.count("\n") for name, text in SOURCES.items() if "tests/" not in name}
    assert [name for name, lines in grown.items() if lines > MOST_MODULE_LINES] == []


def test_no_function_grows_past_50_lines() -> None:
    assert {n: long for n, text in SERVICE.items() if (long := long_functions(text))} == {}


def test_imports_stand_at_the_top() -> None:
    assert {n: found for n, text in SERVICE.items() if (found := hidden_imports(text))} == {}


def test_every_module_says_what_it_is_in_one_to_five_lines() -> None:
    said = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in SOURCES.items()}
    silent = [name for name, text in said.items() if not text]
    assert silent == []
    assert [name for name, text in said.items() if len(text.splitlines()) > 5] == []


def test_only_the_database_module_commits_or_rolls_back() -> None:
    ending = {
        name
        for name, text in SERVICE.items()
        if called(text) & {"commit", "rollback"} and not name.startswith("migrations/")
    }
    assert ending == {"kernel/database.py"}


def test_rules_decide_with_plain_values_only() -> None:
    assert {n: bad for n, text in where(*PURE).items() if (bad := imported(text) & IMPURE)} == {}


def test_the_domain_never_reads_the_clock() -> None:
    domain = where("kernel/*.py", "loyalty/*", "referral/*")
    readers = {name for name, text in domain.items() if called(text) & {"now", "today", "utcnow"}}
    assert {name for name in readers if not name.startswith("kernel/servers/")} == {
        "kernel/clock.py"
    }


def test_the_domain_knows_no_web_framework_and_no_token_library() -> None:
    web = {"flask", "werkzeug", "marshmallow", "jwt", "click", "redis", "apispec"}
    domain = where("kernel/*", "loyalty/*", "referral/*")
    assert {name: bad for name, text in domain.items() if (bad := imported(text) & web)} == {}


@pytest.mark.parametrize(
    ("library", "doorway"),
    [
        ("jwt", {"api/tokens.py"}),
        ("redis", {"api/redis_link.py"}),
        ("valkey", set()),
        ("apispec", {"api/openapi.py"}),
        ("environs", {"kernel/settings.py"}),
    ],
)
def test_a_library_has_one_doorway(library: str, doorway: set[str]) -> None:
    assert users_of(library) == doorway


def test_only_the_interface_and_the_shell_open_transactions() -> None:
    openers = {name for name, text in SERVICE.items() if "transaction" in called(text)}
    assert {name.split("/")[0] for name in openers} == {"api"}


def test_no_file_names_a_place_on_one_machine_or_a_package_registry() -> None:
    guilty = {}
    for path in EVERYTHING:
        found = at_home_elsewhere(path.read_bytes().decode("utf-8", "replace"))
        if found and path != Path(__file__):
            guilty[path.relative_to(ROOT).as_posix()] = found
    assert guilty == {}


BODY = "\n".join(f"    x{number} = {number}" for number in range(MOST_FUNCTION_LINES))


@pytest.mark.parametrize(
    ("guard", "bad", "good"),
    [
        (long_functions, f"def f():\n{BODY}\n", f"def f():\n{BODY.partition(chr(10))[2]}\n"),
        (hidden_imports, "def f():\n    import os\n", "import os\ndef f(): ...\n"),
        (hidden_imports, "class A:\n  async def f(self):\n    from os import path\n", "x = 1\n"),
        (at_home_elsewhere, "cd " + MACHINE[0] + "me", "cd docs"),
        (at_home_elsewhere, "https://" + REGISTRIES[0] + "/simple", "https://example.com"),
    ],
)  # fmt: skip
def test_a_source_guard_bites(guard: object, bad: str, good: str) -> None:
    assert callable(guard)
    assert guard(bad)
    assert not guard(good)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sqlalchemy.orm", "sqlalchemy"),
        ("from kernel import clock", "kernel.clock"),
        ("from kernel.clock import system_clock", "kernel.clock"),
        ("if True:\n    import jwt as j", "jwt"),
    ],
)
def test_an_import_is_seen_however_it_is_written(source: str, found: str) -> None:
    assert found in imported(source)


@pytest.mark.parametrize("source", ["s.commit()", "a.b(c).commit()", "with x: y.z.commit()"])
def test_a_call_is_seen_wherever_it_stands(source: str) -> None:
    assert "commit" in called(source)
