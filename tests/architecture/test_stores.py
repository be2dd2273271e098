"""The registry of stores is whole: every table, folder and personal column of the installation stands in it."""

from adapters.postgres.policies import MATRIX
from application.restoring import KEYS_GONE
from application.stores import STORES, Action
from domain.audience import contact
from domain.kernel.events import EVENTS
from domain.kernel.personal import KeyKind
from projections.jobs.due import JOBS
from projections.operational.views import VIEWS
from projections.runtime.purging import holding

PLAIN = {
    "access_reviews.alerts": {"rule", "counts"},
    "access_reviews.questions": {"doubt", "outcome"},
    "access_reviews.sign_offs": {"kinds", "readers"},
    "activities.activities": {"title", "role", "record"},
    "api_keys.api_keys": {"label", "role", "permissions", "workspaces"},
    "campaigns.campaigns": {
        "name",
        "purpose",
        "campaign_type",
        "list_ids",
        "countries",
        "content",
        "state",
        "outcome",
        "content_hash",
        "missing",
        "missing_tokens",
        "parts",
    },
    "costs.costs": {
        "category",
        "currency",
        "provider",
        "resource",
        "assigned",
        "pool",
        "acquires",
        "basis",
        "reference",
        "state",
        "reversal_reason",
    },
    "costs.allocation_rules": {"pool", "allocated_by", "shares"},
    "consents.entries": {"what", "kind", "scope", "within", "channel", "source"},
    "contacts.contacts": {"country", "subscriber_type", "source"},
    "decisions.decisions": {
        "purpose",
        "campaign_type",
        "sender_country",
        "verdict",
        "law",
        "rule",
        "reasons",
    },
    "billing_accounts.accounts": {
        "access",
        "plan",
        "catalogue",
        "limits",
        "features",
        "trial_plan",
        "customer",
        "notice_language",
        "overage",
    },
    "billing_accounts.changes": {"kind", "plan", "lines", "coupon", "state", "reason"},
    "billing_accounts.subscriptions": {"teller", "reference", "told_as", "terms"},
    "billing_notices.notices": {"kind", "status", "meter", "reason", "trouble", "withheld"},
    "board_packs.board_packs": {
        "definition",
        "definition_version",
        "log_position",
        "pdf_sha256",
        "figures_sha256",
        "needs",
        "currency",
    },
    "deliveries.schedules": {
        "status",
        "title",
        "items",
        "frequency",
        "weekday",
        "at",
        "time_zone",
        "folder",
        "recipients",
    },
    "deliveries.deliveries": {
        "status",
        "log_position",
        "files",
        "folder",
        "folder_failed",
        "withheld",
        "refused",
        "reason",
    },
    "postings.postings": {
        "status",
        "title",
        "logs",
        "frequency",
        "folder",
        "bucket",
        "recipients",
        "outcome",
        "posted",
        "passed",
        "reason",
        "log",
        "path",
    },
    "erasures.erasures": {"status", "stores", "kept", "positions", "evidence_by"},
    "exchange_rates.exchange_rates": {"base", "quote", "rate", "source"},
    "gateway_events.gateway_events": {
        "gateway",
        "reference",
        "kind",
        "about",
        "customer",
        "state",
        "reason",
    },
    "grants.grants": {"status", "scope", "ticket"},
    "hashes.hashes": {"algorithm", "kind", "campaign_type"},
    "imports.imports": {
        "kind",
        "status",
        "sha256",
        "encoding",
        "delimiter",
        "columns",
        "mapping",
        "problem",
        "remedy",
    },
    "imports.import_chunks": {"warnings", "problems"},
    "imports.import_contacts": {"change"},
    "jobs.jobs": {"workflow"},
    "lists.lists": {"name"},
    "members.members": {"role", "status"},
    "members.member_workspaces": {"role"},
    "periods.periods": {"period", "reason"},
    "retention.retained": {"kind", "under"},
    "retention.rules": {"kind", "terms", "period"},
    "retention.holds": {"matter", "over_what", "keeps"},
    "retention.plans": {"status", "objects", "counts", "destroyed", "left_out"},
    "saved_queries.saved_queries": {"title"},
    "staff.staff": {"role"},
    "standings.senders": {"country"},
    "standings.standings": {
        "verdict",
        "law",
        "rule",
        "basis",
        "entries",
        "missing",
        "provided",
        "laws",
        "ahead",
        "facts",
        "of_clients",
    },
    "subject_requests.subject_requests": {
        "kind",
        "channel",
        "place",
        "terms",
        "law",
        "due",
        "acknowledge_by",
        "identity",
        "state",
        "outcome",
        "ground",
    },
    "targets.targets": {
        "metric",
        "period_kind",
        "period",
        "segment",
        "comparison",
        "value",
        "value_to",
        "unit",
        "source",
    },
    "tenants.tenants": {"name", "slug", "plan", "status", "country", "sends_for"},
    "tenants.registrations": {"name", "slug", "plan", "status", "country", "sends_for"},
    "usage.usage": {"meter", "period", "currency"},
    "webhook_endpoints.webhook_endpoints": {"url", "events", "description", "state", "pause_reason"},
    "workspaces.workspaces": {"name", "country"},
}
"""Columns of text that hold no person's value: words of ours, and names that members give to things."""


def test_every_table_of_the_database_stands_in_one_line() -> None:
    named = [table for store in STORES for table in store.tables]
    assert len(named) == len(set(named))
    assert {*MATRIX, "views.*", "dramatiq.queue"} == set(named)


def test_every_column_of_text_is_said_to_be_personal_or_not() -> None:
    for projection in (*VIEWS, JOBS):
        for table in projection.tables.values():
            texts = {name for name, kind in table.columns.items() if kind in ("text", "jsonb", "bytea")}
            plain = PLAIN.get(f"{projection.name}.{table.name}", set())
            where = f"{projection.name}.{table.name}"
            assert texts == plain | set(table.personal), f"{where}: name it in `personal`, or here as plain"
            assert not plain & set(table.personal), where


def test_the_tables_that_are_written_anew_hold_what_contacts_hold() -> None:
    (table,) = holding(VIEWS)["contacts"]
    assert {"email", *contact.PERSONAL} <= set(table.personal)
    assert list(holding(VIEWS)) == ["contacts"]


def test_a_personal_column_is_one_of_a_view_that_opens_values() -> None:
    for projection in (*VIEWS, JOBS):
        personal = [table.name for table in projection.tables.values() if table.personal]
        assert projection.reveals or not personal, f"{projection.name} opens nothing, and yet {personal}"


def test_no_evidence_is_in_any_view() -> None:
    proof = {
        (event.name, field)
        for event in EVENTS.classes.values()
        for field, kind in event.personal.items()
        if kind is KeyKind.EVIDENCE
    }
    fields = {field for _, field in proof}
    columns = {
        column
        for projection in VIEWS
        for table in projection.tables.values()
        if "addressee_id" in table.columns
        for column in table.columns
    }
    assert proof
    assert not columns & fields


def test_each_line_says_what_holds_it() -> None:
    for store in STORES:
        assert store.holds, store.name
        assert store.proof, store.name
        assert store.action in Action


def test_every_event_that_says_a_key_is_gone_is_heeded_after_a_restore() -> None:
    assert set(EVENTS.classes) >= KEYS_GONE.keys()
    told = {name for name in EVENTS.classes if name.endswith(("_destroyed", "_forgotten"))}
    assert told - {"audience.email_forgotten"} == set(KEYS_GONE)
