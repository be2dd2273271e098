"""Postings in tests: all that happens to one in a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID


def of_posting(posting: UUID, member: UUID) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stream, stored name and payload of each event."""
    stream, which = f"posting:{posting}", {"posting_id": posting}
    terms: dict[str, Any] = {
        "title": "Daily",
        "logs": ["events", "access"],
        "frequency": "daily",
        "folder": "ledger",
        "bucket": None,
        "recipients": [],
        "every_tenant": False,
    }
    due, then = {"due_at": "2026-03-01T05:00:00Z"}, {"next_at": "2126-03-02T05:00:00Z"}
    one = {"log": "events", "epoch": 1, "size": 9, "root": "A" * 43 + "=", "files": 2}
    passed = [{"member_id": member, "reason": "removed"}]
    yield stream, "ledger.posting_started", {**which, "author_id": member, "terms": terms, **then}
    done = {"posted": [one], "mailed": 0, "passed": [], "others": 0, "others_failed": 0}
    yield stream, "ledger.checkpoints_posted", {**which, **due, **done, **then}
    changed = {**terms, "title": "Weekly", "frequency": "weekly"}
    yield stream, "ledger.posting_changed", {**which, "author_id": member, "terms": changed, **then}
    wrong = {"reason": "place_contradicts", "log": "events", "path": "events/checkpoint"}
    yield stream, "ledger.posting_failed", {**which, **due, **wrong, "posted": [], "passed": passed, **then}
    yield stream, "ledger.posting_stopped", which
