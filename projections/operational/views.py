"""The operational views; importing this also registers their queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.access_reviews import queries as _access_reviews
from projections.operational.access_reviews.handler import ACCESS_REVIEWS
from projections.operational.activities import queries as _activities
from projections.operational.activities.handler import ACTIVITIES
from projections.operational.api_keys import queries as _api_keys
from projections.operational.api_keys.handler import API_KEYS
from projections.operational.billing_accounts import queries as _billing_accounts
from projections.operational.billing_accounts.handler import BILLING_ACCOUNTS
from projections.operational.billing_notices import queries as _billing_notices
from projections.operational.billing_notices.handler import BILLING_NOTICES
from projections.operational.board_packs import queries as _board_packs
from projections.operational.board_packs.handler import BOARD_PACKS
from projections.operational.campaigns import queries as _campaigns
from projections.operational.campaigns.handler import CAMPAIGNS
from projections.operational.consents import queries as _consents
from projections.operational.consents.handler import CONSENTS
from projections.operational.contacts import queries as _contacts
from projections.operational.contacts.handler import CONTACTS
from projections.operational.costs import queries as _costs
from projections.operational.costs.handler import COSTS
from projections.operational.decisions import queries as _decisions
from projections.operational.decisions.handler import DECISIONS
from projections.operational.deliveries import queries as _deliveries
from projections.operational.deliveries.handler import DELIVERIES
from projections.operational.erasures import queries as _erasures
from projections.operational.erasures.handler import ERASURES
from projections.operational.exchange_rates import queries as _exchange_rates
from projections.operational.exchange_rates.handler import EXCHANGE_RATES
from projections.operational.gateway_events import queries as _gateway_events
from projections.operational.gateway_events.handler import GATEWAY_EVENTS
from projections.operational.grants import queries as _grants
from projections.operational.grants.handler import GRANTS
from projections.operational.hashes.handler import HASHES
from projections.operational.imports import queries as _imports
from projections.operational.imports.handler import IMPORTS
from projections.operational.lists import queries as _lists
from projections.operational.lists.handler import LISTS
from projections.operational.members import queries as _members
from projections.operational.members.handler import MEMBERS
from projections.operational.periods import queries as _periods
from projections.operational.periods.handler import PERIODS
from projections.operational.postings import queries as _postings
from projections.operational.postings.handler import POSTINGS
from projections.operational.retention import queries as _retention
from projections.operational.retention.handler import RETENTION
from projections.operational.saved_queries import queries as _saved_queries
from projections.operational.saved_queries.handler import SAVED_QUERIES
from projections.operational.staff import queries as _staff
from projections.operational.staff.handler import STAFF
from projections.operational.standings import queries as _standings
from projections.operational.standings.handler import STANDINGS
from projections.operational.subject_requests import queries as _subject_requests
from projections.operational.subject_requests.handler import SUBJECT_REQUESTS
from projections.operational.targets import queries as _targets
from projections.operational.targets.handler import TARGETS
from projections.operational.tenants import queries as _tenants
from projections.operational.tenants.handler import TENANTS
from projections.operational.usage import queries as _usage
from projections.operational.usage.handler import USAGE
from projections.operational.webhook_endpoints import queries as _webhook_endpoints
from projections.operational.webhook_endpoints.handler import WEBHOOK_ENDPOINTS
from projections.operational.workspaces import queries as _workspaces
from projections.operational.workspaces.handler import WORKSPACES

if TYPE_CHECKING:
    from projections.runtime.facts import Projection

VIEWS: Final[tuple[Projection, ...]] = (
    ACCESS_REVIEWS,
    ACTIVITIES,
    API_KEYS,
    BILLING_ACCOUNTS,
    BILLING_NOTICES,
    BOARD_PACKS,
    CAMPAIGNS,
    CONSENTS,
    CONTACTS,
    COSTS,
    DECISIONS,
    DELIVERIES,
    ERASURES,
    EXCHANGE_RATES,
    GATEWAY_EVENTS,
    GRANTS,
    HASHES,
    IMPORTS,
    LISTS,
    MEMBERS,
    PERIODS,
    RETENTION,
    POSTINGS,
    SAVED_QUERIES,
    STAFF,
    STANDINGS,
    SUBJECT_REQUESTS,
    TARGETS,
    TENANTS,
    USAGE,
    WEBHOOK_ENDPOINTS,
    WORKSPACES,
)
"""Every operational view."""

_REGISTERED: Final = (
    _access_reviews,
    _activities,
    _api_keys,
    _billing_accounts,
    _billing_notices,
    _board_packs,
    _campaigns,
    _consents,
    _contacts,
    _costs,
    _decisions,
    _deliveries,
    _erasures,
    _exchange_rates,
    _gateway_events,
    _grants,
    _imports,
    _lists,
    _members,
    _periods,
    _retention,
    _postings,
    _saved_queries,
    _staff,
    _standings,
    _subject_requests,
    _targets,
    _tenants,
    _usage,
    _webhook_endpoints,
    _workspaces,
)
