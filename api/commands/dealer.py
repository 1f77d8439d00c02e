"""`loyalty dealer`: open a dealer with its first administrator, both or neither; join partners."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from sqlalchemy.exc import IntegrityError

from api.commands.environment import find_servers
from api.commands.work import work_for
from api.messages import catalogue
from api.service import build_service
from kernel.database import act_for, owner_session, violated
from kernel.errors import DomainError
from kernel.settings import load_settings
from loyalty.dealers.open_dealer import open_dealer
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import add_staff
from loyalty.finance.partners import make_partners


@click.group()
def dealer() -> None:
    """Dealers."""


def _zone(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise click.BadParameter(f"no such time zone: {name}") from error


@dealer.command()
@click.argument("code")
@click.argument("name")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, callback=_zone)
@click.option("--admin-no", required=True, help="staff number of the first administrator")
@click.option("--admin-name", required=True)
def add(code: str, name: str, timezone: str, admin_no: str, admin_name: str) -> None:
    """Open dealer CODE, called NAME."""
    find_servers()
    service = build_service(load_settings())
    try:
        with owner_session(service.settings.database_url) as session:
            dealer_id = open_dealer(session, code=code, name=name, timezone=timezone)
            act_for(session, dealer_id)
            uow = work_for(service, session, dealer_id, role=Role.SYSTEM, client="setup")
            person = add_staff(
                uow,
                staff_no=admin_no,
                name=admin_name,
                phone=None,
                roles=[Role.DEALER_ADMIN],
                team="office",
            )
    except DomainError as error:
        message = catalogue()[error.code].detailed("en", error.params)
        raise click.ClickException(message) from error
    except IntegrityError as error:
        if violated(error) != "uq_dealer_code":
            raise
        raise click.ClickException(f"dealer {code} exists") from error
    click.echo(f"dealer {dealer_id}, administrator {person}")


@dealer.command()
@click.argument("first")
@click.argument("second")
@click.option("--name", help="what FIRST calls SECOND; by default its own name")
def partner(first: str, second: str, name: str | None) -> None:
    """Let FIRST and SECOND, two dealers' codes, honour each other's points."""
    find_servers()
    try:
        with owner_session(load_settings().database_url) as session:
            make_partners(session, first, second, name=name)
    except DomainError as error:
        message = catalogue()[error.code].detailed("en", error.params)
        raise click.ClickException(message) from error
    click.echo(f"{first} and {second} are partners")
