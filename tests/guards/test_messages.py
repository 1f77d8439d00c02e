"""Every error code that can leave the service has a message in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.messages import catalogue
from api.problems import CODE_OF_STATUS, STATUS_OF_CODE
from api.v1 import OPERATIONS
from referral.reasons import Reason

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernel", "loyalty", "referral", "api")
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
SAYING = {
    *("NotFound", "Conflict", "RuleViolation", "Forbidden", "TooSoon"),
    *("Unreadable", "Unauthorized", "PreconditionRequired", "Unavailable", "Problem"),
    *("Fault", "_refuse", "KeyReused", "Stranger"),
}


def codes(source: str) -> set[str]:
    """Codes in a source: what errors are raised with, and tables named CODE something."""
    return {code for node in ast.walk(ast.parse(source)) for code in _said(node)}


def _said(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _name(node.func) in SAYING:
        named = [each.value for each in node.keywords if each.arg == "code"]
        for argument in [*node.args[:1], *named]:
            yield from _texts(argument)
    if isinstance(node, ast.keyword) and node.arg == "error":
        yield from _texts(node.value)
    if isinstance(node, ast.AnnAssign | ast.Assign) and node.value and "CODE" in _targets(node):
        for table in ast.walk(node.value):
            for value in table.values if isinstance(table, ast.Dict) else ():
                yield from _texts(value)


def _texts(node: ast.AST) -> Iterator[str]:
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    for each in branches:
        if isinstance(each, ast.Constant) and CODE.fullmatch(str(each.value)):
            yield str(each.value)


def _name(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _targets(node: ast.AnnAssign | ast.Assign) -> str:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return " ".join(_name(each) for each in targets)


RAISED = {
    code: path.relative_to(ROOT).as_posix()
    for package in reversed(PACKAGES)
    for path in sorted((ROOT / package).rglob("*.py"))
    for code in codes(path.read_text("utf-8"))
}


def test_the_scan_finds_the_codes_of_every_package() -> None:
    assert {place.split("/")[0] for place in RAISED.values()} == {"kernel", "loyalty", "referral",
                                                                  "api"}  # fmt: skip
    assert len(RAISED) > 90


def test_every_code_that_is_raised_has_a_message() -> None:
    assert {code: place for code, place in RAISED.items() if code not in catalogue()} == {}


def test_every_problem_an_operation_announces_has_a_message_and_is_raised_somewhere() -> None:
    announced = {code for operation in OPERATIONS for code in operation.problems}
    assert sorted(announced - set(catalogue())) == []
    assert sorted(announced - set(RAISED)) == []


def test_every_reason_of_a_referral_has_a_message() -> None:
    assert sorted(set(Reason) - set(catalogue())) == []


def test_every_status_of_the_framework_has_a_code_with_a_message() -> None:
    assert sorted({*CODE_OF_STATUS.values(), *STATUS_OF_CODE} - set(catalogue())) == []


def test_no_two_messages_of_one_language_share_a_title_and_a_detail() -> None:
    said = [(m.title[key], m.detail[key]) for m in catalogue().values() for key in ("zh", "en")]
    assert sorted(text for text in set(said) if said.count(text) > 1) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise Conflict('out_of_stock')", {"out_of_stock"}),
        ("raise errors.NotFound('a_b', pointer='/c_d')", {"a_b"}),
        ("raise TooSoon('a_b' if x == 'c_d' else 'e_f')", {"a_b", "e_f"}),
        ("return Problem(code='a_b', status=500)", {"a_b"}),
        ("v = Equal('CNY', error='field_choice')", {"field_choice"}),
        ("_CODES = {'required': 'field_required'}", {"field_required"}),
        ("_CODE_OF: Mapping = Proxy({Error: 'token_x'})", {"token_x"}),
        ("log('not_a_code'); x = {'a': 'b_c'}", set()),
    ],
)
def test_a_code_is_seen_however_it_is_raised(source: str, found: set[str]) -> None:
    assert codes(source) == found
