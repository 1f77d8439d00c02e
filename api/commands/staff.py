"""`loyalty staff add`: enter a person, in any role.

The only way to make a programme administrator or an auditor: nobody grants these over HTTP.
"""

import click

from api.commands.environment import find_servers
from api.commands.feed import dealer_named
from api.commands.work import unit_of_work
from api.messages import catalogue
from api.service import build_service
from kernel.errors import DomainError
from kernel.settings import load_settings
from loyalty.dealers.roles import STAFF_ROLES, Role
from loyalty.dealers.staff import add_staff

ROLES = sorted(role.value for role in STAFF_ROLES)


@click.group()
def staff() -> None:
    """The staff of a dealer."""


@staff.command()
@click.option("--dealer", required=True, metavar="CODE_OR_UUID", help="where the person works")
@click.option("--no", "number", required=True, help="staff number")
@click.option("--name", required=True)
@click.option("--role", "roles", required=True, multiple=True, type=click.Choice(ROLES))
@click.option("--team", default="office", show_default=True)
def add(dealer: str, number: str, name: str, roles: tuple[str, ...], team: str) -> None:
    """Enter a person; --role may be given several times."""
    find_servers()
    service = build_service(load_settings())
    try:
        dealer_id = dealer_named(service.settings.database_url, dealer)
        with unit_of_work(service, dealer_id, role=Role.SYSTEM, client="operator") as uow:
            person = add_staff(
                uow,
                staff_no=number,
                name=name,
                phone=None,
                roles={Role(role) for role in roles},
                team=team,
            )
    except DomainError as error:
        message = catalogue()[error.code]
        raise click.ClickException(message.detailed("en", error.params)) from error
    finally:
        service.database.dispose()
    click.echo(f"staff {person}")
