"""Decisions, hand-overs, opt-outs and announced ends as events that happen, for tests of the facts about them."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any
from uuid import uuid4

from projections.olap.query import run_report
from tests.support.events import BEGIN, History
from tests.unit.olap.test_ingest import World

DAY = BEGIN.date()
ELSEWHERE = timezone(timedelta(hours=-3, minutes=-30))
"""Events keep the offset that a moment was given with."""
MARK = "Quetzalcoatl"
"""In every text that must not get in."""

Why = tuple[str, str | None, str, tuple[str, ...]]
CONSENT: Why = ("allow", "de", "de.consent", ())
NO_CONSENT: Why = ("deny", "de", "otherwise", ())
STOPPED: Why = ("deny", None, "suppressed-unsubscribe", ())
UNKNOWN: Why = ("hold", None, "no-country", ("country",))
UNCLEAR: Why = ("hold", "ca", "ca.purchase", ("subscriber", "country"))


def decide(history: History, *reasons: Why, **fields: Any) -> None:
    """A decision with these reasons, the one that weighs most first."""
    verdict = reasons[0][0] if reasons else "hold"
    payload = {
        "addressee_id": str(uuid4()),
        "message_id": str(uuid4()),
        "workspace_id": str(history.workspace_id),
        "message": {"purpose": "marketing", "workspace": str(history.workspace_id), "campaign_type": None},
        "sender_country": "DE",
        "verdict": verdict,
        "decided_at": BEGIN.isoformat(),
        "expires_at": (BEGIN + timedelta(minutes=10)).isoformat() if verdict == "allow" else None,
        "reasons": [
            {
                "verdict": told,
                "law": law,
                "rule": rule,
                "missing": missing,
                "entries": [3],
                "until": None,
                "note": MARK,
            }
            for told, law, rule, missing in reasons
        ],
        "packs": {"de": "1"},
    }
    history.happen("audience.permission_decided", {**payload, **fields}, stream=f"addressee:{uuid4()}")


def dispatch(history: History) -> None:
    payload = {
        "addressee_id": str(uuid4()),
        "message_id": str(uuid4()),
        "workspace_id": str(history.workspace_id),
        "allowed_by": 3,
        "occurred_at": BEGIN.isoformat(),
    }
    history.happen("audience.message_dispatched", payload, stream=f"addressee:{uuid4()}")


def opt_out(history: History, late: timedelta, *, version: int = 3, **fields: Any) -> None:
    """An opt-out that is entered so late after it was said."""
    said = (BEGIN + timedelta(hours=len(history.events) + 1) - late).astimezone(ELSEWHERE)
    payload = {
        "addressee_id": str(uuid4()),
        "scope": "tenant",
        "occurred_at": said.isoformat(),
        "channel": "page",
        "reason": {"~": "evidence", "s": "x", "c": MARK, "h": MARK},
        **({"kind": "unsubscribe", "within": None} if version > 1 else {}),
    }
    history.happen("audience.opted_out", {**payload, **fields}, version=version)


def lapse(history: History, ends: str, *, stage: str = "lapsing", version: int = 1, **fields: Any) -> None:
    """An announcement of an end; since its version 2 it names the client whose it is."""
    payload = {
        "addressee_id": str(uuid4()),
        "law": "fr",
        "rule": "fr.consent",
        "basis": "consent",
        "entries": [2],
        "announced_at": BEGIN.isoformat(),
        "sender_country": "FR",
        "packs": {"fr": "1"},
        **({"lapses_at": ends} if stage == "lapsing" else {"lapsed_at": ends, "verdict": "deny"}),
        **({"rule_since": "otherwise", "missing_since": []} if stage == "lapsed" else {}),
    }
    name, stream = f"audience.permission_{stage}", f"addressee:{uuid4()}"
    history.happen(name, {**payload, **fields}, stream=stream, version=version)


def asked(world: World, name: str, history: History | None = None, **parameters: object) -> list[Any]:
    tenant = (history or world.histories[0]).tenant_id
    return list(run_report(world.store.writing, name, tenant, parameters).rows)
