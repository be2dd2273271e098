"""Permissions: what may be done, named once; and the roles that hold them, three separate sets.

A permission is `area.verb`. Tenant roles and workspace roles belong to a tenant's people and keys, staff roles to the
platform's own. The matrix in `docs/permissions.md` is generated from here and from the registry of commands.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """Everything that may be allowed to somebody."""

    TENANT_READ = "tenant.read"
    TENANT_MANAGE = "tenant.manage"
    TENANT_OWN = "tenant.own"
    TENANT_CLOSE = "tenant.close"
    WORKSPACES_READ = "workspaces.read"
    WORKSPACES_MANAGE = "workspaces.manage"
    MEMBERS_READ = "members.read"
    MEMBERS_MANAGE = "members.manage"
    MEMBERS_LEAVE = "members.leave"
    API_KEYS_READ = "api_keys.read"
    API_KEYS_MANAGE = "api_keys.manage"
    GRANTS_READ = "grants.read"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_MANAGE = "webhooks.manage"
    CONTACTS_READ = "contacts.read"
    CONTACTS_READ_PERSONAL = "contacts.read_personal"
    CONTACTS_WRITE = "contacts.write"
    CONTACTS_IMPORT = "contacts.import"
    CONTACTS_EXPORT = "contacts.export"
    CONTACTS_ERASE = "contacts.erase"
    LISTS_WRITE = "lists.write"
    CONSENT_WRITE = "consent.write"
    SENDING_AUTHORISE = "sending.authorise"
    CAMPAIGNS_READ = "campaigns.read"
    CAMPAIGNS_WRITE = "campaigns.write"
    CAMPAIGNS_APPROVE = "campaigns.approve"
    """Saying yes to a campaign, as a campaign manager."""
    CAMPAIGNS_APPROVE_COMPLIANCE = "campaigns.approve_compliance"
    """Saying yes to a campaign, as a compliance officer."""
    CAMPAIGNS_REJECT = "campaigns.reject"
    REQUESTS_READ = "requests.read"
    REQUESTS_HANDLE = "requests.handle"
    """Taking in what people ask for about their data, and answering it."""
    HISTORY_READ = "history.read"
    HISTORY_READ_PERSONAL = "history.read_personal"
    EVIDENCE_READ = "evidence.read"
    ACCESS_READ = "access.read"
    ACCESS_REVIEW = "access.review"
    """Signing off who read what, asking and answering about it, and saying what is told as an alert."""
    AUDITORS_ADMIT = "auditors.admit"
    """Letting outside auditors read logs of a period, no more than one reads oneself."""
    AUDIT_EVENTS = "audit.events"
    """Reading the events of a period, as an outside auditor: their keys alone hold it."""
    AUDIT_ACCESS = "audit.access"
    """Reading who read what in a period, as an outside auditor."""
    REPORTS_READ = "reports.read"
    REPORTS_DRILL = "reports.drill"
    """Opening figures to the events behind them, and differences of figures to what made them."""
    REPORTS_SQL = "reports.sql"
    """Asking SQL of one's own over all facts of the tenant, and keeping it."""
    REPORTS_SEAL = "reports.seal"
    """Making a board pack that is kept for ever."""
    REPORTS_SCHEDULE = "reports.schedule"
    """Having reports and packs delivered regularly, to folders and to members."""
    BILLING_READ = "billing.read"
    BILLING_MANAGE = "billing.manage"
    """Choosing what is paid for; it can be done also where nothing else can, because nobody paid."""
    COSTS_READ = "costs.read"
    COSTS_WRITE = "costs.write"
    """Entering, confirming and reversing costs, and ruling how shared ones are allocated."""
    FINANCE_PLAN = "finance.plan"
    """Setting targets and withdrawing them; recording exchange rates."""
    FINANCE_CLOSE = "finance.close"
    """Locking a month of the books, and reopening it."""
    RETENTION_READ = "retention.read"
    RETENTION_MANAGE = "retention.manage"
    """Saying how long things are kept, holding them for a matter, and having destroyed what is due."""
    LEDGER_POST = "ledger.post"
    """Having the logs' checkpoints posted outside, regularly."""
    OPERATIONS_READ = "operations.read"

    PLATFORM_TENANTS_REGISTER = "platform.tenants_register"
    PLATFORM_TENANTS_READ = "platform.tenants_read"
    PLATFORM_TENANTS_SUSPEND = "platform.tenants_suspend"
    PLATFORM_STAFF_MANAGE = "platform.staff_manage"
    PLATFORM_SUPPRESSIONS_MANAGE = "platform.suppressions_manage"
    """Letting nothing go to an address, from any tenant."""
    PLATFORM_BILLING_MANAGE = "platform.billing_manage"
    """Entering what was agreed with a customer."""
    PLATFORM_REPORTS_READ = "platform.reports_read"
    """Reading the figures of all customers together."""
    PLATFORM_GRANTS_REQUEST = "platform.grants_request"
    PLATFORM_GRANTS_APPROVE = "platform.grants_approve"
    PLATFORM_GRANTS_PERSONAL = "platform.grants_personal"
    """Seeing personal values under a grant whose scope names them: every staff role but support."""

    INTERNAL = "internal"
    """Held by workflows alone."""


