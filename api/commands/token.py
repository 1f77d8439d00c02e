"""`loyalty token`: development tokens for any role and dealer; refused in production."""

import time
from uuid import UUID

from api.auth import CRM_CLIENT
from api.service import development_issuer
from api.token_policy import DEVELOPMENT_LIFETIME_S, Kind
from api.tokens import mint
from kernel.settings import Settings
from loyalty.dealers.roles import Role


def token_for(
    settings: Settings, *, role: str, dealer_id: UUID, subject: UUID | None = None
) -> str:
    """A token of a member (`owner`), the CRM as a machine (`crm`) or a staff member.

    Raises SettingsError in production, ValueError when a person is needed and none is given.
    """
    kind: Kind = {Role.OWNER: "owner", Role.CRM: "client"}.get(Role(role), "staff")  # type: ignore[assignment]
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
    )
