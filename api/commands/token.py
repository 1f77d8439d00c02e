"""`loyalty token`: development tokens for any role and dealer; refused in production."""

import time
from collections.abc import Sequence
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import CRM_CLIENT
from api.commands.environment import find_servers
from api.service import development_issuer
from api.token_policy import DEVELOPMENT_LIFETIME_S, Kind
from api.tokens import mint
from kernel.database import owner_session
from kernel.errors import NotFound
from kernel.settings import Settings, SettingsError, load_settings
from loyalty.dealers.models import Dealer
from loyalty.dealers.open_dealer import find_dealer, people_in_role
from loyalty.dealers.roles import MFA_ROLES, STAFF_ROLES, Role
from loyalty.members.queries import find_reference

SAMPLE_OWNER = "C-ZHANGSAN"
ROLES = sorted(role.value for role in STAFF_ROLES | {Role.CRM, Role.OWNER})


def token_for(
    settings: Settings, *, role: str, dealer_id: UUID, subject: UUID | None = None
) -> str:
    """A token of a member (`owner`), the CRM as a machine (`crm`) or a staff member.

    Raises SettingsError in production, ValueError when a person is needed and none is given.
    """
    kinds: dict[str, Kind] = {Role.OWNER: "owner", Role.CRM: "client"}
    kind = kinds.get(role, "staff")
    if kind != "client" and subject is None:
        raise ValueError(f"whose token? {role} needs a person")
    return mint(
        development_issuer(settings),
        sub=CRM_CLIENT if kind == "client" else str(subject),
        kind=kind,
        dealer=str(dealer_id),
        now=time.time(),
        lifetime_s=DEVELOPMENT_LIFETIME_S,
        client="owner-website" if kind == "owner" else CRM_CLIENT,
        mfa=role in MFA_ROLES,
    )


@click.command()
@click.option("--dealer", required=True, help="the dealer's code, such as north")
@click.option("--role", type=click.Choice(ROLES), help="default: everybody, a line each")
@click.option("--person", type=click.UUID, help="staff or member id; default: the first in ROLE")
@click.option("--reference", default=SAMPLE_OWNER, show_default=True, help="whose owner token")
def token(dealer: str, role: str | None, person: UUID | None, reference: str) -> None:
    """Print a development token, good for 12 hours."""
    find_servers()
    try:
        settings = load_settings()
        development_issuer(settings)
        with owner_session(settings.database_url, read_only=True) as session:
            dealer_id = find_dealer(session, dealer)
            if role is None:
                _print_all(session, settings, dealer_id, reference)
                return
            subject = person or _subjects(session, dealer_id, role, reference)[0]
        click.echo(token_for(settings, role=role, dealer_id=dealer_id, subject=subject))
    except (SettingsError, NotFound) as error:
        raise click.ClickException(str(error)) from error


def print_tokens(settings: Settings) -> None:
    """The tokens of everybody at every dealer, to be copied."""
    with owner_session(settings.database_url, read_only=True) as session:
        for dealer in session.scalars(select(Dealer).order_by(Dealer.id)):
            click.echo(f"\n{dealer.code}  {dealer.name}  {dealer.id}")
            _print_all(session, settings, dealer.id, SAMPLE_OWNER)
    click.echo()


def _print_all(session: Session, settings: Settings, dealer_id: UUID, reference: str) -> None:
    """A line per person; the second one in a role is `callback_agent-2`."""
    for role in (Role.OWNER, Role.CRM, *sorted(STAFF_ROLES)):
        for number, subject in enumerate(_subjects(session, dealer_id, role, reference), 1):
            who = role if number == 1 else f"{role}-{number}"
            minted = token_for(settings, role=role, dealer_id=dealer_id, subject=subject)
            click.echo(f"  {who:<19} {minted}")


def _subjects(
    session: Session, dealer_id: UUID, role: str, reference: str
) -> Sequence[UUID | None]:
    """Who may be meant: the CRM is nobody, an owner is named, staff are all in the role."""
    if role == Role.CRM:
        return [None]
    if role == Role.OWNER:
        return [find_reference(session, dealer_id, "crm", reference)]
    return people_in_role(session, dealer_id, role)