class TenantRole(StrEnum):
    """What a member, or an API key, is in a tenant."""

    OWNER = "owner"
    ADMIN = "admin"
    CAMPAIGN_MANAGER = "campaign_manager"
    COMPLIANCE_OFFICER = "compliance_officer"
    FINANCE_LEADER = "finance_leader"
    MEMBER = "member"
    VIEWER = "viewer"


class WorkspaceRole(StrEnum):
    """What a member is in one workspace; it narrows or widens the tenant role there alone."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class StaffRole(StrEnum):
    """What somebody is at the platform."""

    SUPER_ADMIN = "super_admin"
    SUPPORT = "support"
    FINANCE = "finance"
    OPERATIONS = "operations"


P = Permission
_READ: Final = frozenset(
    {
        P.TENANT_READ,
        P.WORKSPACES_READ,
        P.MEMBERS_READ,
        P.CONTACTS_READ,
        P.CAMPAIGNS_READ,
        P.REPORTS_READ,
    }
)
OF_ONESELF: Final = frozenset({P.MEMBERS_LEAVE})
"""What everybody may do about themselves alone: who gives somebody a role need not hold it."""

FINANCE: Final = frozenset({P.COSTS_READ, P.COSTS_WRITE, P.FINANCE_PLAN, P.FINANCE_CLOSE, P.REPORTS_DRILL})
"""The books of whoever has the log: costs, targets, the months that are closed, and what figures are made of."""

_PERSON: Final = _READ | OF_ONESELF
_CONTACTS: Final = frozenset(
    {
        P.CONTACTS_READ_PERSONAL,
        P.CONTACTS_WRITE,
        P.CONTACTS_IMPORT,
        P.LISTS_WRITE,
        P.CONSENT_WRITE,
        P.SENDING_AUTHORISE,
        P.CAMPAIGNS_WRITE,
    }
)
AUDITS: Final = frozenset({P.AUDIT_EVENTS, P.AUDIT_ACCESS})
"""What an outside auditor's key holds, and nobody of the tenant's."""
_TENANT_ALL: Final = frozenset(p for p in P if not p.startswith("platform.") and p is not P.INTERNAL) - AUDITS

TENANT_ROLES: Final[dict[TenantRole, frozenset[Permission]]] = {
    TenantRole.OWNER: _TENANT_ALL,
    TenantRole.ADMIN: _TENANT_ALL - {P.TENANT_OWN, P.TENANT_CLOSE, P.EVIDENCE_READ, P.ACCESS_REVIEW},
    TenantRole.CAMPAIGN_MANAGER: _PERSON
    | _CONTACTS
    | {P.HISTORY_READ, P.CAMPAIGNS_APPROVE, P.CAMPAIGNS_REJECT},
    TenantRole.COMPLIANCE_OFFICER: _PERSON
    | {
        P.API_KEYS_READ,
        P.GRANTS_READ,
        P.CONTACTS_READ_PERSONAL,
        P.CONTACTS_IMPORT,
        P.CONTACTS_EXPORT,
        P.CONTACTS_ERASE,
        P.CONSENT_WRITE,
        P.CAMPAIGNS_APPROVE_COMPLIANCE,
        P.CAMPAIGNS_REJECT,
        P.REQUESTS_READ,
        P.REQUESTS_HANDLE,
        P.HISTORY_READ,
        P.HISTORY_READ_PERSONAL,
        P.EVIDENCE_READ,
        P.ACCESS_READ,
        P.ACCESS_REVIEW,
        P.AUDITORS_ADMIT,
        P.RETENTION_READ,
        P.RETENTION_MANAGE,
        P.REPORTS_DRILL,
        P.REPORTS_SEAL,
        P.REPORTS_SCHEDULE,
        P.REPORTS_SQL,
        P.LEDGER_POST,
    },
    TenantRole.FINANCE_LEADER: _PERSON
    | FINANCE
    | {
        P.HISTORY_READ,
        P.REPORTS_SEAL,
        P.REPORTS_SCHEDULE,
        P.REPORTS_SQL,
        P.BILLING_READ,
        P.BILLING_MANAGE,
    },
    TenantRole.MEMBER: _PERSON | _CONTACTS,
    TenantRole.VIEWER: _PERSON,
}

WORKSPACE_ROLES: Final[dict[WorkspaceRole, frozenset[Permission]]] = {
    WorkspaceRole.ADMIN: frozenset(
        {P.CONTACTS_READ, P.CONTACTS_EXPORT, P.CAMPAIGNS_READ, P.WORKSPACES_READ, P.WORKSPACES_MANAGE}
    )
    | _CONTACTS,
    WorkspaceRole.MEMBER: frozenset({P.CONTACTS_READ, P.CAMPAIGNS_READ, P.WORKSPACES_READ}) | _CONTACTS,
    WorkspaceRole.VIEWER: frozenset({P.CONTACTS_READ, P.CAMPAIGNS_READ, P.WORKSPACES_READ}),
}

_STAFF_READ: Final = frozenset({P.PLATFORM_TENANTS_READ, P.PLATFORM_GRANTS_REQUEST, P.OPERATIONS_READ})
STAFF_ROLES: Final[dict[StaffRole, frozenset[Permission]]] = {
    StaffRole.SUPER_ADMIN: frozenset(p for p in P if p.startswith("platform."))
    | FINANCE
    | {P.OPERATIONS_READ, P.HISTORY_READ, P.LEDGER_POST},
    StaffRole.SUPPORT: _STAFF_READ,
    StaffRole.FINANCE: _STAFF_READ
    | FINANCE
    | {P.REPORTS_READ, P.PLATFORM_REPORTS_READ, P.PLATFORM_BILLING_MANAGE, P.PLATFORM_GRANTS_PERSONAL},
    StaffRole.OPERATIONS: _STAFF_READ
    | {
        P.PLATFORM_TENANTS_REGISTER,
        P.PLATFORM_SUPPRESSIONS_MANAGE,
        P.PLATFORM_GRANTS_APPROVE,
        P.PLATFORM_GRANTS_PERSONAL,
    },
}

PERSONAL: Final[frozenset[Permission]] = frozenset({P.CONTACTS_READ_PERSONAL, P.HISTORY_READ_PERSONAL})
"""What shows personal values in the clear; support holds none of it, whoever approves."""

GRANTABLE: Final[frozenset[Permission]] = (
    _READ | PERSONAL | {P.API_KEYS_READ, P.GRANTS_READ, P.HISTORY_READ, P.REPORTS_DRILL}
)
"""What a break-glass grant may hold: reading alone, and personal data only where the grant's scope names it."""
