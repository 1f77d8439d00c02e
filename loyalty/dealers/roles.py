"""The roles of product.md. A person's roles come from our directory, never from a token."""

from enum import StrEnum


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


STAFF_ROLES = frozenset(Role) - {Role.OWNER, Role.CRM, Role.SYSTEM}
