"""What each operational view shows of the history with every event: how it is asked, and its rows in order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from tests.support.history_of_people import LATER

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
DISPATCHED = datetime(2026, 3, 2, 10, 1, tzinfo=UTC)
NO_TIME = {"years": 0, "months": 0, "days": 0}
FIRST_QUARTER = date(2026, 2, 1)

# Of a row only what is named here is compared.
EXPECTED: dict[str, tuple[dict[str, Any], Sequence[dict[str, Any]]]] = {
    "tenancy.workspaces": ({}, [{"name": "Two", "archived": True}, {"name": "First", "archived": False}]),
    "tenancy.members": (
        {},
        [
            {"status": "invited", "owner": False, "role": "member", "full_name": "Ivo"},
            {"status": "joined", "owner": True, "role": "owner", "workspaces": {}},
        ],
    ),
    "tenancy.api_keys": (
        {},
        [
            {"label": "Audit", "role": "auditor", "live": True},
            {"label": "old", "live": False},
            {"label": "k", "live": False},
            {"label": "robot", "live": True},
        ],
    ),
    "access.reviews": ({}, [{"own_entries": None, "entries": 1}, {"own_entries": 1, "kinds": {"export": 5}}]),
    "access.questions": ({"open": False}, [{"entry_position": 1, "outcome": "justified"}]),
    "access.alerts": (
        {"open": True, "rule": "many_exports"},
        [{"rule": "many_exports", "measured": 20, "acknowledged_by": None}],
    ),
    "tenancy.grants": ({"status": "approved"}, [{"reason": "a bug", "ticket": "T-1"}]),
    "audience.contacts": ({}, [{"email": "anna@x.example", "country": "FR", "attributes": {"city": "B"}}]),
    "audience.consents": (
        {},
        [
            {"entry": 6, "what": "consent", "kind": "single", "state": "retracted"},
            {"entry": 5, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 3, "what": "consent", "kind": "single", "state": "standing"},
            {"entry": 10, "what": "suppression", "state": "lifted", "scope": "workspace"},
            {"entry": 7, "what": "relation", "kind": "contract", "state": "ended"},
            {"entry": 5, "what": "opt_out", "kind": "unsubscribe", "state": "lifted"},
            {"entry": 3, "what": "consent", "kind": "double", "state": "withdrawn", "documented": False},
            {"entry": 2, "what": "confirmation_request", "state": "confirmed"},
            {"entry": 1, "what": "consent", "kind": "single", "state": "retracted"},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 2},
            {"what": "suppression", "kind": "erasure", "state": "standing", "entry": 1},
        ],
    ),
    "audience.decisions": (
        {"superseded": True},
        [
            {"entry": 13, "verdict": "allow", "law": "de", "superseded": False, "dispatched_at": DISPATCHED},
            {"entry": 12, "verdict": "hold", "rule": "no-country", "superseded": True, "dispatched_at": None},
        ],
    ),
    "audience.erasures": (
        {},
        [
            {"status": "erased", "held": True, "evidence_until": None, "certified_at": None},
            {"status": "certified", "held": False, "evidence_until": None},
        ],
    ),
    "audience.legal_holds": ({"standing": False}, [{"entry": 3}]),
    "audience.standings": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "entries": [5], "contact_ids": []},
            {"verdict": "allow", "law": "ca", "entries": [3], "workspace_id": None},
            {"verdict": "deny", "law": "fr", "rule": "otherwise", "basis": None, "until": None},
            {"verdict": "hold", "law": None, "rule": "country-unknown", "missing": ["country"]},
        ],
    ),
    "audience.standing_coverage": (
        {},
        [
            {"verdict": "allow", "law": "ca", "basis": "express consent", "people": 2},
            {"verdict": "deny", "law": "fr", "basis": None, "people": 1},
            {"verdict": "hold", "law": None, "basis": None, "people": 1},
        ],
    ),
    "audience.lists": ({}, [{"name": "Everybody", "archived": True, "members": 1}]),
    "audience.imports": (
        {},
        [
            {"status": "expired", "rows": 0, "files_until": LATER},
            {"status": "failed", "problem": "broken-quote"},
            {"status": "cancelled", "rows": 0},
            {"status": "rolled_back", "rows": 3, "imported": 1, "updated": 1, "rejected": 1, "kept": 1},
        ],
    ),
    "campaign.campaigns": (
        {},
        [
            {"state": "archived", "outcome": None, "recipients": 2},
            {"state": "draft", "outcome": "withdrawn", "recipients": None},
            {"state": "draft", "outcome": "voided", "answer_by": None},
            {"state": "draft", "outcome": "timed_out", "parts": None},
            {"state": "draft", "outcome": "rejected", "manager": None},
            {
                "state": "approved",
                "outcome": "approved",
                "name": "Axes",
                "campaign_type": "news",
                "countries": ["DE"],
                "content_hash": "cd",
                "missing": [],
                "missing_tokens": [],
                "recipients": 2,
                "answer_by": LATER,
                "parts": ["campaign_manager", "compliance_officer"],
            },
        ],
    ),
    "costs.costs": (
        {"month": "2026-10", "category": "server"},
        [
            {"state": "reversed", "reversal_reason": "duplicate", "amount": 999},
            {
                "state": "confirmed",
                "amount": 1_049,
                "estimated_amount": 999,
                "approximate": False,
                "reference": "H-1",
            },
            {"state": "entered", "amount": 999, "currency": "USD", "approximate": True, "covers_to": LAST},
        ],
    ),
    "costs.allocation_rules": (
        {},
        [{"pool": "shared-servers", "allocated_by": "weights", "from_day": FIRST}],
    ),
    "finance.periods": ({}, [{"period": "2026-10", "locked": True, "reason": "mistake"}]),
    "finance.targets": (
        {"period_kind": "quarter"},
        [
            {"withdrawn": True, "value": "250000"},
            {"withdrawn": False, "value": "260000"},
            {"withdrawn": False, "value": "250000", "metric": "mrr", "period": "2026-Q4"},
        ],
    ),
    "packs.sealed_packs": (
        {"definition": "finance", "about": FIRST_QUARTER},
        [{"log_position": "1.1", "figures": 7, "needs": ["costs.read", "reports.read"]}],
    ),
    "reports.schedules": (
        {},
        [{"status": "removed", "title": "All books", "next_at": None, "time_zone": "Europe/Berlin"}],
    ),
    "reports.deliveries": (
        {},
        [
            {"status": "skipped", "skipped": 2, "files": None, "reason": None},
            {"status": "dropped", "skipped": None, "mailed": 1},
            {"status": "failed", "reason": "error", "log_position": "1.1", "mailed": 0},
            {"status": "partly", "mailed": 1, "folder": "books"},
            {"status": "delivered", "mailed": 1, "folder": "books", "withheld": [], "log_position": "1.1"},
        ],
    ),
    "ledger.postings": (
        {},
        [{"status": "stopped", "title": "Weekly", "outcome": "failed", "path": "events/checkpoint"}],
    ),
    "sql.queries": ({}, [{"title": "Two", "sql": "SELECT 2"}]),
    "billing.account": (
        {},
        [
            {
                "access": "suspended",
                "plan": "starter",
                "limits": {"users": 2},
                "trial_plan": "starter",
                "trial_over": True,
                "emails_beyond": False,
                "overage": "buy",
                "overage_ceiling": 7,
                "customer": "c",
                "usage_notices": False,
                "notice_language": "de",
            }
        ],
    ),
    "billing.notices": (
        {"status": "not_sent"},
        [{"kind": "usage_reached", "meter": "users", "threshold": 80, "reason": "turned_off", "mailed": 0}],
    ),
    "billing.usage": (
        {},
        [
            {
                "meter": "emails",
                "period": "2026-03",
                "used": 1,
                "share": None,
                "beyond": 3,
                "reported": 3,
                "expected": 100,
                "currency": "USD",
            },
            {"meter": "workspaces", "period": None, "used": 1, "limit": None},
            {"meter": "users", "period": None, "used": 2, "limit": 2, "share": 100.0},
        ],
    ),
    "retention.rules": (
        {},
        [
            {"kind": "import_files", "chosen": False, "agreed_above": 1, "confidence": "N"},
            {"kind": "request_details", "chosen": False, "divided_by": ["person"]},
            {"kind": "evidence", "chosen": False},
            {
                "kind": "board_packs",
                "chosen": True,
                "period": {**NO_TIME, "years": 10},
                "default_period": None,
            },
            {"kind": "delivery_files", "chosen": False, "period": NO_TIME},
            {"kind": "saved_queries", "chosen": False, "disposal": "planned"},
            {"kind": "actor_traces", "chosen": False, "endless": False},
            {"kind": "tenant_log", "chosen": False, "floor": {**NO_TIME, "days": 90}},
        ],
    ),
    "retention.due": (
        {"kind": "board_packs", "state": "destroyed"},
        [{"expired": True, "held": True, "promised": None, "period": {**NO_TIME, "years": 10}}],
    ),
    "retention.holds": (
        {"over": "period", "standing": False},
        [{"matter": "2026-1", "subject": None, "first_day": date(2026, 1, 1), "keeps": 0}],
    ),
    "retention.plans": (
        {},
        [
            {"status": "done", "destroyed": {"board_packs": 1}, "counts": {"board_packs": 1}},
            {"status": "cancelled", "destroyed": None, "agreed_by": None},
        ],
    ),
    "webhooks.webhook_endpoints": (
        {},
        [
            {"state": "removed", "pause_reason": None, "replays": 0},
            {"state": "paused", "pause_reason": "failing", "events": ["audience.*"], "replays": 1},
        ],
    ),
}
