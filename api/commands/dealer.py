"""`loyalty dealer add`: open a dealer with its first administrator."""

import click
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.commands.environment import find_servers
from api.commands.work import unit_of_work
from api.service import build_service
from kernel.database import Database
from kernel.settings import load_settings
from loyalty.dealers.open_dealer import open_dealer
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import add_staff


@click.group()
def dealer() -> None:
    """Dealers."""


@dealer.command()
@click.argument("code")
@click.argument("name")
@click.option("--timezone", default="Asia/Shanghai", show_default=True)
@click.option("--admin-no", required=True, help="staff number of the first administrator")
@click.option("--admin-name", required=True)
def add(code: str, name: str, timezone: str, admin_no: str, admin_name: str) -> None:
    """Open dealer CODE, called NAME."""
    find_servers()
    settings = load_settings()
    owner = Database(settings.database_url, role=None)
    try:
        with Session(owner.engine) as session, session.begin():
            dealer_id = open_dealer(session, code=code, name=name, timezone=timezone)
    except IntegrityError as error:
        raise click.ClickException(f"dealer {code} exists") from error
    service = build_service(settings)
    with unit_of_work(service, dealer_id, role=Role.SYSTEM, client="setup") as uow:
        person = add_staff(
            uow,
            staff_no=admin_no,
            name=admin_name,
            phone=None,
            roles=[Role.DEALER_ADMIN],
            team="office",
        )
    click.echo(f"dealer {dealer_id}, administrator {person}")
