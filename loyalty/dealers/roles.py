"""The roles of product.md, and who grants which.

A person's roles come from our directory, never from a token.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    OWNER = "owner"
    CONSULTANT = "consultant"
    DUTY_MANAGER = "duty_manager"
    SHOWROOM_MANAGER = "showroom_manager"
    CALLBACK_AGENT = "callback_agent"
    SERVICE_DESK = "service_desk"
    FINANCE = "finance"
    DEALER_ADMIN = "dealer_admin"
    PROGRAMME_ADMIN = "programme_admin"
    AUDITOR = "auditor"
    CRM = "crm"
    SYSTEM = "system"


STAFF_ROLES: Final = frozenset(Role) - {Role.OWNER, Role.CRM, Role.SYSTEM}
MANAGERS: Final = frozenset({Role.DUTY_MANAGER, Role.SHOWROOM_MANAGER})
"""Who at a desk may decide what a clerk alone may not."""
MFA_ROLES: Final = frozenset({Role.PROGRAMME_ADMIN, Role.AUDITOR})
"""Who must have signed in with a second factor (api.md, who calls)."""

GRANTABLE: Final[Mapping[Role, frozenset[Role]]] = MappingProxyType(
    {
        **dict.fromkeys(Role, frozenset[Role]()),
        Role.SYSTEM: STAFF_ROLES,
        Role.CRM: STAFF_ROLES - MFA_ROLES,
        Role.DEALER_ADMIN: STAFF_ROLES - MFA_ROLES - {Role.DEALER_ADMIN},
    }
)
"""Which roles each may give to another person, or take away (api.md, who may do what)."""
