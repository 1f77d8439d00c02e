"""`loyalty staff add`: how a programme administrator or an auditor comes to be."""

import pytest
from click.testing import CliRunner, Result

from api.cli import cli
from api.messages import catalogue
from tests.support.shop import Shop


def add(shop: Shop, number: str, *roles: str, dealer: str = "") -> Result:
    named = dealer or f"t-{shop.dealer_id.hex}"
    asked = ["staff", "add", "--dealer", named, "--no", number, "--name", "赵审计"]
    return CliRunner().invoke(cli, [*asked, *(word for role in roles for word in ("--role", role))])


@pytest.mark.parametrize("role", ["programme_admin", "auditor"])
def test_an_operator_enters_whom_nobody_may_enter_over_http(shop: Shop, role: str) -> None:
    done = add(shop, "A-1 ", role, "finance")
    assert done.exit_code == 0, done.output
    person = done.output.removeprefix("staff ").strip()
    entry = shop.get("dealer_admin", f"/v1/staff/{person}").json
    assert (entry["staff_no"], entry["roles"]) == ("A-1", sorted(["finance", role]))


@pytest.mark.parametrize(
    ("number", "dealer", "code"),
    [
        ("A-1", "", "staff_no_taken"),
        ("А-1", "", "reference_invalid"),
        ("A-2", "no-such", "dealer_not_found"),
    ],
)
def test_an_operator_is_told_what_is_wrong(shop: Shop, number: str, dealer: str, code: str) -> None:
    add(shop, "A-1", "auditor")
    done = add(shop, number, "auditor", dealer=dealer)
    assert (done.exit_code, catalogue()[code].detail["en"] in done.output) == (1, True)


def test_a_member_or_a_machine_is_no_staff_role(shop: Shop) -> None:
    assert add(shop, "A-3", "owner").exit_code == 2
